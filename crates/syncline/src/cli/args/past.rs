//! The arguments of the commands that are about what runs did, found and left waiting.

use std::path::PathBuf;

use chrono::{Days, NaiveDate, Utc};
use clap::{Args, Subcommand, ValueEnum};
use syncline_core::history::{FindingKind, RequestId};
use syncline_core::quarantine::State;

/// A run that is about another run: it takes it back, or tries again what it did not get done.
#[derive(Debug, Clone, Args)]
pub struct About {
    /// The run's id, or the beginning of its plan's hash; `last` is the newest
    pub run: String,
    /// Stop before writing, and show the plan
    #[arg(long)]
    pub dry_run: bool,
    /// Approve what the guards want a person to look at, and why; kept in the history
    #[arg(long, value_name = "REASON", conflicts_with = "dry_run")]
    pub approve: Option<String>,
    /// Keep the plan in this file, to be applied later
    #[arg(long, short = 'o', value_name = "FILE", requires = "dry_run")]
    pub out: Option<PathBuf>,
    /// Show every change with every value
    #[arg(long, requires = "dry_run")]
    pub full: bool,
    /// What you call this request
    #[command(flatten)]
    pub request: Request,
}

/// What whoever asks for a run calls the request.
#[derive(Debug, Clone, Default, Args)]
pub struct Request {
    /// What you call this request, to find the run by it in the history: a ticket, a job of a pipeline
    #[arg(long, value_name = "ID")]
    pub request_id: Option<RequestId>,
}

/// How the records of a sync stand.
#[derive(Debug, Clone, Args)]
pub struct StatesArguments {
    /// The sync
    pub sync: String,
    /// Only records of this model
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Look now, instead of telling what the last check found; nothing is written
    #[arg(long)]
    pub refresh: bool,
    /// Show every record that is not in sync
    #[arg(long)]
    pub full: bool,
}

/// The runs, and what is kept of them.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct HistoryArguments {
    /// Only the runs of this sync
    #[arg(long, value_name = "SYNC")]
    pub sync: Option<String>,
    /// Only the runs that were asked for under this id
    #[arg(long, value_name = "ID")]
    pub request_id: Option<RequestId>,
    /// How many
    #[arg(long, default_value_t = 20, value_name = "NUMBER")]
    pub limit: u64,
    /// What else there is to do with the history.
    #[command(subcommand)]
    pub command: Option<HistoryCommand>,
}

/// What can be done with the history.
#[derive(Debug, Clone, Subcommand)]
pub enum HistoryCommand {
    /// Tell how large the history is, by table, and what limits it has
    Size,
    /// Remove the oldest runs and their plans until the limits of `data.retention` hold; `serve` does it every hour
    Prune(Prune),
}

/// What is removed from the history.
#[derive(Debug, Clone, Args)]
pub struct Prune {
    /// Tell what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Keep so many runs of each sync, instead of what the configuration says
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub runs: Option<u64>,
    /// Keep runs for so many days, instead of what the configuration says
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub days: Option<u32>,
    /// Let the history be so large, instead of what the configuration says
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub megabytes: Option<u64>,
}

/// What can be done about differences that no run is to write.
#[derive(Debug, Clone, Subcommand)]
pub enum IgnoreCommand {
    /// List what is left alone, newest first
    List {
        /// Only what this sync leaves alone
        sync: Option<String>,
        /// What was left alone too, and is over
        #[arg(long)]
        all: bool,
        /// How many
        #[arg(long, default_value_t = 100, value_name = "NUMBER")]
        limit: u64,
    },
    /// Leave a record alone, or a field of it, from the next plan on
    Add(LeaveAlone),
    /// End it: the next plan has the difference again
    End {
        /// The sync
        sync: String,
        /// The number, as `list` has it
        id: i64,
    },
}

/// What is to be left alone.
#[derive(Debug, Clone, Args)]
pub struct LeaveAlone {
    /// The sync
    pub sync: String,
    /// The record: `device:["site","name"]`
    pub record: String,
    /// Only this field of it; updates leave it as the target has it, a create sets it
    #[arg(long, value_name = "FIELD")]
    pub field: Option<String>,
    /// The last day, in UTC, for example `2026-12-01`, or in how many days that is, for example `30d`; without one, until somebody ends it
    #[arg(long, value_name = "DAY", value_parser = last_day)]
    pub until: Option<NaiveDate>,
    /// Why; kept with it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// What runs found.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct FindingsArguments {
    /// Only those of this sync
    #[arg(long, value_name = "SYNC")]
    pub sync: Option<String>,
    /// Only those of this kind
    #[arg(long, value_enum, value_name = "KIND")]
    pub kind: Option<Kind>,
    /// Those too that somebody has acknowledged, and those that occur no more
    #[arg(long)]
    pub all: bool,
    /// How many, the newest first
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    pub limit: u64,
    /// What else there is to do with findings.
    #[command(subcommand)]
    pub command: Option<FindingsCommand>,
}

