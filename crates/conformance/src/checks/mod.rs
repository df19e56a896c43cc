//! How each promise is tried.

mod connection;
mod deletes;
mod dry_run;
mod exact;
mod lost_answer;
mod memory;
mod pacing;
mod precondition;
mod reading;
mod refused;
mod round_trip;
mod settings;
mod skips;

use std::time::Duration;

use syncline_core::fields::ModelFields;

use crate::bench::Bench;
use crate::check::Check;
use crate::lab::{BoxError, Lab};
use crate::network::Edit;
use crate::report::Proof;

type Shown = Result<Proof, BoxError>;

/// Nothing that a connector waits for may last longer: where it does, it waits for ever.
const FOR_EVER: Duration = Duration::from_mins(2);

const NO_TARGET: &str = "the connector is no target";
const NO_HTTP: &str = "the system is not reached by HTTP";

pub async fn run(lab: &dyn Lab, check: Check) -> Shown {
    match check {
        Check::Settings => settings::strict_and_secret(lab).await,
        Check::Connection => connection::told_apart(lab).await,
        Check::RepeatedReads => reading::repeated(lab).await,
        Check::CutReads => reading::cut(lab).await,
        Check::RoundTrip => round_trip::written_is_there(lab).await,
        Check::Deletes => deletes::gone_is_deleted(lab).await,
        Check::LostAnswers => lost_answer::makes_no_second_record(lab).await,
        Check::RefusedRecords => refused::alone(lab).await,
        Check::Preconditions => precondition::holds(lab).await,
        Check::Pacing => pacing::gives_time(lab).await,
        Check::DryRuns => dry_run::writes_nothing(lab).await,
        Check::ExactMatches => exact::one_and_no_other(lab).await,
        Check::Normalisation => reading::normalised(lab).await,
        Check::Memory => memory::is_bounded(lab).await,
        Check::Skips => skips::have_reasons(lab),
    }
}

/// What a target is asked to agree with: what it holds, or what it needs to make its own records of.
async fn wanted(bench: &Bench<'_>) -> Result<ModelFields, BoxError> {
    let target = bench.target(&bench.settings).await?;
    Ok(target.needs().unwrap_or_else(|| target.holds()))
}

/// The edits of fields that a target knows.
async fn edits(bench: &Bench<'_>) -> Result<Vec<Edit>, BoxError> {
    let fields = wanted(bench).await?;
    let is_known = |edit: &Edit| {
        let position = fields.schema(&edit.model).and_then(|schema| schema.position(&edit.field));
        position.is_some_and(|position| fields.of(&edit.model).contains(position))
    };
    Ok(bench.lab.network().edits.into_iter().filter(is_known).collect())
}

/// What is done, or the error that it lasts for ever.
async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> Result<T, BoxError> {
    let limit = tokio::time::timeout(FOR_EVER, work);
    limit.await.map_err(|_| format!("{what} has not ended after {} s", FOR_EVER.as_secs()).into())
}

/// Some of the numbers from 0 on, the first and the last among them.
fn some_of(count: u64, most: u64) -> Vec<u64> {
    if count <= most {
        return (0..count).collect();
    }
    (0..most).map(|number| number * (count - 1) / (most - 1)).collect()
}
