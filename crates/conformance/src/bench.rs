//! One system with a connector to it, as a check works with them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use syncline_core::change::Action;
use syncline_core::connector::{ConnectContext, ConnectorDescriptor};
use syncline_core::event::{Events, Side};
use syncline_core::history::{ChangeFilter, History, OutcomeKind, RunStatus};
use syncline_core::models::ModelMode;
use syncline_core::policy::{Deletes, Guards, Policy, Quarantine};
use syncline_core::read::ReadRequest;
use syncline_core::registry::Registry;
use syncline_core::run::{Consent, RunReport, RunRequest, Runner, SideDefinition, SyncDefinition};
use syncline_core::snapshot::{ReadVerdict, Snapshot, SnapshotReader, SnapshotSink};
use syncline_core::source::DataSource;
use syncline_core::target::DataTarget;
use syncline_core::{Error, ErrorKind};
use syncline_model::AnyKey;
use syncline_testkit::fault_proxy::{FaultPlan, FaultProxy};
use tokio_util::sync::CancellationToken;

use crate::given;
use crate::lab::{BoxError, Lab, Settings, System};
use crate::network::Network;

/// A system of a check's own, the connector to it, and a proxy between them.
pub struct Bench<'l> {
    /// Who started it.
    pub lab: &'l dyn Lab,
    /// The connector.
    pub connector: &'static ConnectorDescriptor,
    /// The system.
    pub system: Arc<dyn System>,
    /// What stands in front of it; none where it has no URL, or is encrypted, so that nothing can stand there.
    pub proxy: Option<FaultProxy>,
    /// The settings that lead through the proxy.
    pub settings: Settings,
    runner: Runner,
    folder: tempfile::TempDir,
}

/// What a read gave, by model.
pub type Read = BTreeMap<&'static str, ModelRead>;

/// What the read of one model gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRead {
    /// Why it is not complete; none when it is.
    pub partial: Option<String>,
    /// The canonical records by their keys.
    pub records: BTreeMap<String, String>,
    /// What could not be taken over, in words.
    pub rejected: Vec<String>,
    /// Keys that more than one record had.
    pub duplicates: u64,
}

impl<'l> Bench<'l> {
    /// Starts a system and puts a proxy in front of it.
    pub async fn new(lab: &'l dyn Lab) -> Result<Self, BoxError> {
        let connector = descriptor(lab.connector())?;
        let system: Arc<dyn System> = lab.start().await?.into();
        let proxy = match system.url() {
            Some(url) if url.starts_with("http://") => Some(FaultProxy::start(&url, 1, FaultPlan::none()).await?),
            _ => None,
        };
        let settings = system.settings(proxy.as_ref().map(FaultProxy::url));
        let folder = tempfile::tempdir()?;
        let registry = Registry::of([connector, &given::DESCRIPTOR])?;
        let runner = Runner::new(registry, History::in_memory().await?, folder.path());
        Ok(Self { lab, connector, system, proxy, settings, runner, folder })
    }

    /// The same with the records of the network in it, if it can and may be written to.
    pub async fn filled(lab: &'l dyn Lab) -> Result<Self, BoxError> {
        let bench = Self::new(lab).await?;
        if bench.connector.target.is_some() && !lab.reads_only() {
            bench.write(&lab.network()).await?;
        }
        Ok(bench)
    }

    /// The sides that the connector has.
    pub fn sides(&self) -> Vec<Side> {
        let source = self.connector.source.is_some().then_some(Side::Source);
        let target = self.connector.target.is_some().then_some(Side::Target);
        source.into_iter().chain(target).collect()
    }

    /// Opens the source.
    pub async fn source(&self, settings: &Settings) -> Result<Box<dyn DataSource>, Error> {
        let side = self.connector.source.as_ref().ok_or_else(|| no_side("source"))?;
        (side.connect)(settings.connection.clone(), settings.source.clone(), ConnectContext::default()).await
    }

    /// Opens the target.
    pub async fn target(&self, settings: &Settings) -> Result<Box<dyn DataTarget>, Error> {
        let side = self.connector.target.as_ref().ok_or_else(|| no_side("target"))?;
        (side.connect)(settings.connection.clone(), settings.target.clone(), ConnectContext::default()).await
    }

    /// Reads all that a side has.
    pub async fn read(&self, side: Side, settings: &Settings) -> Result<Read, Error> {
        self.read_until(side, settings, CancellationToken::new()).await
    }

