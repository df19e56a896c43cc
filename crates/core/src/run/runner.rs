//! The runner: the life of a run from its request to its end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::book::SyncBook;
use super::keeper::LeaseKeeper;
use super::measure::{self, RunMeasure};
use super::record::{Recorder, endpoint};
use super::work::Work;
use super::{Consent, MemoryMeter, RunReport, RunRequest, SyncDefinition};
use crate::event::{Events, Level};
use crate::history::{
    Abandoned, Approval, Claim, Claimed, Decision, History, NewRun, PlanRef, Purpose, Retention, Run, RunFilter, RunId,
    RunSettings, RunStage, RunStatus, Stop, StopRequest, SyncDefinition as KnownSync, SyncId, Triggered,
};
use crate::plan::{PlanExcerpt, PlanReader};
use crate::registry::Registry;
use crate::stop::StopSignal;
use crate::{Error, ErrorKind, Result};

/// How long a runner keeps a run without asking for more time.
const LEASE: Duration = Duration::from_secs(30);
/// How often in a row a run may be taken without recording anything.
const TRIES: u64 = 5;
/// How often somebody who waits for another run looks whether it is over.
const LOOK: Duration = Duration::from_millis(500);
/// How many unfinished runs of a sync are looked at: there are rarely two.
const OPEN: u64 = 1_000;

/// Runs syncs.
pub struct Runner {
    pub(super) registry: Registry,
    pub(super) history: History,
    pub(super) folder: PathBuf,
    pub(super) meter: Option<&'static dyn MemoryMeter>,
    worker: String,
    lease: Duration,
    tries: u64,
    clock: Box<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    pub(super) book: Option<Arc<dyn SyncBook>>,
    trace_of: fn(&tracing::Span) -> Option<String>,
    /// How many reads of a model are kept beside those of the last run; none for all.
    pub(super) kept_reads: Option<u64>,
}

impl Runner {
    /// A runner that keeps snapshots and plans below `folder` and remembers runs in `history`.
    pub fn new(registry: Registry, history: History, folder: impl Into<PathBuf>) -> Self {
        // A name is used once: what another process left must never be taken for this one's.
        let worker = format!("{}-{}", std::process::id(), uuid::Uuid::now_v7().simple());
        Self {
            registry,
            history,
            folder: folder.into(),
            meter: None,
            worker,
            lease: LEASE,
            tries: TRIES,
            clock: Box::new(Utc::now),
            book: None,
            trace_of: |_| None,
            kept_reads: Retention::default().reads,
        }
    }

    /// Measures with `meter` how much memory each phase takes. What runs of the same process take at the same time counts for each of them.
    pub fn with_memory_meter(self, meter: &'static dyn MemoryMeter) -> Self {
        Self { meter: Some(meter), ..self }
    }

    /// Keeps a run for `lease` without asking for more time: as long as a run of a runner that died waits at most.
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// Lets a run be taken `tries` times in a row without recording anything, before it is taken for what kills its runners.
    pub fn with_tries(self, tries: u64) -> Self {
        Self { tries, ..self }
    }

    /// Asks `clock` for the time by which is judged what was absent long enough.
    pub fn with_clock(self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self { clock: Box::new(clock), ..self }
    }

    /// Lets what is done here and now keep to the limits that a sync has in `book`: its windows, and how long it may write.
    pub fn with_book(self, book: Arc<dyn SyncBook>) -> Self {
        Self { book: Some(book), ..self }
    }

    /// Asks `trace_of` for the id under which a run's span goes to a collector of traces; it knows none where there is no collector.
    pub fn with_trace_ids(self, trace_of: fn(&tracing::Span) -> Option<String>) -> Self {
        Self { trace_of, ..self }
    }

    /// Keeps so many reads of each model beside those of the last run; none for all of them.
    pub fn with_kept_reads(self, kept_reads: Option<u64>) -> Self {
        Self { kept_reads, ..self }
    }

    /// The time by which is judged what was absent long enough.
    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// The connectors.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What is remembered.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The name under which this runner takes runs.
    pub fn worker(&self) -> &str {
        &self.worker
    }

    /// Makes a run for whichever runner is free, unless one of the sync that was asked to do the same is under way or queued already.
    pub async fn trigger(&self, sync: &SyncDefinition, request: &RunRequest) -> Result<Triggered> {
        self.trigger_with(sync, request, None, None).await
    }

