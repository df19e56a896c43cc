//! The kit finds what is wrong: the shelf's connector with one defect for each promise, of kinds that connectors were shipped with.

#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

mod lab;

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use syncline_conformance::{BoxError, Check, Lab, Settings, Skip, System, Verdict, judge};
use syncline_connector_shelf::{Shelf, ShelfSide};
use syncline_core::event::{Events, Side};
use syncline_core::prelude::*;
use syncline_core::snapshot::{ReadVerdict, SnapshotReader};
use syncline_http::{ClientSettings, TokenConnection};
use syncline_model::AnyRecord;

use crate::lab::ShelfLab;

/// The promise that is broken, as its number: 5 for K5. Beyond 15 are others of the same promises, which their tests name.
type Defect = u8;

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parameters {
    defect: Defect,
}

struct Defective;

struct DefectiveSide {
    inner: ShelfSide,
    defect: Defect,
    connection: TokenConnection,
}

/// How many reads there were. Only the defect of K3 asks.
static READS: AtomicU32 = AtomicU32::new(0);

struct DefectiveWriter {
    inner: Box<dyn TargetWriter>,
    http: syncline_http::Client,
    defect: Defect,
}

impl Connector for Defective {
    const ID: &'static str = "defective-shelf";
    const LABEL: &'static str = "Defective shelf";
    const DESCRIPTION: &'static str = "A shelf whose connector breaks one promise.";
    type Connection = TokenConnection;
}

#[async_trait]
impl ConnectSource for Defective {
    type Parameters = Parameters;
    type Source = DefectiveSide;

    fn source_mappings(_: &Parameters) -> Vec<DataMapping> {
        Vec::new()
    }

    async fn connect_source(
        connection: TokenConnection,
        of: Parameters,
        context: ConnectContext,
    ) -> Result<DefectiveSide> {
        DefectiveSide::open(connection, of.defect, context).await
    }
}

#[async_trait]
impl ConnectTarget for Defective {
    type Parameters = Parameters;
    type Target = DefectiveSide;

    fn target_mappings(_: &Parameters) -> Vec<DataMapping> {
        Vec::new()
    }

    fn target_capabilities(connection: &TokenConnection, _: &Parameters) -> Capabilities {
        Shelf::target_capabilities(connection, &NoSettings {})
    }

    async fn connect_target(
        connection: TokenConnection,
        of: Parameters,
        context: ConnectContext,
    ) -> Result<DefectiveSide> {
        DefectiveSide::open(connection, of.defect, context).await
    }
}

register_connector!(Defective, source, target);

impl DefectiveSide {
    async fn open(mut connection: TokenConnection, defect: Defect, context: ConnectContext) -> Result<Self> {
        if defect == 10 {
            // It gives up where it is only asked to wait.
            connection.http.retry.attempts = 1;
        }
        let inner = Shelf::connect_source(connection.clone(), NoSettings {}, context).await?;
        Ok(Self { inner, defect, connection })
    }

    async fn tested(&self) -> Result<CheckReport> {
        let report = DataSource::check(&self.inner).await;
        match self.defect {
            // Whatever goes wrong, all is well.
            2 => Ok(report.unwrap_or_default()),
            // It tries whether it may write by writing.
            11 => {
                let client = self.connection.client(&ConnectContext::default())?;
                let probe = json!({"slug": "probe", "name": "Probe", "status": "active", "address": null});
                let probe: Object = client.post("sites").json(&probe).send().await?.json()?;
                client.delete(syncline_http::Path::from("sites").segment(probe["id"].to_string())).send().await?;
                report
            }
            // The token goes past the credential, where nobody keeps it out of errors.
            16 if report.is_err() => {
                let TokenConnection { url, tls, http, token, .. } = self.connection.clone();
                let none = syncline_http::Credential::none();
                let client = syncline_http::Client::new(&ClientSettings { url, tls, http }, none)?;
                let token = token.resolve()?;
                client.get("sites").header("x-caller", secrecy::ExposeSecret::expose_secret(&token)).send().await?;
                report
            }
            _ => report,
        }
    }

