//! How long runs took: the time that they worked, and apart from it the time that they waited.

use std::time::Duration;

use super::{PhaseRecord, Run, RunStatus};
use chrono::{DateTime, Utc};

/// A shorter time between two phases is work that belongs to none of them.
const WAIT: chrono::TimeDelta = chrono::TimeDelta::seconds(1);

impl Run {
    /// How long the run waited between its phases: for a person, its turn, a window, or a machine. Part of its time from begin to end.
    pub fn waited(&self, phases: &[PhaseRecord]) -> Duration {
        let mut spans: Vec<_> = phases.iter().map(span).collect();
        // What nobody went on with waited to its end.
        if let Some(end) = self.finished.filter(|_| self.status == RunStatus::Cancelled) {
            spans.push((end, end));
        }
        spans.sort_unstable();
        let mut spans = spans.into_iter();
        let Some((_, mut busy_until)) = spans.next() else { return Duration::ZERO };
        let mut waited = chrono::TimeDelta::zero();
        for (from, to) in spans {
            let idle = from - busy_until;
            if idle >= WAIT {
                waited += idle;
            }
            busy_until = busy_until.max(to);
        }
        waited.to_std().unwrap_or_default()
    }

    /// How long the run worked, of which it [waited](Self::waited) so long; none while it is not over.
    pub fn worked(&self, waited: Duration) -> Option<Duration> {
        let took = (self.finished? - self.started.unwrap_or(self.created)).to_std().ok()?;
        Some(took.saturating_sub(waited))
    }
}

fn span(phase: &PhaseRecord) -> (DateTime<Utc>, DateTime<Utc>) {
    (phase.started, phase.started + Duration::from_millis(phase.duration_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Phase;
    use crate::history::tests::some_run;

    fn at(second: u32) -> DateTime<Utc> {
        format!("2026-08-25T10:00:{second:02}Z").parse().unwrap()
    }

    fn phase(phase: Phase, from: u32, duration_ms: u64) -> PhaseRecord {
        PhaseRecord { phase, started: at(from), duration_ms, memory_final: None, memory_peak: None, streams: vec![] }
    }

    /// Milliseconds of work and of waiting of a run from second 1 to second 50.
    fn told(run: &Run, status: RunStatus, phases: &[PhaseRecord]) -> (u128, u128) {
        let run = Run { status, started: Some(at(1)), finished: Some(at(50)), ..run.clone() };
        let waited = run.waited(phases);
        (run.worked(waited).unwrap().as_millis(), waited.as_millis())
    }

    #[tokio::test]
    async fn what_is_between_the_phases_is_waiting() {
        let run = some_run().await;
        let read = [phase(Phase::LoadSource, 1, 3_000), phase(Phase::LoadTarget, 1, 2_000)];
        let compared = phase(Phase::CalculateDiff, 4, 500);
        // Both reads go on at once, the run is prepared anew when it was approved.
        let reviewed = [phase(Phase::Prepare, 45, 100), phase(Phase::ExecuteSync, 46, 4_000)];
        let all = [&read[..], std::slice::from_ref(&compared), &reviewed].concat();
        assert_eq!(told(&run, RunStatus::Completed, &all), (8_500, 40_500));
        let through =
            [&read[..], &[phase(Phase::CalculateDiff, 4, 500), phase(Phase::ExecuteSync, 5, 45_000)]].concat();
        assert_eq!(told(&run, RunStatus::Completed, &through), (49_000, 0));
        // Rejected in the end, or interrupted: the end of what failed is not waiting.
        let undecided = [&read[..], &[compared]].concat();
        assert_eq!(told(&run, RunStatus::Cancelled, &undecided), (3_500, 45_500));
        assert_eq!(told(&run, RunStatus::Failed, &undecided), (49_000, 0));
        assert_eq!(told(&run, RunStatus::Failed, &[]), (49_000, 0));
        assert_eq!(Run { finished: None, ..run }.worked(Duration::ZERO), None);
    }
}
