//! What a run asks of its systems, kept in a folder, and plans that are made of such a folder instead of the systems.
//!
//! A folder holds one recording for each side. What is in them is the HTTP client's business (`syncline_http::Tape`); here is decided what
//! must not be in them, and what a replay may see and leave behind.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde_json::Value;
use syncline_core::event::{Events, Side};
use syncline_core::history::History;
use syncline_core::registry::Registry;
use syncline_core::run::{Runner, SideDefinition, SyncDefinition};
use syncline_core::settings::{self, SecretRef};
use syncline_core::surroundings::Surroundings;
use syncline_core::{Error, ErrorKind, Result};
use syncline_http::{Recorder, RecordingError, RecordingHeader, Replay, Secrets, Tape, stand_in};
use tempfile::TempDir;

use crate::config::Configuration;

/// The recordings of both sides while a run makes them.
#[derive(Debug)]
pub struct Recordings {
    sides: [(Side, String, Recorder); 2],
}

/// Recordings of both sides that a plan is made of, and where it is made: a folder and a history of their own.
#[derive(Debug)]
pub struct Replays {
    /// When what is read was recorded.
    pub at: DateTime<Utc>,
    /// What a person should know before believing the plan.
    pub notes: Vec<String>,
    sides: [(Side, SideDefinition, Replay); 2],
    stand_ins: BTreeMap<String, String>,
    folder: TempDir,
}

/// Where the recording of a side is.
fn file(folder: &Path, side: Side) -> PathBuf {
    folder.join(format!("{side}.ndjson.zst"))
}

impl Recordings {
    /// Begins to record both sides of a sync in a folder, which is made if need be.
    pub fn begin(folder: &Path, registry: &Registry, sync: &SyncDefinition) -> Result<Self> {
        let known: Vec<_> = references(registry, sync)?
            .into_iter()
            .map(|reference| Ok((reference.clone(), reference.resolve()?)))
            .collect::<Result<_>>()?;
        make_private(folder)?;
        for side in [Side::Source, Side::Target] {
            let path = file(folder, side);
            if path.exists() {
                return Err(RecordingError::Exists { path }.into());
            }
        }
        let at = Utc::now();
        let definition = sync.digest(registry)?;
        let begin = |side: Side, of: &SideDefinition| -> Result<(Side, String, Recorder)> {
            let header = RecordingHeader {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                sync: sync.name.clone(),
                side,
                connector: of.connector.clone(),
                connector_version: registry.get(&of.connector)?.version.to_owned(),
                connection: of.connection_name.clone(),
                definition: definition.clone(),
                at,
            };
            let secrets = Secrets::new(known.iter().cloned(), open_texts(sync));
            Ok((side, of.connector.clone(), Recorder::create(file(folder, side), &header, secrets)?))
        };
        Ok(Self { sides: [begin(Side::Source, &sync.source)?, begin(Side::Target, &sync.target)?] })
    }

    /// The stream of a run whose exchanges are recorded.
    pub fn events(&self) -> Events {
        let [source, target] = self
            .sides
            .each_ref()
            .map(|(.., recorder)| Surroundings::default().with_way(Tape::Record(recorder.clone())));
        Events::new().within(source, target)
    }

    /// Takes the recordings away again.
    pub fn discard(self) {
        for (.., recorder) in self.sides {
            // They are told of when the folder is used again.
            let _ = std::fs::remove_file(recorder.path());
        }
    }

    /// Ends the recordings, and says what is in them.
    pub fn finish(self) -> Result<Vec<String>> {
        let mut told = Vec::new();
        for (side, connector, recorder) in self.sides {
            let recorded = recorder.finish()?;
            let path = recorder.path().display();
            told.push(match recorded.exchanges {
                0 => format!(
                    "the {side} (`{connector}`) asked nothing over HTTP: there is nothing to record, and a replay reads it as it is then"
                ),
                1 => format!("1 exchange with the {side} is in {path}"),
                exchanges => format!("{exchanges} exchanges with the {side} are in {path}"),
            });
            if recorded.secrets_met > 0 {
                told.push(format!(
                    "the {side} told secrets of the configuration as ordinary values, {} times: they are not in the recording, and where \
                     they stood a replay finds something else",
                    recorded.secrets_met
                ));
            }
        }
        Ok(told)
    }
}