    async fn trigger_with(
        &self,
        sync: &SyncDefinition,
        request: &RunRequest,
        plan: Option<&PlanReader>,
        decision: Option<&Decision>,
    ) -> Result<Triggered> {
        ensure_of_one_piece(sync, request)?;
        let digest = sync.digest(&self.registry)?;
        let new = NewRun {
            sync: self.know(sync).await?,
            kind: request.kind,
            dry: request.is_dry(),
            definition_hash: digest,
            source: endpoint(&sync.source),
            target: endpoint(&sync.target),
            triggered_by: request.by.clone(),
            request: request.reason.clone(),
            request_id: request.request_id.clone(),
            once: request.once,
            reads_anew: request.reads_anew,
            purpose: request.purpose,
            subject: request.subject,
            options: request.settings.clone(),
            tick: request.tick,
            not_before: request.not_before,
            plan: plan.map(plan_ref),
        };
        self.history.trigger_decided(&new, decision).await
    }

    /// Makes a sync known to the history.
    pub(super) async fn know(&self, sync: &SyncDefinition) -> Result<SyncId> {
        let hash = sync.digest(&self.registry)?;
        let known = KnownSync { name: sync.name.clone(), hash, definition: sync.shown(&self.registry)? };
        self.history.upsert_sync(&known).await
    }

    /// Runs a sync here and now: reads, compares, saves the plan, and applies it unless it is a dry run or a guard objects. What
    /// is under way for the sync, or writes to the same system, is waited for.
    ///
    /// A run that was asked to do the same and is not finished, as it was killed or nobody took it, is gone on with. It is the answer,
    /// unless it compared what both sides had then: another run follows then. The report tells of it ([`RunReport::found`]).
    /// What was asked for something else is left alone, and is in the way of what would write.
    ///
    /// The report tells how it ended, errors of either system included. An error from here means that the run could not even
    /// be recorded, or that another one is in its way.
    pub async fn run(
        &self,
        sync: &SyncDefinition,
        request: RunRequest,
        events: &Events,
        cancel: &CancellationToken,
    ) -> Result<RunReport> {
        self.put_back_abandoned().await?;
        self.ensure_free(sync, &request).await?;
        let found = match self.trigger(sync, &request).await? {
            Triggered::Made(run) => return self.work_made(run, sync, events, cancel).await,
            Triggered::AlreadyRunning(run) => self.known(run).await?,
        };
        Self::ensure_ours(&found)?;
        if found.waiting.is_some() {
            self.history.resume(found.id).await?;
        }
        let Run { id, kind, triggered_by, .. } = &found;
        let text = format!("run {id} ({} by {triggered_by}) was not finished: going on with it", kind.as_str());
        events.message(Level::Warning, text);
        let report = self.go_on(*id, sync, events, cancel).await?;
        let is_fresh = found.stage == RunStage::Begun && found.options == request.settings;
        // What is about another run is done once.
        if is_fresh || request.subject.is_some() || report.status != RunStatus::Completed {
            return Ok(RunReport { found: Some(*id), ..report });
        }
        let report = match self.trigger(sync, &request).await? {
            Triggered::Made(run) => self.work_made(run, sync, events, cancel).await?,
            Triggered::AlreadyRunning(run) => self.go_on(run, sync, events, cancel).await?,
        };
        Ok(RunReport { found: Some(*id), ..report })
    }

