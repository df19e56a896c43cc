//! What happens in runs: kept while it happens, so that whoever follows a run need not be in the process that works on it.
//!
//! The events of a run are numbered from 1 without gaps while it is not over; of a run that has been over for a while those are
//! left that say something by themselves ([`History::thin_events`]). The row of the run hands out the numbers and stays locked until
//! they are there: whoever reads all that is behind a number has missed nothing before it.
//!
//! Two write events: the runner that has the run, a few times a second ([`History::append_events`]), and whoever changes how the
//! run stands, in the same transaction (`status`). The last event of a run that is over tells its final status.

use chrono::{DateTime, Utc};
use futures::FutureExt;
use schemars::JsonSchema;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::entity::{run, run_event};
use super::insert::Insert;
use super::lease::Claim;
use super::log::{self, LogLine};
use super::phase::{self, PhaseRecord};
use super::status::StatusEvent;
use super::{History, Page, RunId, RunStatus, error, grouped, text};
use crate::event::{Event, Happened, Level, Phase, Side, Stream, Topic};
use crate::requests::SideRequests;
use crate::{Error, Result};

/// Something that happened in a run, as it is kept. In JSON its kind is `event`: `{"event": "read", "side": "source", …}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    /// The run stands otherwise than before. The first event of a run, and the last.
    Status(StatusEvent),
    /// A phase began.
    PhaseStarted {
        /// Which.
        phase: Phase,
    },
    /// A phase ended, well or not.
    PhaseFinished {
        /// Which.
        phase: Phase,
        /// When it began.
        started: DateTime<Utc>,
        /// How long it took, in milliseconds.
        duration_ms: u64,
        /// Bytes in use at its end; none when nobody measured.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        memory_final: Option<u64>,
        /// The most bytes in use during it; none when nobody measured.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        memory_peak: Option<u64>,
        /// When each model was read or written in it, in the order in which they began.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        streams: Vec<Stream>,
    },
    /// Records of a model were read.
    Read {
        /// Where.
        side: Side,
        /// What.
        model: String,
        /// How many so far.
        records: u64,
        /// How many there will be, when the system says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected: Option<u64>,
        /// When the read of the model began. Events from before this was told do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        began: Option<DateTime<Utc>>,
    },
    /// A model was read to its end.
    ReadFinished {
        /// Where.
        side: Side,
        /// What.
        model: String,
        /// How many in all.
        records: u64,
        /// Why the read is not complete; none when it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partial: Option<String>,
        /// When the read began; none when the connector never began it, and in events from before this was told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        began: Option<DateTime<Utc>>,
    },
    /// A model was compared.
    Compared {
        /// What.
        model: String,
        /// To be created.
        create: u64,
        /// To be updated.
        update: u64,
        /// To be deleted, or held back from it.
        delete: u64,
        /// Equal on both sides.
        unchanged: u64,
        /// Changes that the plan would apply: what was found, without what is held back.
        to_apply: u64,
    },
    /// Changes of a model have an outcome.
    Applied {
        /// What.
        model: String,
        /// How many have one so far.
        done: u64,
        /// How many there are.
        total: u64,
        /// How many of them failed so far.
        failed: u64,
        /// When the first of them was about to be sent, by this attempt of the run; none while none was, and in events from before
        /// this was told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        began: Option<DateTime<Utc>>,
    },
    /// How much was asked of both systems so far, by this and earlier attempts at the run.
    Requests(SideRequests),
    /// Something worth a line. The lines are in the log of the run as well, and stay there.
    Message {
        /// How loud.
        level: Level,
        /// The line.
        text: String,
    },
}

/// An event of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoredEvent {
    /// Its number within the run.
    pub seq: u64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What.
    #[serde(flatten)]
    pub event: RunEvent,
}

const EVENTS: Insert<5> = Insert { table: "run_event", columns: ["run_id", "seq", "at", "event", "change"], tail: "" };

