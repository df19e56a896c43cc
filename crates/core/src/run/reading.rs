//! Reading both sides.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;

use super::phases::PhaseClock;
use super::report::reads;
use super::work::Work;
use super::{MemoryMeter, RunReport};
use crate::event::{Events, Level, Phase, Side};
use crate::fields::ModelFields;
use crate::mapping::{Keys, MappedSource, Misfit};
use crate::models::{self, ModelChoice, ModelMode};
use crate::read::ReadRequest;
use crate::snapshot::{Snapshot, SnapshotSink};
use crate::source::DataSource;
use crate::target::DataTarget;
use crate::{Error, ErrorKind, Result};

/// Both sides, and what they agreed on.
pub struct Prepared {
    /// The side that is read as truth.
    pub source: Arc<dyn DataSource>,
    /// The reading half of the side that is made to agree.
    pub target: Arc<dyn DataTarget>,
    /// What is compared.
    pub fields: ModelFields,
    /// What the source gives: the same, unless the target keeps other things.
    pub given: ModelFields,
    /// What is asked of the source: the same, unless there are mapping rules.
    pub read: ModelFields,
    /// The source with its mapping rules; none where there are none.
    mapped: Option<Arc<MappedSource>>,
    /// What is done with each model that is read.
    pub modes: BTreeMap<&'static str, ModelMode>,
}

impl Prepared {
    fn source_request(&self, cancel: &CancellationToken) -> ReadRequest {
        let mode = |model| self.modes.get(model).copied().unwrap_or(ModelMode::Lookup);
        let modes = self.read.iter().map(|(schema, _)| (schema.name, mode(schema.name))).collect();
        ReadRequest { fields: self.read.clone(), modes, cancel: cancel.clone() }
    }

    /// What the mapping rules make of a read of the source, written to `folder`.
    pub(super) async fn map(&self, read: Snapshot, folder: PathBuf) -> Result<Snapshot> {
        let Some(mapped) = self.mapped.clone() else { return Ok(read) };
        let (given, span) = (self.given.clone(), tracing::Span::current());
        let work = move || {
            let _within = span.enter();
            mapped.map(&read, &given, &folder)
        };
        let ended = tokio::task::spawn_blocking(work).await;
        ended.map_err(|error| Error::new(ErrorKind::Internal, "the mapping stopped").caused_by(error)).flatten()
    }

    /// Which records of the source the mapping rules leave out.
    pub(super) fn left_out(&self) -> Arc<Keys> {
        self.mapped.as_ref().map(|mapped| mapped.keys()).unwrap_or_default()
    }

    fn target_request(&self, cancel: &CancellationToken) -> ReadRequest {
        ReadRequest { fields: self.fields.clone(), modes: self.modes.clone(), cancel: cancel.clone() }
    }
}

