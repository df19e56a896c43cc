//! How much each table of the history takes. A large SQLite file is looked at page by page for it, so it is measured beside the
//! requests, once for all who ask at the same time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use syncline_core::history::{History, HistorySize};
use syncline_core::{Error, Result};

/// How long a page waits for a measurement that is under way.
const PATIENCE: Duration = Duration::from_millis(50);
/// For how long a measurement stands for those who ask later.
const FRESH: Duration = Duration::from_mins(1);

type Answer = Arc<Result<HistorySize>>;

/// What was measured last, or is being measured.
#[derive(Debug, Clone, Default)]
pub struct TableSizes(Arc<Mutex<Option<Measurement>>>);

#[derive(Debug, Clone)]
struct Measurement {
    begun: Instant,
    answer: Shared<BoxFuture<'static, Answer>>,
}

impl TableSizes {
    /// The sizes; none where they are still being measured.
    pub async fn of(&self, history: &History) -> Result<Option<HistorySize>> {
        match tokio::time::timeout(PATIENCE, self.answer(history)).await {
            Ok(answer) => match answer.as_ref() {
                Ok(size) => Ok(Some(size.clone())),
                Err(error) => Err(Error::new(error.kind(), error.to_string())),
            },
            Err(_) => Ok(None),
        }
    }

    fn answer(&self, history: &History) -> Shared<BoxFuture<'static, Answer>> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Measurement { begun, answer }) = last.as_ref() {
            let is_under_way = answer.peek().is_none();
            if is_under_way || begun.elapsed() < FRESH && answer.peek().is_some_and(|answer| answer.is_ok()) {
                return answer.clone();
            }
        }
        let history = history.clone();
        let answer = async move { Arc::new(history.size().await) }.boxed().shared();
        // It goes on when the page that asked first is not waited for any more.
        tokio::spawn(answer.clone());
        *last = Some(Measurement { begun: Instant::now(), answer: answer.clone() });
        answer
    }
}