    /// How many records a side has, and the first that could not be taken over. None of them is kept.
    pub async fn count(&self, side: Side) -> Result<(u64, Option<String>), Error> {
        let folder = self.folder()?;
        let snapshot = self.snapshot(side, &self.settings, CancellationToken::new(), folder.path()).await?;
        let rejected = snapshot.models.values().flat_map(|model| &model.rejections).next();
        Ok((snapshot.records(), rejected.map(|one| format!("{}: {}: {}", one.record, one.field, one.message))))
    }

    fn folder(&self) -> Result<tempfile::TempDir, Error> {
        tempfile::tempdir_in(self.folder.path())
            .map_err(|error| Error::new(ErrorKind::Storage, "no folder for a snapshot").caused_by(error))
    }

    async fn snapshot(
        &self,
        side: Side,
        settings: &Settings,
        cancel: CancellationToken,
        folder: &Path,
    ) -> Result<Snapshot, Error> {
        let request = |fields: syncline_core::fields::ModelFields| ReadRequest {
            modes: fields.iter().map(|(schema, _)| (schema.name, ModelMode::Sync)).collect(),
            fields,
            cancel: cancel.clone(),
        };
        let sink = |fields| SnapshotSink::create(side, folder, fields, Events::new());
        let sink = match side {
            Side::Source => {
                let source = self.source(settings).await?;
                let (request, sink) = (request(source.knows()), sink(source.knows())?);
                source.load(&request, &sink).await?;
                sink
            }
            Side::Target => {
                let target = self.target(settings).await?;
                let (request, sink) = (request(target.holds()), sink(target.holds())?);
                target.load(&request, &sink).await?;
                sink
            }
        };
        sink.finish()
    }

    /// Reads all that a side has, until it is cancelled.
    pub async fn read_until(&self, side: Side, settings: &Settings, cancel: CancellationToken) -> Result<Read, Error> {
        let folder = self.folder()?;
        let mut read = Read::new();
        for (model, snapshot) in self.snapshot(side, settings, cancel, folder.path()).await?.models {
            let mut records = BTreeMap::new();
            let mut reader = SnapshotReader::open(&snapshot)?;
            while let Some(line) = reader.next_line()? {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                records.insert(text(line.key), text(line.record));
            }
            let rejected =
                snapshot.rejections.iter().map(|one| format!("{}: {}: {}", one.record, one.field, one.message));
            let partial = match snapshot.verdict {
                ReadVerdict::Complete => None,
                ReadVerdict::Partial { reason } => Some(reason),
            };
            let rejected = rejected.collect();
            read.insert(model, ModelRead { partial, records, rejected, duplicates: snapshot.duplicates });
        }
        Ok(read)
    }

    fn given(&self) -> PathBuf {
        self.folder.path().join("given.json")
    }

    /// The sync that writes a network to the system.
    fn sync(&self, network: &Network) -> Result<SyncDefinition, Error> {
        let written =
            serde_json::to_vec(&network.records).map_err(Into::into).and_then(|text| fs::write(self.given(), text));
        written.map_err(|error: std::io::Error| {
            Error::new(ErrorKind::Storage, "no file for the records").caused_by(error)
        })?;
        let side = |name: &str, connector: &str, connection: Value, parameters: Value| SideDefinition {
            connection_name: name.to_owned(),
            connector: connector.to_owned(),
            connection,
            parameters,
        };
        Ok(SyncDefinition {
            name: "conformance".to_owned(),
            source: side("given", given::DESCRIPTOR.id, json!({"file": self.given()}), json!({})),
            target: side("tested", self.connector.id, self.settings.connection.clone(), self.settings.target.clone()),
            models: BTreeMap::new(),
            mapping: syncline_core::mapping::Mapping::default(),
            policy: Policy {
                deletes: Deletes::Apply,
                quarantine: Quarantine::off(),
                guards: Guards {
                    deletes_refused_percent: 100,
                    source_shrank_percent: 100,
                    scope_collapsed_percent: 100,
                    ..Guards::default()
                },
                ..Policy::default()
            },
            auto_merge: true,
        })
    }

    /// Runs the sync of a network, and goes on with what a person would be asked about.
    pub async fn run(&self, network: &Network, request: RunRequest) -> Result<RunReport, Error> {
        let (sync, events, cancel) = (self.sync(network)?, Events::new(), CancellationToken::new());
        let report = self.runner.run(&sync, request, &events, &cancel).await?;
        match &report.plan {
            Some(plan) if report.status == RunStatus::AwaitingReview => self.apply(network, plan).await,
            _ => Ok(report),
        }
    }

    /// Writes a network: everything goes through, and a second run finds nothing more to do.
    pub async fn write(&self, network: &Network) -> Result<RunReport, BoxError> {
        let report = self.run(network, RunRequest::default()).await?;
        self.ensure_done(&report).await?;
        self.ensure_agreed(network).await?;
        Ok(report)
    }

