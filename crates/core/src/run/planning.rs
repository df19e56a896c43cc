//! From two reads to a saved plan.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use syncline_model::DeletionClass;
use syncline_model::models::by_name;

use super::part::{About, in_scope};
use super::phases::PhaseClock;
use super::reading::Prepared;
use super::remembered::Remembered;
use super::rerun::{Equal, Only, add_needed};
use super::retention;
use super::work::{Work, partial_reads};
use super::{RunReport, SideDefinition, quarantine};
use crate::bindings::hash;
use crate::change::Change;
use crate::diff::{DiffCounts, DiffInput, DiffOutput};
use crate::event::{Event, Events, Level, Phase, Side};
use crate::fields::ModelFields;
use crate::guard::{self, EARLIER_RUNS, Verdict};
use crate::history::{Purpose, RunId};
use crate::ignore::Ignored;
use crate::models::ModelMode;
use crate::plan::{
    Background, Evidence, LeftOut, Memory, PlanDraft, PlanHeader, PlanRead, PlanReader, PlanSide, PlanSummary,
    SavedPlan,
};
use crate::policy::Adopt;
use crate::snapshot::{ModelSnapshot, Renamed, Snapshot, SnapshotReader, align};
use crate::target::DataTarget;
use crate::{Error, ErrorKind, Result};

/// So many records that are left alone and gone are named in a run's log.
const GONE: usize = 20;

/// What is compared.
pub struct Sides {
    /// The digests of what was read of the source, before its mapping rules.
    pub as_read: BTreeMap<&'static str, String>,
    /// The source in its own models, as its mapping rules make it.
    pub read: Snapshot,
    /// What the target should keep.
    pub source: Snapshot,
    /// What it keeps.
    pub target: Snapshot,
    /// What the plan is to be about.
    pub about: About,
}

impl Work<'_> {
    /// Compares both sides and saves the plan.
    pub(super) async fn plan(
        &self,
        digest: &str,
        prepared: &Prepared,
        sides: Sides,
        report: &mut RunReport,
    ) -> Result<PlanReader> {
        let clock = PhaseClock::start(Phase::CalculateDiff, self.events, self.memory(), true);
        let saved = clock.around(self.save_plan(digest, prepared, sides, report)).await;
        report.phases.push(clock.stop());
        PlanReader::open(&saved?.path)
    }

    async fn save_plan(
        &self,
        digest: &str,
        prepared: &Prepared,
        sides: Sides,
        report: &mut RunReport,
    ) -> Result<SavedPlan> {
        let Sides { as_read, read, source, target, about } = sides;
        let (sync, events, run) = (self.sync, self.events, self.run.id);
        let (evidence, verdicts) = self.evidence(digest, prepared, &source).await?;
        let now = Utc::now();
        let watch = self.watch(prepared, &target).await?;
        let ignored = self.runner.history.ignored(&sync.name, self.runner.now()).await?;
        let looked_at = quarantine::looked_at(&target, &prepared.modes);
        let header = PlanHeader {
            sync: sync.name.clone(),
            definition: digest.to_owned(),
            meaning: Some(self.sync.meaning()?),
            run: Some(run.number()),
            source: source_side(&sync.source, &as_read, &read, &source),
            target: plan_side(&sync.target, &target),
            created_at: now,
            valid_until: now + TimeDelta::hours(i64::from(sync.policy.plan_valid_hours)),
            models: prepared.modes.iter().map(|(model, mode)| ((*model).to_owned(), *mode)).collect(),
            fields: compared(&prepared.fields),
            undoes: None,
            reruns: self.run.subject.filter(|_| matches!(about, About::Records(_))).map(RunId::number),
            scope: match &about {
                About::Scope(scope) => Some(scope.clone()),
                About::All | About::Records(_) => None,
            },
            drift: self.run.purpose == Purpose::Drift,
            adopts: sync.policy.adopt == Adopt::Matched,
            partial: partial_reads(&source, &target),
            policy: Some(sync.policy.digest()),
            replays: events.replays(),
        };
        let path = self.runner.folder.join("plans").join(format!("{}-{run}.json", sync.name));
        let mut work = Planning {
            target_system: Arc::clone(&prepared.target),
            fields: prepared.fields.clone(),
            read_fields: prepared.given.clone(),
            modes: prepared.modes.clone(),
            policy: sync.policy.clone(),
            read,
            source,
            target,
            header,
            evidence,
            verdicts,
            about,
            ignored,
            path,
            folder: self.snapshot_folder(),
            events: events.clone(),
        };
        let memory = Remembered {
            history: self.runner.history.clone(),
            source: sync.source.instance(),
            instance: sync.target.instance(),
            only_own: sync.policy.only_own,
            runtime: tokio::runtime::Handle::current(),
            watch,
            ours: RefCell::default(),
        };
        let (span, kept_reads) = (tracing::Span::current(), self.runner.kept_reads);
        let planned = tokio::task::spawn_blocking(move || {
            let _within = span.enter();
            let saved = work.save(&memory)?;
            retention::prune(&work.folder, &work.header, &[&work.source, &work.target], kept_reads)?;
            Ok((saved, memory.watch))
        });
        let planned = planned.await;
        let (saved, watch) = planned
            .map_err(|error| Error::new(ErrorKind::Internal, "the comparison stopped").caused_by(error))
            .flatten()?;
        tell_compared(&saved.summary, events);
        report.notes.extend(watch.notes());
        watch.write_down(looked_at).await?;
        Ok(saved)
    }

    /// What is known about the reads when deletes are decided.
    async fn evidence(&self, digest: &str, prepared: &Prepared, source: &Snapshot) -> Result<(Evidence, Vec<Verdict>)> {
        let (sync, history) = (self.sync, &self.runner.history);
        let mut evidence = Evidence { left_out: prepared.left_out(), ..Evidence::default() };
        let left_out = evidence.left_out.left_out();
        if left_out > 0 && prepared.target.needs().is_some() {
            // What the target would have made of them goes by keys that nobody knows.
            evidence.doubt = Some(format!(
                "mapping rules leave {left_out} records of the source out, and the target makes its own records of them: leave out what \
                 it is not to have by the target's own rules"
            ));
        }
        let mut verdicts = Vec::new();
        let mut counts = Vec::new();
        if !prepared.target.capabilities().deletes {
            evidence.no_deletes = Some("this target takes no deletes".to_owned());
        }
        if !history.has_completed(&sync.name, digest).await? {
            let reason = "the first run, and the first after a change of mapping or scope, deletes nothing";
            evidence.first_run = Some(reason.to_owned());
        }
        for (schema, _) in prepared.fields.iter() {
            let Some(model) = source.models.get(schema.name) else { continue };
            // That there are fewer of what passes is no loss. What they refer to tells whether the source can be believed.
            if schema.deletion == DeletionClass::Passing {
                continue;
            }
            let earlier =
                history.record_counts_of_last_complete(&sync.name, schema.name, Side::Source, EARLIER_RUNS).await?;
            if earlier.is_empty() && evidence.first_run.is_none() {
                let reason = "no complete run has read this model, so nobody knows how many records it should have";
                evidence.shrunk.insert(schema.name.to_owned(), reason.to_owned());
            }
            verdicts.extend(guard::shrinkage(
                schema.name,
                model.records,
                &earlier,
                &sync.policy.guards,
                model.rejected_text().as_deref(),
            ));
            counts.push((model.records, earlier));
        }
        verdicts.extend(guard::scope_collapse(&counts, &sync.policy.guards, source.rejected_text().as_deref()));
        evidence.doubted_by(&verdicts);
        Ok((evidence, verdicts))
    }
}

