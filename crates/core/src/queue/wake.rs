//! When a worker looks for jobs.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::time::{Instant, Sleep};

/// After an announcement the worker looks at once, and once more after this: the look that was under way when it came may
/// have begun before the job was there.
const SECOND_LOOK: Duration = Duration::from_millis(50);

/// Looks when a bell rings, and every so often.
///
/// The strategies of apalis lose announcements: one that is read while a fetch is under way wakes nobody later.
pub(super) struct Wake {
    /// Announces jobs; none when nobody does any longer.
    bell: Option<BoxStream<'static, ()>>,
    every: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Wake {
    pub(super) fn new(bell: BoxStream<'static, ()>, every: Duration) -> Self {
        Self { bell: Some(bell), every, timer: Box::pin(tokio::time::sleep(every)) }
    }

    /// Arranges the next wake-up. That the worker is here means that it looks now.
    pub(super) fn arrange(&mut self, cx: &mut Context<'_>) {
        if self.has_rung(cx) {
            self.timer.as_mut().reset(Instant::now() + SECOND_LOOK);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            self.timer.as_mut().reset(Instant::now() + self.every);
        }
    }

    /// Hears all that was announced, and asks to be woken by the next announcement.
    fn has_rung(&mut self, cx: &mut Context<'_>) -> bool {
        let mut has_rung = false;
        while let Some(bell) = &mut self.bell {
            match bell.poll_next_unpin(cx) {
                Poll::Ready(Some(())) => has_rung = true,
                Poll::Ready(None) => self.bell = None,
                Poll::Pending => break,
            }
        }
        has_rung
    }
}
