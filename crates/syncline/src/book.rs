//! The syncs that there are: those of the configuration file, and those that the history keeps.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use syncline_core::history::{History, Purpose, StoredSync, SyncId, SyncOwner, TakenOver};
use syncline_core::run::{ConfiguredSync, SyncBook};
use syncline_core::schedule::Schedule;
use syncline_core::similar;
use syncline_core::{Error, ErrorKind, Result};
use syncline_web::{Draft, NamedSecret, Offer, OfferedConnection, SettingProblem, StoreError, SyncStore, SyncView};

use crate::config::{self, ConfigError, ConfigProblem, Configuration, Connection, Loaded};

/// The syncs that there are, with the connections of the configuration file.
///
/// A file owns its syncs: they are copied into the history, where every process finds them, and are changed in the file only.
/// The others were made by a command or the API and are kept in the history alone.
#[derive(Debug, Clone)]
pub struct Book {
    loaded: Loaded,
    configuration: Configuration,
    history: History,
    /// What files that were read later say counts.
    follows: bool,
    /// The settings of syncs that were told to differ from those of this file.
    told: Arc<Mutex<BTreeMap<String, Option<Value>>>>,
}

impl Book {
    /// The syncs of a configuration and of a history.
    pub fn new(loaded: Loaded, configuration: Configuration, history: History) -> Self {
        Self { loaded, configuration, history, follows: false, told: Arc::default() }
    }

    /// As it is for a process that stays: what another process reads from its file later counts here too. Two processes whose
    /// files differ would each have it their own way otherwise, in turns.
    #[must_use]
    pub fn following(self) -> Self {
        Self { follows: true, ..self }
    }

    /// The configuration file's part.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Copies the syncs of the file into the history, for the processes that have another file, or none.
    pub async fn provision(&self) -> Result<()> {
        let taken_over = self.history.provision_syncs(&self.file(), &self.configuration.written).await?;
        for TakenOver { sync, from, by, ends } in taken_over {
            let what = if ends { "says nothing about it, so that it runs no more" } else { "counts from now on" };
            tracing::warn!(
                sync,
                "the sync is another one in `{from}`; `{by}` {what}: let all processes have the same file"
            );
        }
        Ok(())
    }

    /// The configuration file's name.
    fn file(&self) -> String {
        self.loaded.file.as_ref().map_or_else(|| "the environment".to_owned(), |file| file.display().to_string())
    }

    /// Says once that another file counts.
    fn tell(&self, stored: &StoredSync) {
        let (name, settings) = (&stored.name, &stored.settings);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(name.clone(), settings.clone()).as_ref() == Some(settings) {
            return;
        }
        let (file, other) = (self.file(), stored.origin.as_deref().unwrap_or("another file"));
        if stored.owner.is_some() {
            tracing::warn!(
                sync = name,
                "the sync is another one in `{other}`, which was read later than `{file}` and counts: let all processes have the \
                 same file"
            );
        } else {
            tracing::warn!(
                sync = name,
                "the sync does not run: it is not in `{other}`, which was read later than `{file}`: let all processes have the \
                 same file"
            );
        }
    }

    /// Every sync that is configured, by name.
    pub async fn stored(&self) -> Result<Vec<StoredSync>> {
        Ok(self.history.syncs().await?.into_iter().filter(|sync| sync.owner.is_some()).collect())
    }

    /// Makes a sync that the history keeps, if its settings have no problem.
    pub async fn create(&self, name: &str, settings: &Value) -> Result<(SyncId, Vec<String>), BookError> {
        let warnings = self.judge(name, settings)?.warnings;
        Ok((self.history.create_sync(name, settings).await?, warnings))
    }

    /// Changes a sync that the history keeps, if its new settings have no problem.
    pub async fn change(&self, name: &str, settings: &Value) -> Result<Vec<String>, BookError> {
        let warnings = self.judge(name, settings)?.warnings;
        self.history.change_sync(name, settings).await?;
        Ok(warnings)
    }

