//! What the simulated server knows: networks, Forward snapshots, executions, its library.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::estate::Estate;

use super::faults::{Faults, Outcome};
use super::query::LibraryQuery;
use super::table::{Selection, Table};
use super::{Dataset, ForwardOptions, RequestRecord};

/// How many results are kept ready.
const KEPT_TABLES: usize = 32;

pub(crate) struct State {
    pub(crate) options: ForwardOptions,
    pub(crate) faults: Faults,
    pub(crate) networks: Vec<Network>,
    pub(crate) library: Vec<LibraryQuery>,
    pub(crate) executions: HashMap<String, Execution>,
    pub(crate) requests: Vec<RequestRecord>,
    pub(crate) request_count: u64,
    pub(crate) recent: VecDeque<Instant>,
    pub(crate) locked_until: Option<Instant>,
    tables: VecDeque<(TableKey, Arc<Table>)>,
    next_id: u64,
}

type TableKey = (String, Selection);

pub(crate) struct Network {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
    pub(crate) snapshots: Vec<Snapshot>,
}

#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) id: String,
    pub(crate) state: SnapshotState,
    pub(crate) created: DateTime<Utc>,
    pub(crate) trigger: &'static str,
    pub(crate) draft: bool,
    pub(crate) parent: Option<String>,
    pub(crate) estate: Arc<Estate>,
    /// False: processed, but nothing was collected, so queries find no device.
    pub(crate) collected: bool,
    /// Rows that only make the listing harder to read; replaced with every real snapshot.
    pub(crate) decoy: bool,
}

/// State of a Forward snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SnapshotState {
    Processing,
    Processed,
    Failed,
    Canceled,
    TimedOut,
    Archived,
}

pub(crate) struct Execution {
    pub(crate) network: String,
    pub(crate) snapshot: String,
    pub(crate) dataset: Dataset,
    pub(crate) table: Arc<Table>,
    pub(crate) sorted: bool,
    pub(crate) polls_left: u32,
    pub(crate) outcome: Outcome,
    pub(crate) error: Option<Value>,
}

impl SnapshotState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "PROCESSING",
            Self::Processed => "PROCESSED",
            Self::Failed => "FAILED",
            Self::Canceled => "CANCELED",
            Self::TimedOut => "TIMED_OUT",
            Self::Archived => "ARCHIVED",
        }
    }
}

impl Snapshot {
    /// Processed, and neither a draft nor a prediction.
    pub(crate) fn is_real(&self) -> bool {
        self.state == SnapshotState::Processed && !self.draft && !matches!(self.trigger, "PREDICT" | "FORK")
    }

    pub(crate) fn processed(&self) -> Option<DateTime<Utc>> {
        matches!(self.state, SnapshotState::Processed | SnapshotState::Archived)
            .then(|| self.created + Duration::minutes(31))
    }

    pub(crate) fn to_json(&self, id: impl Fn(&str) -> Value) -> Value {
        let mut row = json!({
            "id": id(&self.id),
            "state": self.state.as_str(),
            "createdAt": time(self.created),
            "processingTrigger": self.trigger,
            "isDraft": self.draft,
        });
        if let Some(processed) = self.processed() {
            row["processedAt"] = time(processed).into();
        }
        if let Some(parent) = &self.parent {
            row["parentSnapshotId"] = id(parent);
        }
        row
    }
}

pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