    /// Applies a saved plan, exactly as saved. `consent` is a person's word that it may pass its guards.
    pub async fn apply(
        &self,
        sync: &SyncDefinition,
        plan: &Path,
        consent: Option<Consent>,
        request: RunRequest,
        events: &Events,
        cancel: &CancellationToken,
    ) -> Result<RunReport> {
        let plan = PlanReader::open(plan)?;
        ensure_applicable(&plan, sync, &sync.digest(&self.registry)?)?;
        if let Some(run) = self.history.applied_by(plan.hash()).await? {
            let message = format!("the plan was applied by run {run} already; make a new plan");
            return Err(Error::new(ErrorKind::Stale, message));
        }
        self.put_back_abandoned().await?;
        let has_consent = consent.is_some();
        let decision = |consent: Consent| Decision {
            plan_hash: plan.hash().to_owned(),
            verdict: Approval::Approved,
            by: request.by.clone(),
            reason: consent.reason,
            selection: None,
            overrides_guards: consent.overrides_guards,
            at: Utc::now(),
        };
        let run = match self.waiting_with(&plan, &sync.name).await? {
            // A plan that a person applies by name is one that the person looked at.
            Some(run) => {
                if has_consent || plan.summary().demand().is_none() {
                    let consent = consent.unwrap_or_else(|| Consent::from("applied by its file"));
                    self.history.decide(run, &decision(consent)).await?;
                }
                run
            }
            None => {
                let decision = consent.map(decision);
                let header = plan.header();
                let subject = header.undoes.map(RunId::new).or(request.subject);
                let scope = header.scope.clone();
                // It says nothing of the rest of the sync, and so is about the run whose plan it is.
                let subject = if scope.is_some() { Some(made_by(&plan)?) } else { subject };
                let settings = RunSettings { scope, ..request.settings };
                let request = RunRequest { purpose: Purpose::Apply, subject, settings, ..request };
                self.ensure_free(sync, &request).await?;
                return match self.trigger_with(sync, &request, Some(&plan), decision.as_ref()).await? {
                    Triggered::Made(run) => self.work_made(run, sync, events, cancel).await,
                    Triggered::AlreadyRunning(run) => Err(in_the_way(&self.known(run).await?)),
                };
            }
        };
        self.go_on(run, sync, events, cancel).await
    }

    /// Works on a run that this runner has, until it is over, waits for a person, or is put back.
    pub async fn work(
        &self,
        claim: Claim,
        sync: &SyncDefinition,
        events: &Events,
        stop: &StopSignal,
    ) -> Result<RunReport> {
        Box::pin(self.work_limited(claim, sync, None, events, stop)).await
    }

    pub(super) async fn work_limited(
        &self,
        claim: Claim,
        sync: &SyncDefinition,
        limit: Option<Duration>,
        events: &Events,
        stop: &StopSignal,
    ) -> Result<RunReport> {
        let mut run = self.known(claim.run).await?;
        let seconds = limit.map(|limit| limit.as_secs());
        run.options.max_duration_s = run.options.max_duration_s.or(seconds);
        let keeper = LeaseKeeper::start(self.history.clone(), claim, self.lease, stop.clone());
        let measured = RunMeasure::follow(&sync.name, run.kind, events);
        let measured = if run.is_part() { measured.of_a_part() } else { measured };
        // What another run asked for that was followed by the same stream is not this one's.
        events.forget_requests();
        let recorder = Recorder::of(&self.history, claim, &run, events);
        if run.attempt > 1 {
            events.message(Level::Info, format!("attempt {}: `{}` goes on with the run", run.attempt, self.worker));
        }
        match &run.stop {
            Some(request) if request.stop == Stop::Cancel => stop.cancel(request.words()),
            Some(request) => stop.pause(request.words()),
            None => {}
        }
        let mut report = RunReport::begun(&run);
        let span = measure::run_span(&sync.name, run.id);
        if let Some(id) = (self.trace_of)(&span) {
            self.history.set_trace_id(claim, &id).await?;
        }
        let validity = keeper.validity();
        let mut work = Work { runner: self, sync, run: &run, claim, validity, events, stop, recorder: &recorder };
        let working = async {
            let ended = Box::pin(work.stages(&mut report)).await;
            Box::pin(work.leave_no_doubt(ended, &mut report)).await
        };
        let ended = working.instrument(span).await;
        report.requests += events.requests_so_far();
        report.end(ended, stop);
        measured.end(&report).await;
        if let Err(error) = work.observe(&mut report).await {
            let text = format!("what the run found could not be kept: {}", error.report());
            events.message(Level::Warning, text);
        }
        let undo = self.ensure_whole(sync, &run, &mut report).await?;
        let finished = recorder.finish(&report).await;
        drop(keeper);
        finished?;
        if let Some(undo) = undo {
            report.taken_back_by = Some(undo);
            self.take_back(undo, sync, events).await;
        }
        Ok(report)
    }

    /// Takes a run for this runner.
    pub async fn claim(&self, run: RunId) -> Result<Claimed> {
        self.history.claim(run, &self.worker, self.lease).await
    }