/// Tells what the comparison found, model by model.
pub(super) fn tell_compared(summary: &PlanSummary, events: &Events) {
    for model in &summary.models {
        // Only models that somebody registered are compared.
        let Some(schema) = by_name(&model.model) else { continue };
        let DiffCounts { create, update, delete, unchanged, .. } = model.found;
        let to_apply = model.to_apply();
        events.emit(Event::Compared { model: schema.name, create, update, delete, unchanged, to_apply });
    }
}

/// What the comparison works on, away from the asynchronous threads.
struct Planning {
    target_system: Arc<dyn DataTarget>,
    fields: ModelFields,
    /// What the source gives.
    read_fields: ModelFields,
    modes: BTreeMap<&'static str, ModelMode>,
    policy: crate::policy::Policy,
    /// The source in its own models.
    read: Snapshot,
    source: Snapshot,
    target: Snapshot,
    header: PlanHeader,
    evidence: Evidence,
    verdicts: Vec<Verdict>,
    about: About,
    /// What people want left alone.
    ignored: Ignored,
    path: PathBuf,
    folder: PathBuf,
    events: Events,
}

impl Planning {
    /// The first few records that people want left alone and that neither side has.
    fn left_alone_and_gone(&self) -> Result<Vec<String>> {
        let mut gone: HashMap<u128, (&str, String)> = self.ignored.names().collect();
        for snapshot in [&self.source, &self.target].into_iter().flat_map(|side| side.models.values()) {
            if !gone.values().any(|(model, _)| *model == snapshot.model) {
                continue;
            }
            let mut reader = SnapshotReader::open(snapshot)?;
            while let Some(line) = reader.next_line()? {
                gone.remove(&hash(snapshot.model, &String::from_utf8_lossy(line.key)));
            }
        }
        let mut names: Vec<_> = gone.into_values().map(|(_, name)| name).collect();
        names.sort();
        names.truncate(GONE);
        Ok(names)
    }