    /// That a run did all that it could: what is held, such as the delete of what the system had before, is no failure.
    pub async fn ensure_done(&self, report: &RunReport) -> Result<(), BoxError> {
        let left = self.outcomes(report, &[OutcomeKind::Failed, OutcomeKind::Skipped, OutcomeKind::Stale]).await?;
        if report.status == RunStatus::Completed && left.is_empty() {
            return Ok(());
        }
        let error = report.error.as_ref().map(Error::report).unwrap_or_default();
        Err(format!("the run ended as {}: {error}\n{}", report.status, left.join("\n")).into())
    }

    /// The changes of a run that did not go through, in words.
    pub async fn not_done(&self, report: &RunReport) -> Result<Vec<String>, BoxError> {
        let others: Vec<_> = OutcomeKind::ALL.into_iter().filter(|kind| *kind != OutcomeKind::Applied).collect();
        self.outcomes(report, &others).await
    }

    /// The changes of a run that came to this, in words.
    pub async fn outcomes(&self, report: &RunReport, kinds: &[OutcomeKind]) -> Result<Vec<String>, BoxError> {
        let changes = self.runner.history().changes(report.run, &ChangeFilter::default(), None, 100_000).await?;
        let some = changes.items.into_iter().filter(|change| kinds.contains(&change.outcome));
        let words = some.map(|change| {
            let reason = change.reason.unwrap_or_default();
            format!("{} {} {} is {}: {reason}", change.action, change.model, change.key, change.outcome.as_str())
        });
        Ok(words.collect())
    }

    /// The records that a run changed.
    pub async fn applied(&self, report: &RunReport) -> Result<Vec<(String, AnyKey)>, BoxError> {
        let changes = self.runner.history().changes(report.run, &ChangeFilter::default(), None, 100_000).await?;
        let applied = changes.items.into_iter().filter(|change| change.outcome == OutcomeKind::Applied);
        Ok(applied.map(|change| (change.model, change.key)).collect())
    }

    /// The plan of a dry run.
    pub async fn dry_plan(&self, network: &Network) -> Result<PathBuf, BoxError> {
        let report = self.run(network, RunRequest::dry()).await?;
        report.plan.ok_or_else(|| {
            let error = report.error.as_ref().map(Error::report).unwrap_or_default();
            format!("the dry run ended as {}: {error}", report.status).into()
        })
    }

    /// Applies a plan, whatever its guards say.
    pub async fn apply(&self, network: &Network, plan: &Path) -> Result<RunReport, Error> {
        let (events, cancel) = (Events::new(), CancellationToken::new());
        let consent = Consent { reason: "as the check wants it".to_owned(), overrides_guards: true };
        self.runner.apply(&self.sync(network)?, plan, Some(consent), RunRequest::default(), &events, &cancel).await
    }

    /// That the system has what a network says: nothing would be written.
    pub async fn ensure_agreed(&self, network: &Network) -> Result<(), BoxError> {
        let planned = self.planned(network).await?;
        if planned.is_empty() {
            return Ok(());
        }
        let mut said = vec!["what was written is not there; the next run would".to_owned()];
        said.extend(planned);
        for (model, read) in self.read(Side::Target, &self.settings).await.unwrap_or_default() {
            let rejected = read.rejected.iter().take(3);
            said.extend(rejected.map(|one| format!("the target could not take over a record of `{model}`: {one}")));
        }
        Err(said.join("\n").into())
    }

    /// What a dry run plans, in words, but for deletes that are held: of what the system had before.
    pub async fn planned(&self, network: &Network) -> Result<Vec<String>, BoxError> {
        let plan = self.dry_plan(network).await?;
        let mut planned = Vec::new();
        for change in syncline_core::plan::PlanReader::open(&plan)?.changes()? {
            let change = change?;
            if change.action == Action::Delete && change.hold.is_some() {
                continue;
            }
            let fields =
                change.fields.iter().map(|field| format!("{} {} -> {}", field.name, field.before, field.after));
            let fields: Vec<_> = fields.collect();
            planned.push(format!("{} {} {}: {}", change.action, change.model, change.key, fields.join(", ")));
        }
        Ok(planned)
    }
}

/// A connector that registered itself.
pub fn descriptor(id: &str) -> Result<&'static ConnectorDescriptor, BoxError> {
    Registry::linked()?.get(id).map_err(|error| {
        let remedy =
            "the crate ends with `register_connector!`, and its test program refers to it: `use my_connector as _;`";
        format!("{error}: {remedy}").into()
    })
}

fn no_side(side: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the connector is no {side}"))
}
