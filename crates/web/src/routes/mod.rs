//! The routes, one file for what belongs together. Paths are below where the host puts the API.

pub mod events;
pub mod plan;
pub mod queue;
pub mod review;
pub mod runs;
pub mod stop;
pub mod syncs;
pub mod trigger;

use syncline_core::history::{Run, RunId};

use crate::ApiState;
use crate::problem::Problem;

/// A run; a problem when there is none with this number.
async fn run(state: &ApiState, id: RunId) -> Result<Run, Problem> {
    state.runner.history().run(id).await?.ok_or_else(|| Problem::no_run(id))
}
