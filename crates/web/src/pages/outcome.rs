//! What came of a run, in one word and one symbol.

use askama::Template;
use askama::filters::HtmlSafe;
use syncline_core::history::Run;
pub use syncline_core::history::RunOutcome;

use super::show::{Count, Icon};

/// The outcome of a run as it stands in a row: symbol, word, and whether the run was a dry one.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/badge.html")]
pub struct Badge {
    /// What came of it.
    pub outcome: RunOutcome,
    /// The run wrote nothing, and was not to.
    pub dry: bool,
    /// What was not done, where something was not: `3 failed, 1 not taken over`.
    pub but: String,
}

impl HtmlSafe for Badge {}

impl Badge {
    /// The badge of a run.
    pub fn of(run: &Run) -> Self {
        let (outcomes, rejected) = (&run.counts.outcomes, run.counts.rejected);
        let parts = [(outcomes.failed, "failed"), (outcomes.stale, "stale"), (rejected, "not taken over")];
        let parts = parts.into_iter().filter(|(number, _)| *number > 0);
        let parts: Vec<_> = parts.map(|(number, what)| format!("{} {what}", Count(number))).collect();
        Self { outcome: RunOutcome::of(run), dry: run.dry, but: parts.join(", ") }
    }

    /// The word.
    pub fn word(&self) -> &'static str {
        self.outcome.word()
    }

    /// The symbol.
    pub fn icon(&self) -> Icon {
        Icon(self.outcome.as_str())
    }
}