/// What can be done with findings.
#[derive(Debug, Clone, Subcommand)]
pub enum FindingsCommand {
    /// Note that somebody has looked at a finding; should it go and come back, it is open again
    Acknowledge {
        /// Its number
        #[arg(value_parser = clap::value_parser!(i64).range(1..))]
        id: i64,
        /// What is to be said about it, for the history
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// The kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A change that each of the last runs had to make again.
    Flapping,
    /// Several records that answer to one key.
    Ambiguous,
    /// A difference that a drift check found.
    Drift,
}

impl From<Kind> for FindingKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Flapping => Self::Flapping,
            Kind::Ambiguous => Self::Ambiguous,
            Kind::Drift => Self::Drift,
        }
    }
}

/// What can be done with absent records.
#[derive(Debug, Clone, Subcommand)]
pub enum QuarantineCommand {
    /// List the absent records: since when, why, when they may be deleted, what was decided
    List {
        /// Only those of this sync
        #[arg(long, value_name = "SYNC")]
        sync: Option<String>,
        /// Only those of this model
        #[arg(long, value_name = "MODEL")]
        model: Option<String>,
        /// Only those in this state
        #[arg(long, value_enum, value_name = "STATE")]
        state: Option<Absent>,
        /// How many
        #[arg(long, default_value_t = 100, value_name = "NUMBER")]
        limit: u64,
    },
    /// Keep a record as long as it is absent
    Keep(Decide),
    /// Let a record wait no longer: the next run may delete it, if the policy and the guards agree
    Delete(Decide),
    /// Forget how long a record was absent, and what was decided about it
    Restore(Decide),
}

/// What a person says about an absent record.
#[derive(Debug, Clone, Args)]
pub struct Decide {
    /// The record, as `quarantine list` writes it: `device:["site","name"]`
    pub record: String,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The sync that does not find it; needed where several do not
    #[arg(long, value_name = "SYNC")]
    pub sync: Option<String>,
}

/// Where an absent record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Absent {
    /// It was not absent long enough, or the source still has it.
    Waiting,
    /// It may be deleted.
    Due,
    /// A person wants it kept.
    Kept,
    /// A person wants it deleted.
    Released,
    /// It is back, and its mark is being taken back.
    Returned,
}

impl From<Absent> for State {
    fn from(absent: Absent) -> Self {
        match absent {
            Absent::Waiting => Self::Waiting,
            Absent::Due => Self::Due,
            Absent::Kept => Self::Kept,
            Absent::Released => Self::Released,
            Absent::Returned => Self::Returned,
        }
    }
}

fn last_day(text: &str) -> Result<NaiveDate, String> {
    last_day_from(text, Utc::now().date_naive())
}

/// A day, as itself or as so many days after today.
fn last_day_from(text: &str, today: NaiveDate) -> Result<NaiveDate, String> {
    let later = text.strip_suffix('d').and_then(|days| days.parse().ok());
    let day = later.map_or_else(|| text.parse().ok(), |days| today.checked_add_days(Days::new(days)));
    day.ok_or_else(|| "is no day: write one such as `2026-12-01`, or in how many days it is, such as `30d`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_day_is_a_day_or_so_many_days_from_now() {
        let day = |text: &str| last_day_from(text, "2026-11-21".parse().unwrap()).map(|day| day.to_string());
        assert_eq!(day("2026-12-01").as_deref(), Ok("2026-12-01"));
        assert_eq!(day("30d").as_deref(), Ok("2026-12-21"));
        assert_eq!(day("0d").as_deref(), Ok("2026-11-21"));
        for wrong in ["tomorrow", "d", "-1d", "+-1d", "30", "2026-13-01", "99999999999d", ""] {
            let told = day(wrong).unwrap_err();
            assert!(told.contains("such as `2026-12-01`") && told.contains("`30d`"), "{wrong}: {told}");
        }
    }
}