    /// Puts back the runs whose runners died.
    pub async fn put_back_abandoned(&self) -> Result<Vec<Abandoned>> {
        self.history.put_back_abandoned(self.tries).await
    }

    /// The plan of a run: from its file, or from the history when another machine made it.
    pub async fn plan_of(&self, run: &Run) -> Result<PlanReader> {
        let Some(saved) = &run.plan else {
            let message = format!(
                "run {0} has no plan: it is `{1}`; `syncline show {0}` tells how far it came",
                run.id, run.status
            );
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        let here = PlanReader::open(Path::new(&saved.path));
        if let Ok(plan) = here
            && plan.hash() == saved.hash
        {
            return Ok(plan);
        }
        self.history.fetch_plan(&saved.hash, &self.fetched(run)).await
    }

    /// What stands around the changes of a run's plan, where its file is on this machine; none where it is not. Only the beginning
    /// and the end of the file are read.
    pub fn glance_at(&self, run: &Run) -> Option<PlanExcerpt> {
        let saved = run.plan.as_ref()?;
        let places = [PathBuf::from(&saved.path), self.fetched(run)];
        places.iter().find_map(|place| PlanExcerpt::open(place).ok().filter(|plan| plan.hash() == saved.hash))
    }

    /// Where the reads of a sync are kept.
    pub(super) fn snapshots_of(&self, sync: &str) -> PathBuf {
        self.folder.join("snapshots").join(sync)
    }

    /// Where a plan is put that another machine made.
    fn fetched(&self, run: &Run) -> PathBuf {
        self.folder.join("plans").join(format!("{}-{}-fetched.json", run.sync, run.id))
    }

    /// Works on a run that was made for this call, as [`Runner::go_on`] does. When another one has to go first, it is no more.
    async fn work_made(
        &self,
        run: RunId,
        sync: &SyncDefinition,
        events: &Events,
        cancel: &CancellationToken,
    ) -> Result<RunReport> {
        let worked = self.go_on(run, sync, events, cancel).await;
        if worked.as_ref().is_err_and(|error| error.kind() == ErrorKind::Cancelled) {
            self.cancel_waiting(run, "it waited for another run").await?;
            return Ok(RunReport::cancelled(&self.known(run).await?));
        }
        // One that a worker took meanwhile is that one's.
        if worked.as_ref().is_err_and(|error| error.kind() == ErrorKind::Busy)
            && self.known(run).await?.status == RunStatus::New
        {
            self.cancel_waiting(run, "another run has to go first").await?;
        }
        worked
    }

    async fn cancel_waiting(&self, run: RunId, reason: &str) -> Result<()> {
        let by = RunRequest::default().by;
        let request = StopRequest { stop: Stop::Cancel, by, reason: reason.to_owned() };
        self.history.request_stop(run, &request).await?;
        Ok(())
    }

    /// Goes on with a run that waits, here and now: takes it, after those that are under way before it, and works on it.
    pub async fn go_on(
        &self,
        run: RunId,
        sync: &SyncDefinition,
        events: &Events,
        cancel: &CancellationToken,
    ) -> Result<RunReport> {
        let limits = self.limits_of(&sync.name).await?;
        let mut told = None;
        loop {
            self.ensure_nothing_half_done(&self.known(run).await?).await?;
            match self.claim(run).await? {
                Claimed::Granted(claim) => {
                    let (run, stop) = (self.known(run).await?, StopSignal::following(cancel));
                    return self.work_within(claim, &run, (sync, &limits), events, &stop).await;
                }
                Claimed::NotReady => return Err(in_the_way(&self.known(run).await?)),
                Claimed::Busy(other) => {
                    if told != Some(other) {
                        let is_own = self.known(other).await?.sync == sync.name;
                        let why = if is_own { "of the same sync" } else { "which writes to the same system" };
                        events.message(Level::Info, format!("waiting for run {other}, {why}"));
                        told = Some(other);
                    }
                    self.put_back_abandoned().await?;
                    tokio::select! {
                        () = cancel.cancelled() => {}
                        () = tokio::time::sleep(LOOK) => {}
                    }
                    if cancel.is_cancelled() {
                        let message = format!(
                            "stopped waiting for run {other}; run {run} stays as it is: `syncline resume {run} --here` goes on with \
                             it, and `syncline cancel {run}` ends it"
                        );
                        return Err(Error::new(ErrorKind::Cancelled, message));
                    }
                }
            }
        }
    }

    pub(super) async fn known(&self, run: RunId) -> Result<Run> {
        let known = self.history.run(run).await?;
        known.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no run {run}")))
    }

    /// The run that waits for a decision about a plan: the one that made it, or one that was to apply it.
    async fn waiting_with(&self, plan: &PlanReader, sync: &str) -> Result<Option<RunId>> {
        let status = vec![RunStatus::AwaitingReview];
        let filter = RunFilter { sync: Some(sync.to_owned()), status, ..RunFilter::default() };
        let waiting = self.history.runs(&filter, None, OPEN).await?.items;
        let has = |run: &&Run| run.plan.as_ref().is_some_and(|saved| saved.hash == plan.hash());
        Ok(waiting.iter().find(has).map(|run| run.id))
    }

    /// Refuses to write while the sync has an unfinished run that is to write something else. One that is under way is waited for.
    async fn ensure_free(&self, sync: &SyncDefinition, request: &RunRequest) -> Result<()> {
        if request.is_dry() {
            return Ok(());
        }
        // The same request is gone on with.
        let is_same = |run: &Run| {
            request.purpose != Purpose::Apply
                && (run.purpose, run.subject) == (request.purpose, request.subject)
                && run.options.scope == request.settings.scope
        };
        let waiting = self.waiting_to_write(&sync.name).await?;
        waiting.iter().find(|run| !is_same(run)).map_or(Ok(()), |other| Err(in_the_way(other)))
    }

    /// The unfinished runs of a sync that write and that no runner has, oldest first.
    pub(super) async fn waiting_to_write(&self, sync: &str) -> Result<Vec<Run>> {
        let status = vec![RunStatus::New, RunStatus::Queued];
        let filter = RunFilter { sync: Some(sync.to_owned()), status, dry: Some(false), ..RunFilter::default() };
        let mut runs = self.history.runs(&filter, None, OPEN).await?.items;
        runs.reverse();
        Ok(runs)
    }

    /// Refuses to write while another run of the sync has left its work half done. One that is half done itself may go on: a person
    /// named it.
    async fn ensure_nothing_half_done(&self, run: &Run) -> Result<()> {
        if run.dry || run.stage == RunStage::Applying {
            return Ok(());
        }
        let waiting = self.waiting_to_write(&run.sync).await?;
        let other = waiting.iter().find(|other| other.id != run.id && other.stage == RunStage::Applying);
        other.map_or(Ok(()), |other| Err(in_the_way(other)))
    }

    /// Refuses to go on with a run that somebody else has, or that a person keeps.
    fn ensure_ours(run: &Run) -> Result<()> {
        // One that only waits until its target can be asked is tried again when somebody asks.
        let is_early = run.waiting.is_none() && run.not_before.is_some_and(|time| time > Utc::now());
        if run.status == RunStatus::Syncing || run.paused.is_some() || is_early {
            return Err(in_the_way(run));
        }
        Ok(())
    }
}

/// What stands in the way of another run.
fn in_the_way(run: &Run) -> Error {
    let Run { id, sync, .. } = run;
    let about = match (run.purpose, run.subject) {
        (Purpose::Sync, _) => String::new(),
        (Purpose::Part, _) => run.options.scope.as_ref().map(|scope| format!(" (only {scope})")).unwrap_or_default(),
        (purpose, None) => format!(" ({})", purpose.as_str()),
        (purpose, Some(subject)) => format!(" ({} of run {subject})", purpose.as_str()),
    };
    let early = run.not_before.filter(|time| *time > Utc::now());
    let message = match (&run.paused, early, run.status) {
        (Some(reason), _, _) => format!(
            "run {id} of `{sync}`{about} waits ({reason}); let it go on with `syncline resume {id}`, or end it with `syncline \
             cancel {id}`"
        ),
        (None, Some(time), _) => format!(
            "run {id} of `{sync}`{about} waits until {}; let it go on here with `syncline resume {id} --here`, or end it with \
             `syncline cancel {id}`",
            time.format("%Y-%m-%d %H:%M:%S UTC")
        ),
        (None, None, RunStatus::Syncing) => {
            format!("run {id} of `{sync}`{about} is under way; wait for it, or end it with `syncline cancel {id}`")
        }
        (None, None, RunStatus::New | RunStatus::Queued) => format!(
            "run {id} of `{sync}`{about} is queued and not finished; wait for it, do it here with `syncline resume {id} --here`, or end it \
             with `syncline cancel {id}`"
        ),
        (None, None, status) => format!("run {id} of `{sync}`{about} is `{status}` already"),
    };
    Error::new(ErrorKind::Busy, message)
}

/// Refuses a request for a part that is no part, and for a part of what is only done as a whole.
fn ensure_of_one_piece(sync: &SyncDefinition, request: &RunRequest) -> Result<()> {
    let refused = |message: &str| Err(Error::new(ErrorKind::Refused, message));
    match (request.purpose, &request.settings.scope) {
        (Purpose::Part, Some(scope)) => sync.ensure_syncs_scope(scope),
        (Purpose::Part, None) => refused("say which part of the sync the run is about: models, sites or records"),
        (Purpose::Apply, _) | (_, None) => Ok(()),
        (Purpose::Sync | Purpose::Drift | Purpose::Undo | Purpose::Rerun, Some(_)) => {
            refused("only a run that syncs can be about a part: leave the scope out")
        }
    }
}

/// The run that made a plan about a part.
fn made_by(plan: &PlanReader) -> Result<RunId> {
    plan.header().run.map(RunId::new).ok_or_else(|| {
        let message = "the plan is about a part of its sync and does not tell which run made it; make a new plan";
        Error::new(ErrorKind::Stale, message)
    })
}

fn plan_ref(plan: &PlanReader) -> PlanRef {
    PlanRef { hash: plan.hash().to_owned(), path: plan.path().display().to_string() }
}

/// Refuses a plan that was made for another definition, or too long ago.
fn ensure_applicable(plan: &PlanReader, sync: &SyncDefinition, digest: &str) -> Result<()> {
    ensure_made_for(plan, sync, digest)?;
    ensure_same_policy(plan, sync)?;
    ensure_valid(plan)
}

/// Refuses a plan that was made too long ago.
pub(super) fn ensure_valid(plan: &PlanReader) -> Result<()> {
    let header = plan.header();
    if header.valid_until < Utc::now() {
        let message = format!(
            "the plan was valid until {} (`policy.plan_valid_hours`); make a new plan",
            header.valid_until.format("%Y-%m-%d %H:%M UTC")
        );
        return Err(Error::new(ErrorKind::Stale, message));
    }
    Ok(())
}

/// Refuses a plan that was made under another policy: what was allowed then may not be now.
pub(super) fn ensure_same_policy(plan: &PlanReader, sync: &SyncDefinition) -> Result<()> {
    match &plan.header().policy {
        Some(policy) if *policy != sync.policy.digest() => {
            let message =
                format!("the policy of the sync `{}` was changed after the plan was made; make a new plan", sync.name);
            Err(Error::new(ErrorKind::Stale, message))
        }
        _ => Ok(()),
    }
}

/// Refuses to go on with a plan that means something else by now.
pub(super) fn ensure_still_means(plan: &PlanReader, sync: &SyncDefinition, digest: &str) -> Result<()> {
    let header = plan.header();
    match &header.meaning {
        Some(meaning) if header.sync == sync.name && *meaning == sync.meaning()? => Ok(()),
        _ => ensure_made_for(plan, sync, digest),
    }
}

/// Refuses a plan that was made for another definition.
pub(super) fn ensure_made_for(plan: &PlanReader, sync: &SyncDefinition, digest: &str) -> Result<()> {
    let header = plan.header();
    if let Some(at) = header.replays {
        let message = format!(
            "the plan was made from a recording of {}, not from the systems, and is for looking at; `syncline plan {}` makes one that \
             can be applied",
            at.format("%Y-%m-%d %H:%M UTC"),
            header.sync
        );
        return Err(Error::new(ErrorKind::Refused, message));
    }
    let stale = |message: String| Err(Error::new(ErrorKind::Stale, message));
    if header.sync != sync.name {
        return stale(format!("the plan is for the sync `{}`, not `{}`", header.sync, sync.name));
    }
    if header.definition != digest {
        return stale(format!("the sync `{}` was changed after the plan was made; make a new plan", sync.name));
    }
    Ok(())
}