    async fn read(&self, side: Side, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        let reads = if side == Side::Source { READS.fetch_add(1, Ordering::Relaxed) } else { 0 };
        let folder =
            tempfile::tempdir().map_err(|error| Error::new(ErrorKind::Storage, "no folder").caused_by(error))?;
        let own = SnapshotSink::create(side, folder.path(), request.fields.clone(), Events::new())?;
        DataSource::load(&self.inner, request, &own).await?;
        for (_, snapshot) in own.finish()?.models {
            let Some(schema) = request.fields.schema(snapshot.model) else { continue };
            let mut lines = Vec::new();
            let mut reader = SnapshotReader::open(&snapshot)?;
            while let Some(line) = reader.next_line()? {
                lines.push((line.fields()?, line.handle()?));
            }
            // The order of a list that has none: the second time its last one is on no page.
            if self.defect == 3 && side == Side::Source && reads % 2 == 1 {
                lines.pop();
            }
            if self.defect == 14 {
                // All in memory, as read, as translated, and as sorted.
                let copies = vec![lines.clone(); 3];
                lines = copies.into_iter().max_by_key(Vec::len).unwrap_or_default();
            }
            let mut records = sink.open_any(schema)?;
            for (mut fields, native) in lines {
                if self.defect == 13 && side == Side::Source {
                    let name = fields["name"].as_str().unwrap_or_default().to_uppercase();
                    fields.insert("name".to_owned(), name.into());
                }
                // A word of the system's own.
                if self.defect == 19 && side == Side::Source && schema.name == "site" {
                    fields.insert("status".to_owned(), "LIVE".into());
                }
                let record = AnyRecord::from_json(schema, &fields, request.fields.of(schema.name))
                    .map_err(|error| Error::new(ErrorKind::Internal, "not a record").caused_by(error))?;
                records.push_any(&record, native.as_ref()).await?;
            }
            match snapshot.verdict {
                ReadVerdict::Partial { reason } if self.defect != 4 => records.partial(reason).await?,
                _ => records.complete().await?,
            }
        }
        Ok(())
    }

    fn shown(&self) -> Vec<ConfigItem> {
        let token = self.connection.token.resolve();
        let token = token.map(|token| secrecy::ExposeSecret::expose_secret(&token).to_owned()).unwrap_or_default();
        if self.defect == 1 {
            vec![ConfigItem::new("Token", token)]
        } else {
            DataSource::config_information(&self.inner)
        }
    }
}

#[async_trait]
impl DataSource for DefectiveSide {
    fn knows(&self) -> ModelFields {
        self.inner.knows()
    }

    async fn check(&self) -> Result<CheckReport> {
        self.tested().await
    }

    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        self.read(Side::Source, request, sink).await
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        self.shown()
    }
}

#[async_trait]
impl DataTarget for DefectiveSide {
    fn holds(&self) -> ModelFields {
        self.inner.holds()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn check(&self) -> Result<CheckReport> {
        self.tested().await
    }

    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        self.read(Side::Target, request, sink).await
    }

    async fn writer(&self, permit: &WritePermit) -> Result<Box<dyn TargetWriter>> {
        let inner = self.inner.writer(permit).await?;
        Ok(Box::new(DefectiveWriter {
            inner,
            defect: self.defect,
            http: self.connection.client(&ConnectContext::default())?,
        }))
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        self.shown()
    }
}