impl Replays {
    /// Opens the recordings of both sides of a sync. Neither the systems nor the secrets are needed.
    pub fn open(folder: &Path, registry: &Registry, sync: &SyncDefinition) -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("syncline-replay-").tempdir().map_err(no_folder)?;
        let mut stand_ins = BTreeMap::new();
        let mut known: Vec<(SecretRef, SecretString)> = Vec::new();
        for (number, reference) in references(registry, sync)?.into_iter().enumerate() {
            // What is known here is compared as it was; for what is not stands what the recording has in its place.
            if let Ok(secret) = reference.resolve() {
                known.push((reference, secret));
                continue;
            }
            let path = scratch.path().join(format!("secret-{number}"));
            std::fs::write(&path, stand_in(&reference)).map_err(no_folder)?;
            stand_ins.insert(reference.to_string(), SecretRef::File(path).to_string());
        }
        let open = |side: Side, of: &SideDefinition| -> Result<(Side, SideDefinition, Replay)> {
            let secrets = Secrets::new(known.iter().cloned(), open_texts(sync));
            let replay = Replay::open(file(folder, side), secrets)?;
            ensure_of(replay.header(), folder, (side, of), &sync.name)?;
            Ok((side, of.clone(), replay))
        };
        let sides = [open(Side::Source, &sync.source)?, open(Side::Target, &sync.target)?];
        let (digest, mut notes) = (sync.digest(registry)?, Vec::new());
        let header = sides[0].2.header();
        let at = header.at;
        if sides.iter().any(|(.., replay)| replay.header().definition != digest) {
            notes.push(format!(
                "`{}` was changed after the recording was made, or a connector has another version: what is asked now and was not then \
                 fails",
                sync.name
            ));
        }
        for (side, of, replay) in &sides {
            if replay.exchanges() == 0 {
                let connector = &of.connector;
                notes.push(format!("nothing was recorded of the {side}: `{connector}` reads it as it is now"));
            }
        }
        Ok(Self { at, notes, sides, stand_ins, folder: scratch })
    }

    /// The stream of a run that reads the recordings.
    pub fn events(&self) -> Events {
        let [source, target] = self.sides.each_ref().map(|(.., replay)| {
            Surroundings::default()
                .with_way(Tape::Replay(replay.clone()))
                .with_time(self.at)
                .with_stand_ins(self.stand_ins.clone())
        });
        Events::new().within(source, target)
    }

    /// What plans: with the time of the recording, and with a history of its own that knows what the real one knows. What is made, and
    /// whatever the history is told, is gone with the replay.
    pub async fn runner(&self, registry: Registry, configuration: &Configuration) -> Result<Runner> {
        let (sync, at) = (&self.sides[0].2.header().sync, self.at);
        let file = self.folder.path().join("history.sqlite");
        let history = if is_there(configuration) {
            let [source, target] = self.sides.each_ref().map(|(_, of, _)| of.instance());
            let real = crate::open_history(configuration).await?;
            let scratch = real.scratch(&file, sync, &source, &target).await;
            real.close().await?;
            scratch?
        } else {
            History::open(&file.to_string_lossy()).await?
        };
        Ok(Runner::new(registry, history, self.folder.path()).with_clock(move || at))
    }

    /// Refuses a plan for which something was asked that is not in the recordings, whatever the connector made of that.
    pub fn ensure_whole(&self) -> Result<()> {
        let missing = self.sides.iter().flat_map(|(.., replay)| replay.missing()).next();
        missing.map_or(Ok(()), |missing| Err(Error::new(ErrorKind::Storage, missing)))
    }
}

/// Whether there is a history already: a replay makes none.
fn is_there(configuration: &Configuration) -> bool {
    configuration.data.history.is_some() || configuration.data_folder.join("history.sqlite").exists()
}

/// Refuses the recording of something else.
fn ensure_of(header: &RecordingHeader, folder: &Path, (side, of): (Side, &SideDefinition), sync: &str) -> Result<()> {
    let folder = folder.display();
    let refused = |message: String| Err(Error::new(ErrorKind::Refused, message));
    if header.sync != sync {
        let recorded = &header.sync;
        return refused(format!(
            "the recording in `{folder}` is of the sync `{recorded}`, not of `{sync}`: `syncline plan {recorded} --replay {folder}`"
        ));
    }
    if header.side != side || header.connector != of.connector {
        return refused(format!(
            "the recording of the {side} in `{folder}` is of the {} `{}`, and the {side} of `{sync}` is `{}`: use the configuration that \
             it was made with, or record again",
            header.side, header.connector, of.connector
        ));
    }
    Ok(())
}

/// The secrets that both sides refer to, each once.
pub fn references(registry: &Registry, sync: &SyncDefinition) -> Result<Vec<SecretRef>> {
    let mut found: Vec<SecretRef> = Vec::new();
    for (side, of) in [(Side::Source, &sync.source), (Side::Target, &sync.target)] {
        let connector = registry.get(&of.connector)?;
        let parameters = match side {
            Side::Source => connector.source.as_ref().map(|source| source.parameters_schema),
            Side::Target => connector.target.as_ref().map(|target| target.parameters_schema),
        };
        let of_connection = settings::secrets(&(connector.connection_schema)(), &of.connection);
        let of_parameters = parameters.map(|schema| settings::secrets(&schema(), &of.parameters)).unwrap_or_default();
        for (_, reference) in of_connection.into_iter().chain(of_parameters) {
            if !found.contains(&reference) {
                found.push(reference);
            }
        }
    }
    Ok(found)
}

/// The texts that stand openly in the settings of both sides.
fn open_texts(sync: &SyncDefinition) -> Vec<String> {
    fn add(value: &Value, texts: &mut Vec<String>) {
        match value {
            Value::String(text) => texts.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| add(item, texts)),
            Value::Object(fields) => fields.values().for_each(|field| add(field, texts)),
            _ => {}
        }
    }
    let mut texts = Vec::new();
    for side in [&sync.source, &sync.target] {
        add(&side.connection, &mut texts);
        add(&side.parameters, &mut texts);
    }
    texts
}

/// Makes a folder that its owner alone may look into.
fn make_private(folder: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| {
        let message = format!("cannot make the folder `{}` for the recording", folder.display());
        Error::new(ErrorKind::Storage, message).caused_by(error)
    })
}

fn no_folder(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, "there is no folder to replay in: set `TMPDIR` to one that can be written to")
        .caused_by(error)
}