impl State {
    pub(crate) fn new(options: ForwardOptions) -> Self {
        let mut state = Self {
            library: Dataset::ALL
                .into_iter()
                .filter(|dataset| *dataset != Dataset::DeviceNames)
                .map(|dataset| LibraryQuery::new(&format!("/Syncline/{}", dataset.name()), dataset))
                .collect(),
            options,
            faults: Faults { polls: 1, ..Faults::default() },
            networks: Vec::new(),
            executions: HashMap::new(),
            requests: Vec::new(),
            request_count: 0,
            recent: VecDeque::new(),
            locked_until: None,
            tables: VecDeque::new(),
            next_id: 1_042,
        };
        let network = state.add_network("Production", None);
        if state.options.decoys {
            state.add_network("Production what-if", Some(network));
        }
        state
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    pub(crate) fn add_network(&mut self, name: &str, parent: Option<String>) -> String {
        let id = (101 + self.networks.len()).to_string();
        self.networks.push(Network { id: id.clone(), name: name.to_owned(), parent, snapshots: Vec::new() });
        id
    }

    pub(crate) fn network(&self, id: &str) -> Option<&Network> {
        self.networks.iter().find(|network| network.id == id)
    }

    /// The snapshot and the network it belongs to.
    pub(crate) fn snapshot(&self, id: &str) -> Option<(&Network, &Snapshot)> {
        self.networks
            .iter()
            .find_map(|network| Some((network, network.snapshots.iter().find(|snapshot| snapshot.id == id)?)))
    }

    /// Adds a snapshot one day after the newest real one, and renews the decoys around it.
    pub(crate) fn add_snapshot(
        &mut self,
        network: &str,
        estate: Arc<Estate>,
        state: SnapshotState,
        trigger: &'static str,
        collected: bool,
    ) -> Option<String> {
        let position = self.networks.iter().position(|candidate| candidate.id == network)?;
        let newest = self.networks[position].snapshots.iter().filter(|row| !row.decoy).map(|row| row.created).max();
        let first = DateTime::from_timestamp(1_768_003_210, 0).unwrap_or_default();
        let created = newest.map_or(first, |newest| newest + Duration::days(1));
        let id = self.fresh_id().to_string();
        let real = Snapshot {
            id: id.clone(),
            state,
            created,
            trigger,
            draft: false,
            parent: None,
            estate,
            collected,
            decoy: false,
        };
        let decoys = if self.options.decoys { self.decoys(&real) } else { Vec::new() };
        let snapshots = &mut self.networks[position].snapshots;
        snapshots.retain(|row| !row.decoy);
        snapshots.push(real);
        snapshots.extend(decoys);
        Some(id)
    }

    /// What a listing holds beside the snapshot that a sync wants: all of it newer, but one that was processed again.
    fn decoys(&mut self, real: &Snapshot) -> Vec<Snapshot> {
        let nothing = Arc::new(Estate::empty());
        let mut row = |hours: i64, state, trigger, draft| Snapshot {
            id: self.fresh_id().to_string(),
            state,
            created: real.created + Duration::hours(hours),
            trigger,
            draft,
            parent: (trigger == "PREDICT" || draft).then(|| real.id.clone()),
            estate: Arc::clone(&nothing),
            collected: true,
            decoy: true,
        };
        vec![
            row(1, SnapshotState::Processed, "PREDICT", false),
            row(2, SnapshotState::Processed, "FORK", true),
            row(3, SnapshotState::Failed, "COLLECTION", false),
            row(4, SnapshotState::Processing, "COLLECTION", false),
            row(5, SnapshotState::Canceled, "COLLECTION", false),
            row(-24 * 40, SnapshotState::Archived, "COLLECTION", false),
            row(-24 * 30, SnapshotState::Processed, "REPROCESS", false),
        ]
    }

    /// A result made before, or what is needed to make it.
    pub(crate) fn table(&self, snapshot: &str, selection: &Selection) -> Option<Arc<Table>> {
        let found = self.tables.iter().find(|((kept, made_for), _)| kept == snapshot && made_for == selection);
        found.map(|(_, table)| Arc::clone(table))
    }

    pub(crate) fn keep_table(&mut self, snapshot: &str, selection: Selection, table: &Arc<Table>) {
        if self.tables.len() == KEPT_TABLES {
            self.tables.pop_front();
        }
        self.tables.push_back(((snapshot.to_owned(), selection), Arc::clone(table)));
    }

    pub(crate) fn new_execution(&mut self, execution: Execution) -> String {
        let number = self.fresh_id();
        let key = if self.faults.slash_in_keys { format!("X_{number}/run") } else { format!("X_{number}") };
        if !self.faults.executions_expire {
            self.executions.insert(key.clone(), execution);
        }
        key
    }

    /// An id as the server writes it.
    pub(crate) fn id(&self, id: &str) -> Value {
        match id.parse::<u64>() {
            Ok(number) if self.faults.numeric_ids => number.into(),
            _ => id.into(),
        }
    }

    /// True from that release on, e.g. `(26, 6)`.
    pub(crate) fn is_release(&self, release: (u32, u32)) -> bool {
        let mut parts = self.options.version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= release
    }
}