    /// A sync as programs see it.
    pub async fn view(&self, sync: StoredSync) -> Result<SyncView> {
        let ticks = self.history.schedules(sync.id).await?;
        let next = ticks.iter().filter(|(purpose, _)| *purpose == Purpose::Sync).find_map(|(_, ticks)| ticks.next);
        let configured = self.sync(&sync.name).await;
        let schedule = configured.as_ref().ok().map(|sync| Schedule::describe(&sync.automation.schedule));
        Ok(SyncView {
            name: sync.name,
            owner: sync.owner,
            paused: sync.paused,
            schedule,
            next: next.filter(|_| !sync.paused),
            settings: sync.settings,
            error: configured.err().map(|error| error.report()),
        })
    }

    /// Judges a sync that no file keeps.
    fn judge(&self, name: &str, settings: &Value) -> Result<Configuration, BookError> {
        let registry = crate::registry()?;
        let configuration = config::check_sync(&self.loaded, &registry, name, settings)?;
        config::ensure_reach(&configuration, &registry, name)?;
        Ok(configuration)
    }

    /// What a sync is, by what is stored of it.
    fn configured(&self, stored: &StoredSync) -> Result<ConfiguredSync> {
        let name = &stored.name;
        if stored.owner == Some(SyncOwner::File)
            && let Some(sync) = self.configuration.syncs.get(name)
        {
            if !self.follows || stored.settings.as_ref() == self.configuration.written.get(name) {
                return self.configuration.configured(name, sync, stored.paused);
            }
            self.tell(stored);
        }
        let settings = stored.settings.as_ref().ok_or_else(|| unknown(name, &[]))?;
        // A file is its operator's word, also the file of another process. What may be reached may have changed since a sync was made.
        let configuration = match stored.owner {
            Some(SyncOwner::File) => {
                config::check_sync(&self.loaded, &crate::registry()?, name, settings).map_err(BookError::Settings)
            }
            _ => self.judge(name, settings),
        };
        let configuration = configuration.map_err(|error| match error {
            BookError::History(error) => error,
            BookError::Settings(ConfigError::Invalid(problems)) => {
                let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
                Error::new(ErrorKind::Settings, format!("the sync `{name}` cannot run: {}", told.join("; ")))
            }
            BookError::Settings(error) => {
                Error::new(ErrorKind::Settings, format!("the sync `{name}` cannot run")).caused_by(error)
            }
        })?;
        let sync = configuration.syncs.get(name).ok_or_else(|| unknown(name, &[]))?;
        configuration.configured(name, sync, stored.paused)
    }
}

/// Why a sync was not taken over.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// Its settings are wrong; every problem is told.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// The history did not take it.
    #[error(transparent)]
    History(#[from] Error),
}

#[async_trait]
impl SyncBook for Book {
    async fn syncs(&self) -> Result<Vec<(String, Result<ConfiguredSync>)>> {
        let (stored, ended): (Vec<_>, Vec<_>) =
            self.history.syncs().await?.into_iter().partition(|sync| sync.owner.is_some());
        for sync in ended.iter().filter(|sync| self.follows && self.configuration.syncs.contains_key(&sync.name)) {
            self.tell(sync);
        }
        Ok(stored.into_iter().map(|sync| (sync.name.clone(), self.configured(&sync))).collect())
    }

    async fn sync(&self, name: &str) -> Result<ConfiguredSync> {
        if let Some(stored) = self.history.sync(name).await?.filter(|sync| sync.owner.is_some()) {
            return self.configured(&stored);
        }
        // One of the file that nobody copied yet.
        if let Some(sync) = self.configuration.syncs.get(name) {
            return self.configuration.configured(name, sync, false);
        }
        let mut known: Vec<_> = self.stored().await?.into_iter().map(|sync| sync.name).collect();
        known.extend(self.configuration.syncs.keys().cloned());
        known.sort();
        known.dedup();
        Err(unknown(name, &known))
    }
}