impl History {
    /// Adds what happened to the events of a run that the caller has. Messages are added to its log and phases that ended to its
    /// phases, all at once; how much was asked of the systems is noted of the run itself, too.
    ///
    /// Of a run that the caller has no more only the log goes on: what its runner did there is worth a line, but how far it came
    /// is told by the runner that has the run now.
    pub async fn append_events(&self, claim: Claim, happened: &[Happened]) -> Result<()> {
        if happened.is_empty() {
            return Ok(());
        }
        let lines: Vec<_> = happened.iter().filter_map(line).collect();
        // Whoever lost the run may say why, and how far it came is told by the one that has it now.
        let said = happened.iter().filter(|happened| matches!(&*happened.event, Event::Message { .. }));
        let said: Vec<_> = said.filter_map(line).collect();
        let phases: Vec<_> = happened.iter().filter_map(|happened| ended(&happened.event)).collect();
        let events: Result<Vec<_>> = happened
            .iter()
            .map(|happened| Ok((happened.at, text::to_json(&RunEvent::from(&*happened.event))?)))
            .collect();
        let requests = happened.iter().rev().find_map(|happened| match &*happened.event {
            Event::Requests(requests) => Some(text::to_json(requests)),
            _ => None,
        });
        let (lines, said, phases, events) = (&lines, &said, &phases, &events?);
        let requests = &requests.transpose()?;
        self.tell(move |tx, _| {
            async move {
                let numbers = reserve(tx, claim, lines.len(), events.len(), requests.as_deref()).await?;
                let Some((last_line, last_event)) = numbers else {
                    return log::append(tx, claim.run, said).await;
                };
                log::insert(tx, claim.run, last_line, lines).await?;
                let first = last_event - text::stored(events.len() as u64) + 1;
                EVENTS
                    .run(tx, events, |place, (at, json)| {
                        let seq = first + text::stored(place as u64);
                        [
                            claim.run.0.into(),
                            seq.into(),
                            text::micros(*at).into(),
                            json.clone().into(),
                            None::<i64>.into(),
                        ]
                    })
                    .await?;
                for record in phases {
                    phase::keep(tx, claim.run, record).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Events of a run, in order, after the event with the number `after`.
    pub async fn events(&self, run: RunId, after: u64, limit: u64) -> Result<Page<StoredEvent, u64>> {
        let rows = run_event::Entity::find()
            .filter(run_event::Column::RunId.eq(run.0))
            .filter(run_event::Column::Seq.gt(text::stored(after)))
            .order_by_asc(run_event::Column::Seq)
            .limit(limit.saturating_add(1))
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let events: Result<Vec<_>> = rows.into_iter().map(StoredEvent::try_from).collect();
        Ok(Page::cut(events?, limit, |event| event.seq))
    }

    /// The number of the last event of a run, and its status with that event; none when there is no such run.
    pub async fn last_event(&self, run: RunId) -> Result<Option<(u64, RunStatus)>> {
        let row = run::Entity::find_by_id(run.0)
            .select_only()
            .columns([run::Column::LastEvent, run::Column::Status])
            .into_tuple::<(i64, String)>()
            .one(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        row.map(|(last, status)| Ok((text::count(last), text::parse("run.status", &status)?))).transpose()
    }

    /// Told whenever this process has written events of a run, or a change of how one stands. What other processes write is not
    /// told here.
    pub fn told(&self) -> watch::Receiver<()> {
        self.told.subscribe()
    }
}

/// Takes the next numbers for lines and events of a run; the last of each. None when the caller has the run no more. The same
/// statement notes what the run has asked for, where that is to be noted.
async fn reserve(
    tx: &DatabaseTransaction,
    claim: Claim,
    lines: usize,
    events: usize,
    requests: Option<&str>,
) -> Result<Option<(i64, i64)>> {
    let more = |column: &'static str, count: usize| Expr::col(column).add(text::stored(count as u64));
    let mut reserve = Query::update();
    reserve
        .table("run")
        .value("last_line", more("last_line", lines))
        .value("last_event", more("last_event", events))
        .and_where(Expr::col("id").eq(claim.run.0))
        .and_where(Expr::col("fence").eq(claim.fence))
        .and_where(Expr::col("status").eq(RunStatus::Syncing.as_str()))
        .returning(Query::returning().columns(["last_line", "last_event"]));
    if let Some(requests) = requests {
        reserve.value("requests", requests);
    }
    let Some(row) = tx.query_one(&reserve).await.map_err(error::of_statement)? else { return Ok(None) };
    let get = || Ok((row.try_get("", "last_line")?, row.try_get("", "last_event")?));
    get().map(Some).map_err(error::of_statement)
}

/// What is a line of the run's log: what was said, and what came of each step.
fn line(happened: &Happened) -> Option<LogLine> {
    let mut failed = None;
    let (level, text) = match &*happened.event {
        Event::Message { level, text, exchange } => {
            failed = exchange.as_deref().cloned();
            (*level, text.clone())
        }
        Event::PhaseFinished { phase, duration_ms, .. } => {
            let phase = phase.as_str().replace('_', " ");
            (Level::Info, format!("{phase} took {} ms", grouped(*duration_ms)))
        }
        Event::ReadFinished { side, model, records, partial: None, .. } => {
            (Level::Info, format!("`{model}`: read {} from the {side}", grouped(*records)))
        }
        Event::ReadFinished { side, model, records, partial: Some(why), .. } => {
            (Level::Warning, format!("`{model}`: read only {} from the {side}: {why}", grouped(*records)))
        }
        Event::Compared { model, create, update, delete, unchanged, .. } => {
            let found = [(create, "to create"), (update, "to update"), (delete, "absent"), (unchanged, "equal")];
            let found = found.iter().filter(|(number, _)| **number > 0);
            let found: Vec<_> = found.map(|(number, what)| format!("{} {what}", grouped(**number))).collect();
            let found = if found.is_empty() { "nothing on either side".to_owned() } else { found.join(", ") };
            (Level::Info, format!("`{model}`: {found}"))
        }
        Event::Applied { model, done, total, failed, .. } if done == total && *total > 0 => {
            let failed = if *failed > 0 { format!(", {} of them failed", grouped(*failed)) } else { String::new() };
            (Level::Info, format!("`{model}`: {} changes dealt with{failed}", grouped(*done)))
        }
        Event::PhaseStarted { .. } | Event::Read { .. } | Event::Applied { .. } | Event::Requests(_) => return None,
    };
    Some(LogLine { at: happened.at, level, text, exchange: failed })
}

fn ended(event: &Event) -> Option<PhaseRecord> {
    match *event {
        Event::PhaseFinished { phase, started, duration_ms, memory_final, memory_peak, ref streams } => {
            Some(PhaseRecord { phase, started, duration_ms, memory_final, memory_peak, streams: streams.clone() })
        }
        _ => None,
    }
}

impl RunEvent {
    /// The name of its kind, as in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::PhaseStarted { .. } => "phase_started",
            Self::PhaseFinished { .. } => "phase_finished",
            Self::Read { .. } => "read",
            Self::ReadFinished { .. } => "read_finished",
            Self::Compared { .. } => "compared",
            Self::Applied { .. } => "applied",
            Self::Requests(_) => "requests",
            Self::Message { .. } => "message",
        }
    }

    /// What it is about, if it tells a running total.
    pub fn topic(&self) -> Option<Topic<'_>> {
        match self {
            Self::Read { side, model, .. } | Self::ReadFinished { side, model, .. } => Some(Topic::Read(*side, model)),
            Self::Applied { model, .. } => Some(Topic::Applied(model)),
            Self::Requests(_) => Some(Topic::Requests),
            Self::Status(_)
            | Self::PhaseStarted { .. }
            | Self::PhaseFinished { .. }
            | Self::Compared { .. }
            | Self::Message { .. } => None,
        }
    }
}

impl From<&Event> for RunEvent {
    fn from(event: &Event) -> Self {
        match event.clone() {
            Event::PhaseStarted { phase } => Self::PhaseStarted { phase },
            Event::PhaseFinished { phase, started, duration_ms, memory_final, memory_peak, streams } => {
                Self::PhaseFinished { phase, started, duration_ms, memory_final, memory_peak, streams }
            }
            Event::Read { side, model, records, expected, began } => {
                Self::Read { side, model: model.to_owned(), records, expected, began: Some(began) }
            }
            Event::ReadFinished { side, model, records, partial, began } => {
                Self::ReadFinished { side, model: model.to_owned(), records, partial, began }
            }
            Event::Compared { model, create, update, delete, unchanged, to_apply } => {
                Self::Compared { model: model.to_owned(), create, update, delete, unchanged, to_apply }
            }
            Event::Applied { model, done, total, failed, began } => {
                Self::Applied { model: model.to_owned(), done, total, failed, began }
            }
            Event::Requests(requests) => Self::Requests(requests),
            Event::Message { level, text, .. } => Self::Message { level, text },
        }
    }
}

impl TryFrom<run_event::Model> for StoredEvent {
    type Error = Error;

    fn try_from(row: run_event::Model) -> Result<Self> {
        Ok(Self {
            seq: text::count(row.seq),
            at: text::time(row.at),
            event: text::parse_json("run_event.event", &row.event)?,
        })
    }
}