impl DefectiveWriter {
    /// The change as this writer understands it.
    async fn misread(&self, change: &Change) -> Result<Change> {
        let mut change = change.clone();
        match self.defect {
            // A field that is forgotten, in updates alone.
            5 if change.action == Action::Update => change.fields.retain(|field| field.name != "physical_address"),
            // A word that the system does not have becomes another, without a word.
            17 => {
                for field in change.fields.iter_mut().filter(|field| field.name == "status" && field.after == "staging")
                {
                    field.after = "planned".into();
                }
            }
            // An id that the system does not know: nothing is ever found.
            18 if change.action == Action::Update => {
                change.native = change.native.map(|native| Native { id: format!("{}000", native.id).into(), ..native });
            }
            // What was read is not asked for.
            9 => {
                if let Some(native) = &mut change.native {
                    native.version = None;
                }
            }
            // The object is searched for by how its name begins, and the last one found is taken.
            12 if change.action == Action::Update && change.model == "site" => {
                let slug = change.key.parts()[0].as_str().unwrap_or_default().to_owned();
                let sites: Value = self.http.get("sites").send().await?.json()?;
                let sites = sites["items"].as_array().cloned().unwrap_or_default();
                let found =
                    sites.iter().rfind(|site| site["slug"].as_str().is_some_and(|other| other.starts_with(&slug)));
                change.native = found.map(|site| Native::of(site, "id", None));
            }
            _ => {}
        }
        Ok(change)
    }
}

#[async_trait]
impl TargetWriter for DefectiveWriter {
    async fn write(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Written>, BatchError> {
        let mut changes = Vec::new();
        for change in &batch.changes {
            changes.push(self.misread(change).await.map_err(BatchError::Fatal)?);
        }
        let batch = Batch { model: batch.model, pass: batch.pass, changes: changes.iter().collect() };
        let written = self.inner.write(&batch, bindings).await;
        match (self.defect, written) {
            // Gone already is an error.
            (6, Ok(written)) if written.iter().any(|one| one.outcome == Outcome::Unchanged) => {
                let gone = || Outcome::Failed { field: None, reason: "404 not found".to_owned() };
                let told = written
                    .into_iter()
                    .map(|one| if one.outcome == Outcome::Unchanged { Written::not_written(gone()) } else { one });
                Ok(told.collect())
            }
            // The same once more, without a look at what became of the first.
            (7, Err(BatchError::InDoubt(error))) => Err(BatchError::Again(error)),
            // One bad record ends them all.
            (8, Ok(written)) if written.iter().any(|one| matches!(one.outcome, Outcome::Failed { .. })) => {
                Err(BatchError::Fatal(Error::new(ErrorKind::Refused, "the batch was refused")))
            }
            // Nobody is told why.
            (20, Ok(mut written)) => {
                for one in &mut written {
                    if let Outcome::Failed { reason, .. } = &mut one.outcome {
                        reason.clear();
                    }
                }
                Ok(written)
            }
            (_, written) => written,
        }
    }

    async fn settle(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Option<Written>>> {
        self.inner.settle(batch, bindings).await
    }
}

/// The shelf's lab, with a connector that has a defect.
struct DefectiveLab(Defect);

struct DefectiveShelf {
    inner: Box<dyn System>,
    defect: Defect,
}

#[async_trait]
impl Lab for DefectiveLab {
    fn connector(&self) -> &'static str {
        Defective::ID
    }

    async fn start(&self) -> Result<Box<dyn System>, BoxError> {
        Ok(Box::new(DefectiveShelf { inner: ShelfLab.start().await?, defect: self.0 }))
    }

    fn skips(&self) -> &'static [Skip] {
        if self.0 == 15 { &[Skip { check: Check::Memory, reason: " " }] } else { &[] }
    }
}

#[async_trait]
impl System for DefectiveShelf {
    fn url(&self) -> Option<String> {
        self.inner.url()
    }

    fn settings(&self, url: Option<&str>) -> Settings {
        let parameters = json!({"defect": self.defect});
        Settings { source: parameters.clone(), target: parameters, ..self.inner.settings(url) }
    }

    fn secrets(&self) -> Vec<String> {
        self.inner.secrets()
    }

    async fn meddle(&self, model: &str, native: &Native) -> Result<(), BoxError> {
        self.inner.meddle(model, native).await
    }

    async fn shorten(&self) -> bool {
        self.inner.shorten().await
    }

