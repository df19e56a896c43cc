//! The same tests on SQLite and on PostgreSQL.

mod access;
mod changes;
mod comments;
mod compare;
mod concurrency;
mod events;
mod findings;
mod guards;
mod ignores;
mod leases;
mod ledger;
mod notifications;
mod objects;
mod opening;
mod quarantine;
mod retention;
mod runs;
mod search;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::Utc;
use sea_orm::{ConnectionTrait as _, DbBackend, QueryTrait};
use serde_json::json;
use sqlx::Connection;
use syncline_model::AnyKey;
use syncline_testkit::postgres;

use super::{
    Approval, Claim, Claimed, Decision, Endpoint, History, NewRun, Purpose, RunKind, RunSettings, Stop, StopRequest,
    SyncDefinition,
};
use crate::change::{Action, Change, FieldChange};
use crate::native::Native;
use crate::outcome::Outcome;

/// An empty database of its own for one test.
pub(crate) struct Place {
    pub(crate) url: String,
    _folder: Option<tempfile::TempDir>,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("data/history.db").display());
        Self { url, _folder: Some(folder) }
    }

    /// A schema of a server; none when there is no server.
    pub(crate) async fn postgres() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = tokio::task::spawn_blocking(|| postgres::url("the PostgreSQL half of the history's tests"));
        let mut url: url::Url = server.await.unwrap()?.parse().unwrap();
        let schema = format!("history_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut connection = sqlx::PgConnection::connect(url.as_str()).await.unwrap();
        for statement in [format!("DROP SCHEMA IF EXISTS {schema} CASCADE"), format!("CREATE SCHEMA {schema}")] {
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        }
        url.query_pairs_mut().append_pair("options[search_path]", &schema);
        Some(Self { url: url.into(), _folder: None })
    }

    pub(crate) async fn open(&self) -> History {
        History::open(&self.url).await.unwrap()
    }

    /// The file, when it is one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.url.strip_prefix("sqlite://").map(|path| Path::new(path).to_owned())
    }
}

/// Runs a test on every database, and looks afterwards whether every run's events tell how it stands.
async fn everywhere(test: impl AsyncFn(Place)) {
    let places = [Some(Place::sqlite()), Place::postgres().await];
    for place in places.into_iter().flatten() {
        test(Place { url: place.url.clone(), _folder: None }).await;
        // What a test has spoilt on purpose cannot be opened any more.
        if let Ok(history) = History::open(&place.url).await {
            events::assert_told(&history).await;
        }
    }
}

/// A run of the sync `sites`, working. When one is under way already, of another sync with a target of its own.
async fn working_run(history: &History) -> Claim {
    static OTHERS: AtomicU32 = AtomicU32::new(0);
    let sites = new_run(history, "sites").await;
    let run = history.begin_run(&sites).await.unwrap();
    if let Claimed::Granted(claim) = history.claim(run, "worker", LEASE).await.unwrap() {
        return claim;
    }
    let stop = StopRequest { stop: Stop::Cancel, by: "the test".to_owned(), reason: String::new() };
    history.request_stop(run, &stop).await.unwrap();
    let name = format!("sites-{}", OTHERS.fetch_add(1, Ordering::Relaxed));
    let mut other = new_run(history, &name).await;
    other.target.instance = name;
    started(history, &other).await
}

/// How long a run is kept without asking for more time.
const LEASE: Duration = Duration::from_mins(1);

async fn started(history: &History, new: &NewRun) -> Claim {
    let run = history.begin_run(new).await.unwrap();
    match history.claim(run, "worker", LEASE).await.unwrap() {
        Claimed::Granted(claim) => claim,
        other => panic!("run {run} could not be taken: {other:?}"),
    }
}

async fn new_run(history: &History, sync: &str) -> NewRun {
    let definition =
        SyncDefinition { name: sync.to_owned(), hash: "d1".to_owned(), definition: json!({"source": "fwd"}) };
    NewRun {
        sync: history.upsert_sync(&definition).await.unwrap(),
        kind: RunKind::Adhoc,
        dry: false,
        definition_hash: "d1".to_owned(),
        source: Endpoint {
            connector: "forward".to_owned(),
            connection: "fwd".to_owned(),
            instance: "https://fwd.example".to_owned(),
        },
        target: Endpoint {
            connector: "netbox".to_owned(),
            connection: "netbox".to_owned(),
            instance: "https://netbox.example".to_owned(),
        },
        triggered_by: "kim".to_owned(),
        request: Some("after the move".to_owned()),
        request_id: Some("CHG0042".parse().unwrap()),
        once: false,
        reads_anew: false,
        purpose: Purpose::Sync,
        subject: None,
        options: RunSettings::default(),
        tick: None,
        not_before: None,
        plan: None,
    }
}

/// A run as the history has it.
pub(crate) async fn some_run() -> super::Run {
    let history = History::in_memory().await.unwrap();
    let run = history.begin_run(&new_run(&history, "sites").await).await.unwrap();
    history.run(run).await.unwrap().unwrap()
}

/// A person's yes to a plan.
fn approved(plan_hash: &str) -> Decision {
    Decision {
        plan_hash: plan_hash.to_owned(),
        verdict: Approval::Approved,
        by: "kim".to_owned(),
        reason: "as discussed".to_owned(),
        selection: None,
        overrides_guards: false,
        at: Utc::now(),
    }
}

fn key(name: &str) -> AnyKey {
    AnyKey::from_value(&json!([name])).unwrap()
}

/// A change of a record by the name in its key.
fn change(model: &str, name: &str, action: Action) -> Change {
    let before = if action == Action::Create { json!(null) } else { json!("old") };
    let after = if action == Action::Delete { json!(null) } else { json!({"text": "new", "tags": [1, null]}) };
    let fields = vec![FieldChange::new("description", before, after)];
    Change::new(model, key(name), action, (action != Action::Create).then(|| Native::new(name.len())), fields)
}

fn applied() -> Outcome {
    Outcome::Applied { request_id: Some("req-1".to_owned()) }
}

fn failed(reason: &str) -> Outcome {
    Outcome::Failed { field: Some("description".to_owned()), reason: reason.to_owned() }
}

/// How SQLite would go about a query.
async fn query_plan(history: &History, query: impl QueryTrait) -> String {
    let mut query = query.build(DbBackend::Sqlite);
    query.sql.insert_str(0, "EXPLAIN QUERY PLAN ");
    let steps = history.store.db().query_all_raw(query).await.unwrap();
    let steps: Vec<String> = steps.iter().map(|step| step.try_get("", "detail").unwrap()).collect();
    steps.join("\n")
}
