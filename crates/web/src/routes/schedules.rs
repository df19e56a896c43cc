//! When syncs run by themselves.

use axum::Json;
use axum::extract::State;
use chrono::Utc;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::Wanted;
use crate::timetable::{Horizon, Timetable, timetables};
use crate::{ApiState, List, Problem};

/// How many times of each schedule are told.
const MOST: usize = 100;

/// Whose times are wanted, and for how long.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleQuery {
    sync: Option<String>,
    /// For how many days from now on.
    #[serde(default = "week")]
    #[schemars(range(min = 1, max = 31))]
    days: u8,
}

fn week() -> u8 {
    7
}

/// `GET /schedules?sync=lab&days=7`: `{"items": [{"sync", "paused", "runs": {"schedule", "words", "last", "next": [{"at", "waits_until",
/// "never"}, …], "more"}, "drift", "after", "webhook", "windows", "overrun", "max_minutes", "catch_up", "error"}, …], "next": null}`, by name.
/// Of each schedule at most a hundred times; `more` says that there are others.
pub async fn list(
    State(state): State<ApiState>,
    Wanted(wanted): Wanted<ScheduleQuery>,
) -> Result<Json<List<Timetable>>, Problem> {
    if !(1..=31).contains(&wanted.days) {
        return Err(Problem::value("days", "is a number from 1 to 31"));
    }
    let horizon = Horizon { from: Utc::now(), days: wanted.days, most: MOST };
    Ok(Json(List::whole(timetables(&state, wanted.sync.as_deref(), horizon).await?)))
}
