//! What a run came to, in four words.

use schemars::JsonSchema;
use serde::Serialize;

use super::run::{Run, RunStatus};

/// What a run came to, in the words that tools of the field use for a job. The counts of the run tell more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RunSummary {
    /// How many records were compared, over all models.
    pub total: u64,
    /// How many changes were made: creates, updates and deletes.
    pub updated: u64,
    /// How many changes failed or went stale because their record had moved, and how many records of the source could not be taken over
    /// or made into the target's: each of those is one that the target may lack.
    pub failed: u64,
    /// The same in one sentence.
    pub message: String,
}

impl Run {
    /// What the run came to so far.
    pub fn summary(&self) -> RunSummary {
        let counts = &self.counts;
        let differ = counts.create + counts.update + counts.delete;
        let total = differ + counts.unchanged + counts.ambiguous;
        let outcomes = &counts.outcomes;
        let (updated, failed) = (outcomes.applied, outcomes.failed + outcomes.stale + counts.rejected);
        let compared = format!("{} {} compared", grouped(total), if total == 1 { "record" } else { "records" });
        let numbers = [
            (updated, "changed"),
            (outcomes.failed + outcomes.stale, "failed"),
            (counts.rejected, "not taken over"),
            (outcomes.skipped, "skipped"),
            (outcomes.held, "held"),
            (counts.ambiguous, "ambiguous"),
        ];
        let done: Vec<_> = numbers.iter().filter(|(number, _)| *number > 0).collect();
        let done: Vec<_> = done.into_iter().map(|(number, what)| format!("{} {what}", grouped(*number))).collect();
        let done = match &done[..] {
            [] => format!("{compared}, nothing to change"),
            done => format!("{compared}: {}", done.join(", ")),
        };
        let rejected = match counts.rejected {
            0 => String::new(),
            rejected => format!(", {} not taken over", grouped(rejected)),
        };
        let why = self.error.as_ref().map(|error| format!(": {}", error.message)).unwrap_or_default();
        let message = match self.status {
            RunStatus::Completed if self.dry => {
                format!("{compared}: {} differ{rejected}; nothing was written", grouped(differ))
            }
            RunStatus::Completed => done,
            RunStatus::AwaitingReview => {
                format!("{compared}: {} differ{rejected}; the plan waits for a person", grouped(differ))
            }
            RunStatus::Failed if total == 0 => format!("failed before anything was compared{why}"),
            RunStatus::Failed => format!("{done}; then failed{why}"),
            RunStatus::Cancelled => {
                self.error.as_ref().map_or_else(|| "cancelled".to_owned(), |error| error.message.clone())
            }
            RunStatus::New | RunStatus::Queued => "waits for its turn".to_owned(),
            RunStatus::Syncing => "under way".to_owned(),
        };
        RunSummary { total, updated, failed, message }
    }
}

/// A number with its thousands apart: `12,345`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_stand_apart() {
        let told = [0, 999, 1_000, 22_025, 1_234_567].map(grouped);
        assert_eq!(told, ["0", "999", "1,000", "22,025", "1,234,567"]);
    }

    use crate::history::{OutcomeCounts, RunCounts, RunError};

    use super::*;

    /// Every end of a run, in its sentence.
    #[tokio::test]
    async fn the_sentence_says_how_a_run_ended() {
        let mut run = crate::history::tests::some_run().await;
        let outcomes = OutcomeCounts { applied: 2, failed: 1, stale: 1, held: 3, ..OutcomeCounts::default() };
        let counts = RunCounts { create: 4, update: 3, unchanged: 92, ambiguous: 1, outcomes, ..RunCounts::default() };
        let mut told = |status, dry, counts, error: Option<&str>| {
            (run.status, run.dry, run.counts) = (status, dry, counts);
            run.error = error.map(|message| RunError { kind: "unreachable".to_owned(), message: message.to_owned() });
            let RunSummary { total, updated, failed, message } = run.summary();
            format!("{total} {updated} {failed} {message}")
        };
        let nothing = RunCounts { unchanged: 1, ..RunCounts::default() };
        let planned = RunCounts { outcomes: OutcomeCounts::default(), ..counts };
        let rejected = RunCounts { rejected: 3, ..nothing };
        let lines = [
            told(RunStatus::Completed, false, counts, None),
            told(RunStatus::Completed, false, nothing, None),
            told(RunStatus::Completed, false, rejected, None),
            told(RunStatus::Completed, true, planned, None),
            told(RunStatus::Completed, true, rejected, None),
            told(RunStatus::AwaitingReview, false, planned, None),
            told(RunStatus::Failed, false, counts, Some("no answer from `zabbix.example`")),
            told(RunStatus::Failed, false, RunCounts::default(), Some("no answer from `zabbix.example`")),
            told(RunStatus::Cancelled, false, counts, Some("cancelled by kim")),
            told(RunStatus::Queued, false, RunCounts::default(), None),
            told(RunStatus::Syncing, false, counts, None),
        ];
        insta::assert_snapshot!(lines.join("\n"), @r#"
100 2 2 100 records compared: 2 changed, 2 failed, 3 held, 1 ambiguous
1 0 0 1 record compared, nothing to change
1 0 3 1 record compared: 3 not taken over
100 0 0 100 records compared: 7 differ; nothing was written
1 0 3 1 record compared: 0 differ, 3 not taken over; nothing was written
100 0 0 100 records compared: 7 differ; the plan waits for a person
100 2 2 100 records compared: 2 changed, 2 failed, 3 held, 1 ambiguous; then failed: no answer from `zabbix.example`
0 0 0 failed before anything was compared: no answer from `zabbix.example`
100 2 2 cancelled by kim
0 0 0 waits for its turn
100 2 2 under way
"#);
    }
}
