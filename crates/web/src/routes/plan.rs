//! The plan of a run.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use syncline_core::history::Run;
use syncline_core::plan::PlanReader;
use syncline_core::{Error, ErrorKind};
use tokio::runtime::Handle;
use tokio_util::io::ReaderStream;

use crate::input::Number;
use crate::{ApiState, Problem};

/// `GET /runs/{id}/plan`: the file of its plan, as `syncline plan -o` writes it and `syncline apply` takes it: JSON with one change a
/// line, streamed. `ETag` is its hash. 404 when the run has none.
pub async fn plan(State(state): State<ApiState>, Number(id): Number) -> Result<impl IntoResponse, Problem> {
    let run = super::run(&state, id).await?;
    let name = format!("attachment; filename=\"plan-{}-{id}.json\"", run.sync);
    let plan = with_plan(&state, run, Ok).await?;
    let unreadable = |cause: std::io::Error| {
        Error::new(ErrorKind::Storage, format!("the plan of run {id} cannot be read")).caused_by(cause)
    };
    let file = tokio::fs::File::open(plan.path()).await.map_err(unreadable)?;
    let length = file.metadata().await.map_err(unreadable)?.len();
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_DISPOSITION, name),
        (header::ETAG, format!("\"{}\"", plan.hash())),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(file))))
}

/// Does something with the plan of a run. A plan is read from its beginning to its end to check it, which can take seconds:
/// that is done where it keeps no other request waiting.
pub(crate) async fn with_plan<T: Send + 'static>(
    state: &ApiState,
    run: Run,
    work: impl FnOnce(PlanReader) -> syncline_core::Result<T> + Send + 'static,
) -> syncline_core::Result<T> {
    let runner = Arc::clone(&state.runner);
    let runtime = Handle::current();
    let done = tokio::task::spawn_blocking(move || work(runtime.block_on(runner.plan_of(&run))?)).await;
    done.unwrap_or_else(|cause| Err(Error::new(ErrorKind::Internal, "the plan was not read").caused_by(cause)))
}