    fn save(&mut self, memory: &Remembered) -> Result<SavedPlan> {
        let bound = |model: &str| memory.links(model);
        let aligned = align(&self.source, &mut self.target, &self.fields, &self.folder, &bound)?;
        for recognised in &aligned.recognised {
            self.events.message(Level::Info, recognised.to_string());
        }
        self.ignored.follow(&Renamed::of(&aligned.recognised));
        for name in self.left_alone_and_gone()? {
            let text = format!(
                "`{name}` is left alone, and neither side has it: look at the spelling, or end it (`syncline ignore list`)"
            );
            self.events.message(Level::Warning, text);
        }
        for (model, links) in &aligned.links {
            memory.link(model, links)?;
        }
        let canaries = guard::missing_canaries(&self.policy.guards, &self.read_fields, &self.read)?;
        self.evidence.doubted_by(&canaries);
        self.verdicts.extend(canaries);
        for site in guard::unknown_sites(&self.policy.guards, &self.source, &self.target)? {
            let text = format!("`guards.sites.{site}` holds nothing: neither side has a site with this slug");
            self.events.message(Level::Warning, text);
        }
        let refusals = |changes: &[&Change]| memory.runtime.block_on(self.target_system.refusals(changes));
        let background = Background {
            source: &self.source,
            memory,
            ambiguous: &aligned.ambiguous,
            passed_on: &aligned.passed_on,
            releases: self.target_system.releases(),
            looks_at_owners: self.evidence.first_run.is_some() || self.policy.adopt == Adopt::Matched,
            refusals: &refusals,
            ignored: &self.ignored,
            left_out: Some(&self.evidence.left_out),
        };
        let draft = PlanDraft::new(&self.fields, &self.target, &self.policy, &self.folder)?;
        let mut draft = draft.with_background(background);
        let input = DiffInput {
            source: &self.source,
            target: &self.target,
            fields: &self.fields,
            modes: &self.modes,
            exact: false,
        };
        let compare = |output: &mut dyn DiffOutput| self.target_system.calculate_diff(&input, output);
        draft.leave_out(LeftOut::find(&self.fields, &self.policy, &self.ignored, compare)?);
        let wanted = match &self.about {
            About::All => None,
            About::Records(wanted) => Some((wanted.clone(), Equal::Wanted(0))),
            About::Scope(scope) => {
                let sides = [&self.source, &self.target];
                Some(in_scope(scope, &self.fields, sides, &aligned.recognised, compare)?)
            }
        };
        match wanted {
            None => {
                draft.unmark(memory.watch.marks_in(&self.target, &self.fields)?);
                compare(&mut draft)?;
            }
            Some((mut wanted, equal)) => {
                let beside = add_needed(&mut wanted, &self.fields, compare)?;
                compare(&mut Only::new(&wanted, &self.fields, &beside, equal, &mut draft))?;
            }
        }
        draft.save(&self.path, &self.header, &self.source, &self.evidence, self.verdicts.clone(), memory)
    }
}

fn read(model: &ModelSnapshot) -> PlanRead {
    PlanRead {
        digest: model.digest.clone(),
        records: model.records,
        given: None,
        as_read: None,
        doubt: model.doubt(),
        rejected: model.rejected,
        rejections: model.rejections.clone(),
    }
}

/// The names of the fields that are compared, by model.
pub(super) fn compared(fields: &ModelFields) -> BTreeMap<String, Vec<String>> {
    let names = fields.iter().map(|(schema, set)| {
        let known = schema.fields.iter().enumerate().filter(|(at, _)| set.contains(*at));
        (schema.name.to_owned(), known.map(|(_, field)| field.name.to_owned()).collect())
    });
    names.collect()
}

/// The source as the target keeps it, with what was read of it.
fn source_side(
    side: &SideDefinition,
    as_read: &BTreeMap<&'static str, String>,
    read: &Snapshot,
    desired: &Snapshot,
) -> PlanSide {
    let mut planned = plan_side(side, desired);
    for (model, planned) in &mut planned.reads {
        let given = read.models.get(model.as_str()).map(|read| read.records);
        planned.given = given.filter(|given| *given != planned.records);
    }
    // What the target's own records were made of.
    for (model, given) in &read.models {
        planned.reads.entry((*model).to_owned()).or_insert_with(|| self::read(given));
    }
    // What mapping rules were applied to.
    for (model, planned) in &mut planned.reads {
        let mapped = read.models.get(model.as_str()).map(|read| &read.digest);
        planned.as_read = as_read.get(model.as_str()).filter(|as_read| Some(*as_read) != mapped).cloned();
    }
    planned
}

pub(super) fn plan_side(side: &SideDefinition, snapshot: &Snapshot) -> PlanSide {
    PlanSide {
        connector: side.connector.clone(),
        connection: side.connection_name.clone(),
        reads: snapshot.models.values().map(|model| (model.model.to_owned(), read(model))).collect(),
        notes: snapshot.notes.clone(),
    }
}