#[async_trait]
impl SyncStore for Book {
    async fn list(&self) -> Result<Vec<SyncView>> {
        let mut views = Vec::new();
        for sync in self.stored().await? {
            views.push(self.view(sync).await?);
        }
        Ok(views)
    }

    async fn get(&self, name: &str) -> Result<Option<SyncView>> {
        match self.history.sync(name).await?.filter(|sync| sync.owner.is_some()) {
            Some(sync) => Ok(Some(self.view(sync).await?)),
            None => Ok(None),
        }
    }

    fn offer(&self) -> Offer {
        let connections = self.configuration.connections.iter();
        let connection = |(name, connection): (&String, &Connection)| OfferedConnection {
            name: name.clone(),
            connector: connection.connector.clone(),
        };
        Offer { connections: connections.map(connection).collect(), schema: config::sync_schema() }
    }

    async fn draft(&self, name: &str, settings: &Value) -> Result<Draft, StoreError> {
        let configuration = self.judge(name, settings)?;
        let sync = configuration.syncs.get(name).ok_or_else(|| unknown(name, &[]))?;
        let sync = configuration.configured(name, sync, false)?;
        Ok(Draft { sync, warnings: configuration.warnings })
    }

    async fn create(&self, name: &str, settings: &Value) -> Result<Vec<String>, StoreError> {
        let (_, warnings) = Book::create(self, name, settings).await?;
        Ok(warnings)
    }

    async fn change(&self, name: &str, settings: &Value) -> Result<Vec<String>, StoreError> {
        Ok(Book::change(self, name, settings).await?)
    }

    async fn remove(&self, name: &str) -> Result<()> {
        self.history.remove_sync(name).await
    }

    async fn pause(&self, name: &str, paused: bool) -> Result<()> {
        self.history.pause_sync(name, paused).await
    }

    async fn secrets(&self) -> Result<Vec<NamedSecret>> {
        let registry = crate::registry()?;
        let mut named = self.configuration.secrets(&registry)?;
        // Those of this file are among them.
        let others = self.stored().await?.into_iter().filter(|sync| !self.configuration.syncs.contains_key(&sync.name));
        for stored in others {
            // What is wrong with a sync is told of the sync.
            if let Ok(sync) = self.configured(&stored) {
                named.extend(config::secrets_of(&registry, &stored.name, &sync)?);
            }
        }
        Ok(named)
    }
}

impl From<BookError> for StoreError {
    fn from(error: BookError) -> Self {
        let message = error.to_string();
        match error {
            BookError::History(error) => error.into(),
            BookError::Settings(ConfigError::Invalid(problems)) => {
                let problem = |ConfigProblem { key, message, remedy, .. }| SettingProblem { key, message, remedy };
                Self::Settings { message, problems: problems.into_iter().map(problem).collect() }
            }
            BookError::Settings(error) => Error::new(ErrorKind::Settings, message).caused_by(error).into(),
        }
    }
}

fn unknown(name: &str, known: &[String]) -> Error {
    let remedy = similar::remedy(name, known.iter().map(String::as_str));
    Error::new(ErrorKind::Settings, format!("there is no sync `{name}`; {remedy}"))
}

#[cfg(all(test, feature = "connector-forward", feature = "connector-netbox"))]
mod tests {
    use std::sync::Arc;

    use axum::body::{Body, to_bytes};
    use axum::http::{Method, Request, StatusCode};
    use chrono::{DateTime, TimeDelta, Utc};
    use serde_json::json;
    use syncline_core::history::{Claimed, Retention, RunFilter, RunResult};
    use syncline_core::run::{Runner, Scheduler};
    use syncline_web::ApiState;
    use syncline_web::auth::Auth;
    use syncline_web::live::Live;
    use tokio_util::sync::CancellationToken;
    use tower::ServiceExt as _;

    use super::*;