impl Work<'_> {
    /// Where memory is measured: in every run, because the allocator counts anyway.
    pub(super) fn memory(&self) -> Option<&'static dyn MemoryMeter> {
        self.runner.meter
    }

    /// Where the reads of the sync are kept.
    pub(super) fn snapshot_folder(&self) -> PathBuf {
        self.runner.snapshots_of(&self.sync.name)
    }

    /// Opens both sides and agrees on what they can speak of.
    pub(super) async fn prepare(&self, report: &mut RunReport) -> Result<Prepared> {
        let clock = PhaseClock::start(Phase::Prepare, self.events, self.memory(), true);
        let prepared = clock.around(self.agree(report)).await;
        report.phases.push(clock.stop());
        prepared
    }

    async fn agree(&self, report: &mut RunReport) -> Result<Prepared> {
        let (sync, events) = (self.sync, self.events);
        let (source, target) = futures::future::try_join(
            self.runner.registry().connect_source(&sync.source, events),
            self.runner.registry().connect_target(&sync.target, events),
        )
        .await?;
        let mapped = match sync.mapping.is_empty() {
            true => None,
            false => Some(sync.mapping.rules().map_err(|misfits| misfit(&misfits))?),
        };
        let (source, mapped): (Arc<dyn DataSource>, _) = match mapped {
            None => (source.into(), None),
            Some(rules) => {
                let mapped = Arc::new(MappedSource::new(source, rules));
                (mapped.clone(), Some(mapped))
            }
        };
        let needs = target.needs();
        let read = source.knows().shared_with(needs.as_ref().unwrap_or(&target.holds()));
        if read.iter().next().is_none() {
            let message = format!(
                "the connectors `{}` and `{}` have no model in common: this source has nothing that this target keeps",
                sync.source.connector, sync.target.connector
            );
            return Err(Error::new(ErrorKind::Settings, message));
        }
        let contract = if needs.is_some() { target.holds() } else { read.clone() };
        let (mut choices, fields) = models::closure(&contract, &sync.models)?;
        let modes = choices.iter().filter(|choice| choice.mode != ModelMode::Off);
        let modes = modes.map(|choice| (choice.model, choice.mode)).collect();
        announce(&choices, events);
        let given = match needs {
            None => fields.clone(),
            Some(_) => {
                choices.extend(read.iter().map(|(schema, _)| ModelChoice::looked_up(schema, &contract)));
                read
            }
        };
        report.models = choices;
        let read = match &mapped {
            None => given.clone(),
            Some(mapped) => {
                let misfit = |message| Error::new(ErrorKind::Settings, message);
                for field in mapped.rules().set_in_vain(&given) {
                    let text = format!(
                        "a mapping rule sets `{field}`, which is not compared: one of the systems has no such field"
                    );
                    events.message(Level::Warning, text);
                }
                mapped.rules().asked(&mapped.tells(), &given).map_err(misfit)?
            }
        };
        Ok(Prepared { source, target: target.into(), fields, given, read, mapped, modes })
    }

    /// Reads both sides at once. When one fails, the other is stopped.
    pub(super) async fn load(&self, prepared: &Prepared, report: &mut RunReport) -> Result<(Snapshot, Snapshot)> {
        let (folder, events, memory) = (self.snapshot_folder(), self.events, self.memory());
        let cancel = self.stop.token().child_token();
        let sink = |side, fields: &ModelFields| SnapshotSink::create(side, &folder, fields.clone(), events.clone());
        let (source_sink, target_sink) = (sink(Side::Source, &prepared.read)?, sink(Side::Target, &prepared.fields)?);
        let (source_request, target_request) = (prepared.source_request(&cancel), prepared.target_request(&cancel));

        let source = async {
            let clock = PhaseClock::start(Phase::LoadSource, events, memory, true);
            let ended =
                unless_cancelled(&cancel, clock.around(prepared.source.load(&source_request, &source_sink))).await;
            (ended.map_err(|error| error.with("side", Side::Source)), clock.stop())
        };
        let target = async {
            let clock = PhaseClock::start(Phase::LoadTarget, events, memory, false);
            let ended =
                unless_cancelled(&cancel, clock.around(prepared.target.load(&target_request, &target_sink))).await;
            (ended.map_err(|error| error.with("side", Side::Target)), clock.stop())
        };
        let stop_other = |ended: (Result<()>, _)| {
            if ended.0.is_err() {
                cancel.cancel();
            }
            ended
        };
        let ((source, source_phase), (target, target_phase)) =
            futures::future::join(source.map(stop_other), target.map(stop_other)).await;
        report.phases.extend([source_phase, target_phase]);
        // The side that failed by itself is the one to name, not the one that was stopped for it.
        match (source, target) {
            (Err(source), Err(target)) if source.kind() == ErrorKind::Cancelled => return Err(target),
            (Err(error), _) | (_, Err(error)) => return Err(error),
            (Ok(()), Ok(())) => {}
        }
        let (source, target) = (source_sink.finish()?, target_sink.finish()?);
        report.source = reads(&source);
        report.target = reads(&target);
        report.notes.extend(source.notes.clone());
        report.notes.extend(target.notes.clone());
        Ok((source, target))
    }
}

/// The error of rules that cannot be understood. Who checks the configuration is told before.
fn misfit(misfits: &[Misfit]) -> Error {
    let misfits: Vec<_> = misfits.iter().map(ToString::to_string).collect();
    Error::new(ErrorKind::Settings, format!("the mapping rules cannot be understood: {}", misfits.join("; ")))
}

/// Tells which models are read though they are off.
fn announce(choices: &[ModelChoice], events: &Events) {
    for choice in choices.iter().filter(|choice| choice.asked != choice.mode) {
        let needed_by: Vec<_> = choice.needed_by.iter().copied().collect();
        let text = format!("{} is read, but not written: {} cannot do without it", choice.model, needed_by.join(", "));
        events.message(Level::Info, text);
    }
}

pub(super) async fn unless_cancelled(cancel: &CancellationToken, read: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::new(ErrorKind::Cancelled, "the run was cancelled")),
        ended = read => ended,
    }
}