    fn refused(&self) -> Option<(&'static str, Value)> {
        self.inner.refused()
    }

    async fn grow(&self, records: u64) -> Result<bool, BoxError> {
        self.inner.grow(records).await
    }
}

/// What the kit says to the defect of a check.
fn said(number: Defect) -> String {
    said_of(Check::ALL[usize::from(number) - 1], number)
}

/// What a check says to a defect.
fn said_of(check: Check, number: Defect) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match runtime.block_on(judge(&DefectiveLab(number), check)) {
        Verdict::Broken(why) => why,
        other => panic!("the kit does not find the defect of {check}: {other}"),
    }
}

#[test]
fn k1_a_secret_that_is_shown() {
    let said = said(1);
    assert!(said.contains("a secret is shown"), "{said}");
}

#[test]
fn k2_a_connection_test_that_is_always_good() {
    let said = said(2);
    assert!(said.contains("finds nothing wrong"), "{said}");
}

#[test]
fn k3_a_list_without_an_order() {
    let said = said(3);
    assert!(said.contains("read a second time"), "{said}");
}

#[test]
fn k4_a_cut_read_that_is_complete() {
    let said = said(4);
    assert!(said.contains("ends as complete"), "{said}");
}

#[test]
fn k5_a_field_that_is_forgotten() {
    let said = said(5);
    assert!(said.contains("physical_address"), "{said}");
}

#[test]
fn k6_a_delete_of_what_is_gone_that_fails() {
    let said = said(6);
    assert!(said.contains("deleting what is gone already is not `Outcome::Unchanged`"), "{said}");
}

#[test]
fn k7_a_write_that_is_repeated_blindly() {
    let said = said(7);
    assert!(said.contains("after the answer to write"), "{said}");
}

#[test]
fn k8_a_refused_record_that_ends_all() {
    let said = said(8);
    assert!(said.contains("should have been refused, and it alone"), "{said}");
}

#[test]
fn k9_a_precondition_that_is_not_asked_for() {
    let said = said(9);
    assert!(said.contains("was changed by somebody else"), "{said}");
}

#[test]
fn k10_a_system_that_is_given_no_time() {
    let said = said(10);
    assert!(said.contains("429"), "{said}");
}

#[test]
fn k11_a_connection_test_that_writes() {
    let said = said(11);
    assert!(said.contains("a dry run writes"), "{said}");
}

#[test]
fn k12_a_name_that_begins_alike() {
    let said = said(12);
    assert!(said.contains("was changed, and what differs"), "{said}");
}

#[test]
fn k13_a_source_that_spells_otherwise() {
    let said = said(13);
    assert!(said.contains("the source"), "{said}");
}

#[test]
fn k14_a_read_that_is_held_in_memory() {
    let said = said(14);
    assert!(said.contains("records are held back"), "{said}");
}

#[test]
fn k15_a_skip_without_a_reason() {
    let said = said(15);
    assert!(said.contains("without a reason"), "{said}");
}

#[test]
fn k1_a_token_that_a_system_says_back() {
    let said = said_of(Check::Settings, 16);
    assert!(said.contains("a secret is shown in an error of a system that repeats the request"), "{said}");
}

#[test]
fn k5_a_word_that_becomes_another() {
    let said = said_of(Check::RoundTrip, 17);
    assert!(said.contains("status as `staging`"), "{said}");
}

#[test]
fn k9_an_id_that_nothing_is_found_by() {
    let said = said_of(Check::Preconditions, 18);
    assert!(said.contains("is stale"), "{said}");
}

#[test]
fn k13_a_word_that_is_not_translated() {
    let said = said_of(Check::Normalisation, 19);
    assert!(said.contains("has the status `LIVE`; the model's words are"), "{said}");
}

#[test]
fn k8_a_refusal_without_a_reason() {
    let said = said_of(Check::RefusedRecords, 20);
    assert!(said.contains("nobody is told why"), "{said}");
}