    const FILE: &str = r#"
        [connections.forward]
        connector = "forward"
        url = "https://forward.example"
        access_key = "env:ACCESS_KEY"
        secret = "env:SECRET"
        network = "1"
        [connections.netbox]
        connector = "netbox"
        url = "https://netbox.example"
        token = "env:TOKEN"
        [syncs.filed]
        source = "forward"
        target = "netbox"
    "#;

    /// Two servers with files of their own: the file that was read last counts for both, and no schedule begins anew in turns.
    #[tokio::test]
    async fn files_that_differ_do_not_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::in_memory().await.unwrap();
        let runner = Runner::new(crate::registry().unwrap(), history.clone(), folder.path());
        let book = |name: &str, minutes: u32| {
            let file = folder.path().join(name);
            let text = format!("{FILE}        schedule = {{ recurs_every = {minutes} }}\n");
            std::fs::write(&file, text).unwrap();
            let loaded = config::load(Some(&file), Vec::new()).unwrap();
            let configuration = config::check(&loaded, &crate::registry().unwrap()).unwrap();
            Book::new(loaded, configuration, history.clone()).following()
        };
        let (one, other) = (book("one.toml", 10), book("other.toml", 20));
        one.provision().await.unwrap();
        other.provision().await.unwrap();
        let start: DateTime<Utc> = "2026-11-20T08:00:00Z".parse().unwrap();
        for minute in 0..30 {
            for book in [&one, &other] {
                Scheduler::new(&runner, book).pass(start + TimeDelta::minutes(minute)).await.unwrap();
                for run in history.queue().await.unwrap() {
                    let Claimed::Granted(claim) = runner.claim(run.id).await.unwrap() else { panic!("{run:?}") };
                    history.finish_run(claim, &RunResult::completed()).await.unwrap();
                }
            }
        }
        let ticks = async || -> Vec<_> {
            let runs = history.runs(&RunFilter::default(), None, 100).await.unwrap().items;
            runs.into_iter().rev().map(|run| (run.tick.unwrap() - start).num_minutes()).collect()
        };
        assert_eq!(ticks().await, [0, 20]);

