//! What the tests share: a source for a simulator, and what it read.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use syncline_connector_forward::{Connection, Forward, ForwardSource, Parameters};
use syncline_core::Result;
use syncline_core::connector::{ConnectContext, ConnectSource};
use syncline_core::event::{Event, Events, Side};
use syncline_core::fields::ModelFields;
use syncline_core::models::ModelMode;
use syncline_core::read::ReadRequest;
use syncline_core::settings::parse;
use syncline_core::snapshot::{ModelSnapshot, Snapshot, SnapshotReader, SnapshotSink};
use syncline_core::source::DataSource;
use syncline_testkit::estate::{Estate, EstateOptions};
use syncline_testkit::forward::{ForwardOptions, ForwardSim};

/// A source and the folder of its secrets and snapshots.
pub struct Reader {
    pub folder: tempfile::TempDir,
    pub connection: Value,
    pub parameters: Value,
    pub models: ModelFields,
}

/// What was read.
pub struct Read {
    pub snapshot: Snapshot,
    /// Lines for people, in order.
    pub messages: Vec<String>,
    _folder: tempfile::TempDir,
}

pub fn small() -> Estate {
    Estate::generate(EstateOptions::small())
}

pub async fn sim() -> ForwardSim {
    ForwardSim::with_estate(small()).await.unwrap()
}

pub async fn old_sim() -> ForwardSim {
    let options = ForwardOptions { version: "26.5.2-01".to_owned(), ..ForwardOptions::default() };
    let sim = ForwardSim::start(options).await.unwrap();
    sim.add_snapshot(small());
    sim
}

/// Every field of every model.
pub fn everything() -> ModelFields {
    let schemas = syncline_model::models::ALL.iter();
    schemas.fold(ModelFields::new(), |fields, schema| fields.insert(schema, syncline_model::FieldSet::ALL))
}

impl Reader {
    pub fn of(sim: &ForwardSim) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            format!("file:{}", path.display())
        };
        let connection = json!({
            "url": sim.url(),
            "access_key": file("key", &sim.access_key()),
            "secret": file("secret", &sim.secret()),
            "network": "Production",
            "page_size": 100,
            "http": {"proxy": "off", "retry": {"base_delay_ms": 1}},
        });
        Self { folder, connection, parameters: json!({}), models: everything() }
    }

    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.connection[name] = value.into();
        self
    }

    pub fn parameters(mut self, parameters: Value) -> Self {
        self.parameters = parameters;
        self
    }

    pub fn only(mut self, models: &[&str]) -> Self {
        let all = everything();
        let chosen = all.iter().filter(|(schema, _)| models.contains(&schema.name));
        self.models = chosen.fold(ModelFields::new(), |fields, (schema, set)| fields.insert(schema, set));
        self
    }

    pub async fn source(&self, events: Events) -> Result<ForwardSource> {
        let connection = parse::<Connection>(self.connection.clone()).unwrap();
        let parameters = parse::<Parameters>(self.parameters.clone()).unwrap();
        assert_eq!(connection.problems(), []);
        assert_eq!(parameters.problems(), []);
        Forward::connect_source(connection, parameters, ConnectContext { events, ..ConnectContext::default() }).await
    }

    pub fn request(&self) -> ReadRequest {
        let modes: BTreeMap<_, _> = self.models.iter().map(|(schema, _)| (schema.name, ModelMode::Sync)).collect();
        ReadRequest { fields: self.models.clone(), modes, cancel: tokio_util::sync::CancellationToken::new() }
    }

    pub async fn read(self) -> Result<Read> {
        let events = Events::new();
        let mut follower = events.follow();
        let source = self.source(events.clone()).await?;
        let contract = self.models.shared_with(&source.knows());
        let folder = self.folder.path().join("snapshots");
        let sink = SnapshotSink::create(Side::Source, &folder, contract, events).unwrap();
        let request = ReadRequest { fields: self.models.shared_with(&source.knows()), ..self.request() };
        source.load(&request, &sink).await?;
        let snapshot = sink.finish().unwrap();
        let mut messages = Vec::new();
        while let Ok(event) = follower.try_recv() {
            if let Event::Message { text, .. } = &*event {
                messages.push(text.clone());
            }
        }
        Ok(Read { snapshot, messages, _folder: self.folder })
    }

    pub async fn error(self) -> String {
        match self.read().await {
            Err(error) => error.report(),
            Ok(_) => panic!("the read succeeded"),
        }
    }
}

impl Read {
    pub fn model(&self, name: &str) -> &ModelSnapshot {
        &self.snapshot.models[name]
    }

    /// The reason why a model is partial.
    #[track_caller]
    pub fn doubt(&self, model: &str) -> String {
        self.model(model).doubt().unwrap_or_else(|| panic!("{model} is complete"))
    }

    #[track_caller]
    pub fn assert_complete(&self) {
        for (name, model) in &self.snapshot.models {
            assert_eq!(model.doubt(), None, "{name}: {:?}", model.rejections);
        }
    }

    /// The records of a model, by key.
    pub fn records(&self, model: &str) -> BTreeMap<String, Value> {
        let mut reader = SnapshotReader::open(self.model(model)).unwrap();
        let mut records = BTreeMap::new();
        while let Some(line) = reader.next_line().unwrap() {
            let key = String::from_utf8(line.key.to_vec()).unwrap();
            records.insert(key, serde_json::from_slice(line.record).unwrap());
        }
        records
    }

    pub fn count(&self, model: &str) -> u64 {
        self.model(model).records
    }
}