        // Until somebody says otherwise: then that counts.
        let origin = |name: &str| format!("{} on ", folder.path().join(name).display());
        let kept = history.sync("filed").await.unwrap().unwrap();
        assert!(kept.origin.as_ref().unwrap().starts_with(&origin("other.toml")), "{kept:?}");
        let taken = history.provision_syncs(&one.file(), &one.configuration.written).await.unwrap();
        let [TakenOver { sync, from, by, ends: false }] = &taken[..] else { panic!("{taken:?}") };
        assert!(sync == "filed" && from.starts_with(&origin("other.toml")) && by.starts_with(&origin("one.toml")));
        assert_eq!(history.provision_syncs(&one.file(), &one.configuration.written).await.unwrap(), []);
        let every = async |book: &Book| book.sync("filed").await.unwrap().automation.schedule.describe();
        assert_eq!([every(&one).await, every(&other).await], ["every 10 minutes"; 2]);
        let none = history.provision_syncs("none.toml", &BTreeMap::new()).await.unwrap();
        assert!(none[0].ends && one.syncs().await.unwrap().is_empty(), "{none:?}");
    }

    /// Those of the file, and those of syncs that the history keeps.
    #[tokio::test]
    async fn secrets_are_named_by_the_settings_that_refer_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("syncline.toml");
        std::fs::write(&file, format!("{FILE}        webhook = {{ secret = \"env:FILED\" }}\n")).unwrap();
        let loaded = config::load(Some(&file), Vec::new()).unwrap();
        let configuration = config::check(&loaded, &crate::registry().unwrap()).unwrap();
        let book = Book::new(loaded, configuration, History::in_memory().await.unwrap());
        book.provision().await.unwrap();
        let settings = json!({"source": "forward", "target": "netbox", "webhook": {"secret": "file:/hook"}});
        book.create("made", &settings).await.unwrap();
        let mut named: Vec<_> = SyncStore::secrets(&book).await.unwrap().into_iter().collect();
        named.sort_by(|one, other| one.key.cmp(&other.key));
        let named: Vec<_> = named.iter().map(|named| format!("{} {}", named.key, named.secret)).collect();
        assert_eq!(
            named,
            [
                "connections.forward.access_key env:ACCESS_KEY",
                "connections.forward.secret env:SECRET",
                "connections.netbox.token env:TOKEN",
                "syncs.filed.webhook.secret env:FILED",
                "syncs.made.webhook.secret file:/hook",
            ]
        );
    }

    /// What a list limits, and whom.
    #[tokio::test]
    async fn syncs_that_no_file_keeps_lead_where_they_may() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("syncline.toml");
        let history = History::in_memory().await.unwrap();
        let book = |list: &str, netbox: &str| {
            let text = format!("{}\n[web]\n{list}\n", FILE.replace("https://netbox.example", netbox));
            std::fs::write(&file, text).unwrap();
            let loaded = config::load(Some(&file), Vec::new()).unwrap();
            let configuration = config::check(&loaded, &crate::registry().unwrap()).unwrap();
            Book::new(loaded, configuration, history.clone())
        };
        let settings = json!({"source": "forward", "target": "netbox"});
        let told = |error: BookError| match error {
            BookError::Settings(ConfigError::Invalid(problems)) => {
                problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
            }
            other => panic!("{other}"),
        };
        let open = book("", "https://netbox.example");
        open.provision().await.unwrap();
        open.create("made", &settings).await.unwrap();

        let limited = book("connect_to = [\"forward.example\", \"10.0.0.0/8\"]", "https://netbox.example");
        let refusal = told(limited.create("other", &settings).await.unwrap_err());
        assert_eq!(
            refusal,
            "the sync `other`: `target`: `url` of the connection `netbox` is `https://netbox.example`, which `web.connect_to` does not \
             name; choose another connection, or let an operator add `netbox.example` to `web.connect_to` in the configuration file"
        );
        assert!(limited.change("made", &settings).await.is_err());
        // The operator's own syncs are not asked, and one that was made before runs no more.
        assert!(limited.sync("filed").await.is_ok());
        let error = limited.sync("made").await.unwrap_err().to_string();
        assert_eq!(error, format!("the sync `made` cannot run: {}", refusal.replace("`other`", "`made`")));
        assert!(SyncStore::get(&limited, "made").await.unwrap().unwrap().error.is_some());
        let within = book("connect_to = [\"forward.example\", \"10.0.0.0/8\"]", "https://10.1.2.3");
        within.change("made", &settings).await.unwrap();
        assert!(within.sync("made").await.is_ok());

        let metadata = book("", "http://169.254.169.254");
        let refusal = told(metadata.create("other", &settings).await.unwrap_err());
        assert!(
            refusal.contains("`target`: `url` of the connection `netbox` is `http://169.254.169.254`"),
            "{refusal}"
        );
        assert!(refusal.contains("only a sync that the configuration file keeps may lead there"), "{refusal}");
        assert!(metadata.sync("filed").await.is_ok());

        // What is drafted is judged alike, and not kept.
        assert!(SyncStore::draft(&metadata, "other", &settings).await.is_err());
        let draft = SyncStore::draft(&within, "other", &settings).await.unwrap();
        assert_eq!(draft.sync.definition.target.connection["url"], "https://10.1.2.3");
        assert!(within.history.sync("other").await.unwrap().is_none());
        assert!(told(within.create("new", &settings).await.unwrap_err()).contains("is no name of a sync"));
    }

    /// The book as the API shows it: what a file keeps, what is refused, and what is made.
    #[tokio::test]
    async fn syncs_are_kept_through_the_api() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("syncline.toml");
        std::fs::write(&file, FILE).unwrap();
        let loaded = config::load(Some(&file), Vec::new()).unwrap();
        let configuration = config::check(&loaded, &crate::registry().unwrap()).unwrap();
        let history = History::in_memory().await.unwrap();
        let runner = Arc::new(Runner::new(crate::registry().unwrap(), history.clone(), folder.path()));
        let auth = Auth::new(history.clone(), configuration.web.auth().unwrap());
        let book = Arc::new(Book::new(loaded, configuration, history));
        book.provision().await.unwrap();
        let live = Live::new(runner.history().clone(), CancellationToken::new());
        let router =
            syncline_web::router(ApiState { runner, syncs: book, auth, live, retention: Retention::default() });
        let ask = async |method: Method, path: &str, body: Value| {
            let request = Request::builder().method(method).uri(path).header("host", "localhost");
            let request = request.header("content-type", "application/json").body(Body::from(body.to_string()));
            let response = router.clone().oneshot(request.unwrap()).await.unwrap();
            let status = response.status();
            let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            (status, serde_json::from_slice::<Value>(&bytes).unwrap_or_default())
        };

        let settings = json!({"source": "forward", "target": "netbox"});
        let (_, filed) = ask(Method::GET, "/syncs/filed", Value::Null).await;
        assert_eq!((&filed["owner"], &filed["settings"], &filed["error"]), (&json!("file"), &settings, &Value::Null));
        let (status, problem) = ask(Method::PUT, "/syncs/filed", json!({"settings": settings})).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert_eq!(problem["detail"], "the sync `filed` is kept in the configuration file: change it there");

        let wrong = json!({"source": "forwards", "target": "netbox", "models": {"devices": "off"}, "auto_merge": 3});
        let (status, problem) = ask(Method::POST, "/syncs", json!({"name": "made", "settings": wrong})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        insta::assert_snapshot!(serde_json::to_string_pretty(&problem).unwrap(), @r#"
{
  "detail": "the configuration has 3 problems",
  "problems": [
    {
      "key": "models.devices",
      "message": "unknown model",
      "remedy": "did you mean `device`?"
    },
    {
      "key": "auto_merge",
      "message": "expects true or false, not a number",
      "remedy": null
    },
    {
      "key": "source",
      "message": "there is no connection `forwards`",
      "remedy": "did you mean `forward`?"
    }
  ],
  "status": 422,
  "title": "The settings are wrong",
  "type": "urn:syncline:problem:settings"
}
"#);

        // What would only be found when a plan is judged is found here, as in a file.
        let guards = json!({"models": {"devices": {}}, "canaries": [{"model": "site", "key": ["hq", 1]}]});
        let guarded = json!({"source": "forward", "target": "netbox", "policy": {"guards": guards}});
        let (_, problem) = ask(Method::POST, "/syncs", json!({"name": "made", "settings": guarded})).await;
        let keys: Vec<_> =
            problem["problems"].as_array().unwrap().iter().map(|problem| problem["key"].clone()).collect();
        assert_eq!(keys, ["policy.guards.models.devices", "policy.guards.canaries.0.key"]);

        let made = json!({"name": "made", "settings": {"source": "forward", "target": "netbox", "schedule": {"recurs_every": 60}}});
        let (status, made) = ask(Method::POST, "/syncs", made).await;
        assert_eq!((status, &made["owner"]), (StatusCode::CREATED, &json!("stored")));
        insta::assert_snapshot!(made["schedule"], @r#""every hour""#);
        let (_, unknown) = ask(Method::GET, "/syncs/mad", Value::Null).await;
        insta::assert_snapshot!(unknown["detail"], @r#""there is no sync `mad`; did you mean `made`?""#);
        assert_eq!(ask(Method::DELETE, "/syncs/made", Value::Null).await.0, StatusCode::NO_CONTENT);
        let (_, list) = ask(Method::GET, "/syncs", Value::Null).await;
        assert_eq!(list, json!({"items": [filed], "next": null}));
    }
}
