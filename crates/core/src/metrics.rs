//! What is measured: every metric with its name, unit, help and labels, and the functions that count.
//!
//! Units are the base units of Prometheus: seconds, bytes, and plain numbers whose counters end in `_total`. Labels have
//! few values: names from the configuration, models, connectors' hosts and closed lists; never a key, a path or a
//! device's name. Nothing else in the project names a metric, so that dashboards and alerts can be checked against
//! [`Metric::ALL`].
//!
//! Where the numbers go is the host's decision; a program that installs no recorder counts nothing, at no cost.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metrics::{Unit, counter, gauge, histogram};

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows, from the start of the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations, sorted into [`MetricInfo::buckets`].
    Histogram,
}

/// What is told about a metric.
#[derive(Debug)]
pub struct MetricInfo {
    /// Its name, with the unit in it.
    pub name: &'static str,
    /// How it behaves.
    pub kind: MetricKind,
    /// Its unit.
    pub unit: Unit,
    /// What it is, in one sentence.
    pub help: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// Upper bounds of a histogram's buckets, in its unit; empty for other kinds.
    pub buckets: &'static [f64],
}

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "`Metric::info` says what each is, once")]
pub enum Metric {
    Runs,
    RunDuration,
    PhaseDuration,
    RecordsRead,
    Changes,
    RunsQueued,
    RunsActive,
    AwaitingReview,
    HeldDeletes,
    Quarantined,
    LastSuccess,
    LeasesLost,
    FindingsOpen,
    HistoryBytes,
    HttpRequests,
    HttpRequestDuration,
    HttpRetries,
    HttpThrottled,
    BuildInfo,
}

/// From a second to half a day: a sync of a lab and the first load of a large estate.
const RUN_SECONDS: &[f64] =
    &[1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0, 43_200.0];
/// From a cached answer to a query that computes for minutes.
const REQUEST_SECONDS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 19] = [
        Self::Runs,
        Self::RunDuration,
        Self::PhaseDuration,
        Self::RecordsRead,
        Self::Changes,
        Self::RunsQueued,
        Self::RunsActive,
        Self::AwaitingReview,
        Self::HeldDeletes,
        Self::Quarantined,
        Self::LastSuccess,
        Self::LeasesLost,
        Self::FindingsOpen,
        Self::HistoryBytes,
        Self::HttpRequests,
        Self::HttpRequestDuration,
        Self::HttpRetries,
        Self::HttpThrottled,
        Self::BuildInfo,
    ];

    /// What is told about it.
    pub fn info(self) -> MetricInfo {
        match self {
            Self::Runs => count(
                "syncline_runs_total",
                &["sync", "kind", "status"],
                "Runs that ended, wait for a person, or were put back.",
            ),
            Self::RunDuration => seconds(
                "syncline_run_duration_seconds",
                &["sync"],
                "Time that a run worked, waiting for a person left out.",
                RUN_SECONDS,
            ),
            Self::PhaseDuration => {
                seconds("syncline_phase_duration_seconds", &["sync", "phase"], "Time of a run's phase.", RUN_SECONDS)
            }
            Self::RecordsRead => count(
                "syncline_records_read_total",
                &["sync", "side", "model"],
                "Records read from the source and from the target.",
            ),
            Self::Changes => count(
                "syncline_changes_total",
                &["sync", "model", "action", "outcome"],
                "Changes of plans that were applied, by what became of them.",
            ),
            Self::RunsQueued => value("syncline_runs_queued", Unit::Count, &[], "Runs that wait for a worker."),
            Self::RunsActive => value("syncline_runs_active", Unit::Count, &[], "Runs that this process works on."),
            Self::AwaitingReview => {
                value("syncline_awaiting_review", Unit::Count, &[], "Plans that wait for a person's approval.")
            }
            Self::HeldDeletes => value(
                "syncline_held_deletes",
                Unit::Count,
                &["sync"],
                "Records that the newest plan would delete but holds back.",
            ),
            Self::Quarantined => value(
                "syncline_quarantined",
                Unit::Count,
                &["sync", "state"],
                "Records that the source no longer has, by what becomes of them.",
            ),
            Self::LastSuccess => value(
                "syncline_last_success_timestamp_seconds",
                Unit::Seconds,
                &["sync"],
                "When a run that may write last completed, in seconds since 1970.",
            ),
            Self::LeasesLost => {
                count("syncline_leases_lost_total", &[], "Runs that another worker took over while this one worked.")
            }
            Self::FindingsOpen => {
                value("syncline_findings_open", Unit::Count, &["kind"], "Findings that nobody has settled.")
            }
            Self::HistoryBytes => value("syncline_history_bytes", Unit::Bytes, &[], "Size of the history's database."),
            Self::HttpRequests => count(
                "syncline_http_requests_total",
                &["system", "method", "status_class"],
                "Requests sent to a system, every try counted.",
            ),
            Self::HttpRequestDuration => seconds(
                "syncline_http_request_duration_seconds",
                &["system"],
                "Time of one try of a request, waits before it left out; of a streamed answer, until its head.",
                REQUEST_SECONDS,
            ),
            Self::HttpRetries => {
                count("syncline_http_retries_total", &["system", "reason"], "Requests that were sent once more.")
            }
            Self::HttpThrottled => {
                let help = "Time that requests waited for the configured pace, or because the system asked for it.";
                MetricInfo { unit: Unit::Seconds, ..count("syncline_http_throttled_seconds_total", &["system"], help) }
            }
            Self::BuildInfo => {
                value("syncline_build_info", Unit::Count, &["version"], "Always 1; the label is the fact.")
            }
        }
    }
}

fn count(name: &'static str, labels: &'static [&'static str], help: &'static str) -> MetricInfo {
    MetricInfo { name, kind: MetricKind::Counter, unit: Unit::Count, help, labels, buckets: &[] }
}

fn value(name: &'static str, unit: Unit, labels: &'static [&'static str], help: &'static str) -> MetricInfo {
    MetricInfo { name, kind: MetricKind::Gauge, unit, help, labels, buckets: &[] }
}

fn seconds(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
    buckets: &'static [f64],
) -> MetricInfo {
    MetricInfo { name, kind: MetricKind::Histogram, unit: Unit::Seconds, help, labels, buckets }
}

/// Tells the recorder what each metric is, and sets those that have a value from the start. For the host, once.
pub fn describe(version: &'static str) {
    for metric in Metric::ALL {
        let MetricInfo { name, kind, unit, help, .. } = metric.info();
        match kind {
            MetricKind::Counter => metrics::describe_counter!(name, unit, help),
            MetricKind::Gauge => metrics::describe_gauge!(name, unit, help),
            MetricKind::Histogram => metrics::describe_histogram!(name, unit, help),
        }
    }
    set(Metric::BuildInfo, &[version], 1.0);
    set(Metric::RunsActive, &[], 0.0);
    // A rate needs a zero to rise from.
    add(Metric::LeasesLost, &[], 0);
}

/// A run ended, stopped to wait for a person, or was put back.
pub fn run_ended(sync: &str, kind: &'static str, status: &'static str, worked: Duration) {
    add(Metric::Runs, &[sync, kind, status], 1);
    observe(Metric::RunDuration, &[sync], worked);
}

/// Runs of this sort are counted from zero on.
pub fn runs_known(sync: &str, kind: &'static str, status: &'static str) {
    add(Metric::Runs, &[sync, kind, status], 0);
}

/// A phase of a run ended.
pub fn phase_ended(sync: &str, phase: &'static str, took: Duration) {
    observe(Metric::PhaseDuration, &[sync, phase], took);
}

/// So many more records were read. `side` is `source` or `target`.
pub fn records_read(sync: &str, side: &'static str, model: &str, records: u64) {
    add(Metric::RecordsRead, &[sync, side, model], records);
}

/// So many more changes have this outcome.
pub fn changes(sync: &str, model: &str, action: &'static str, outcome: &'static str, number: u64) {
    add(Metric::Changes, &[sync, model, action, outcome], number);
}

/// How many runs wait for a worker. A fact of the whole installation: only the process that schedules tells it.
pub fn runs_queued(number: u64) {
    set(Metric::RunsQueued, &[], number as f64);
}

/// This process works on a run until the value is dropped.
#[must_use = "the run counts as active until this is dropped"]
#[derive(Debug)]
pub struct ActiveRun(());

impl ActiveRun {
    /// The run begins.
    pub fn begin() -> Self {
        gauge!(Metric::RunsActive.info().name).increment(1.0);
        Self(())
    }
}

impl Drop for ActiveRun {
    fn drop(&mut self) {
        gauge!(Metric::RunsActive.info().name).decrement(1.0);
    }
}

/// How many plans wait for a person. A fact of the whole installation: only the process that schedules tells it.
pub fn awaiting_review(number: u64) {
    set(Metric::AwaitingReview, &[], number as f64);
}

/// How many deletes the newest plan of a sync holds back. A fact of the whole installation: only the process that schedules tells
/// it, or the worker that made the plan before would go on telling what is no longer so.
pub fn held_deletes(sync: &str, number: u64) {
    set(Metric::HeldDeletes, &[sync], number as f64);
}

/// How many records of a sync are in quarantine in a state. A fact of the whole installation: only the process that schedules tells it.
pub fn quarantined(sync: &str, state: &'static str, number: u64) {
    set(Metric::Quarantined, &[sync, state], number as f64);
}

/// A run of the sync that may write completed. Told by whoever ran it, and for every sync by the process that schedules when it
/// starts, so that a restart does not look like a success that never was.
pub fn last_success(sync: &str, at: SystemTime) {
    let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    set(Metric::LastSuccess, &[sync], seconds);
}

/// Another worker took over a run of this one.
pub fn lease_lost() {
    add(Metric::LeasesLost, &[], 1);
}

/// How many findings of a kind are open. A fact of the whole installation: only the process that schedules tells it.
pub fn findings_open(kind: &'static str, number: u64) {
    set(Metric::FindingsOpen, &[kind], number as f64);
}

/// How large the history is. A fact of the whole installation: only the process that schedules tells it.
pub fn history_bytes(bytes: u64) {
    set(Metric::HistoryBytes, &[], bytes as f64);
}

/// A request was sent once and had an answer of this class, or none.
pub fn http_request(system: &str, method: &'static str, status_class: &'static str, took: Duration) {
    add(Metric::HttpRequests, &[system, method, status_class], 1);
    observe(Metric::HttpRequestDuration, &[system], took);
}

/// A request will be sent once more.
pub fn http_retry(system: &str, reason: &'static str) {
    add(Metric::HttpRetries, &[system, reason], 1);
}

/// So many more whole seconds were waited for a system's pace. Counters take whole numbers; the caller keeps the rest.
pub fn http_throttled(system: &str, seconds: u64) {
    add(Metric::HttpThrottled, &[system], seconds);
}

fn add(metric: Metric, values: &[&str], number: u64) {
    let info = metric.info();
    counter!(info.name, labels(&info, values)).increment(number);
}

fn set(metric: Metric, values: &[&str], value: f64) {
    let info = metric.info();
    gauge!(info.name, labels(&info, values)).set(value);
}

fn observe(metric: Metric, values: &[&str], took: Duration) {
    let info = metric.info();
    histogram!(info.name, labels(&info, values)).record(took.as_secs_f64());
}

fn labels(info: &MetricInfo, values: &[&str]) -> Vec<metrics::Label> {
    debug_assert_eq!(info.labels.len(), values.len(), "the labels of {}", info.name);
    info.labels.iter().zip(values).map(|(name, value)| metrics::Label::new(*name, (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_prometheus_expects() {
        let mut names = std::collections::BTreeSet::new();
        for metric in Metric::ALL {
            let MetricInfo { name, kind, unit, help, labels, buckets } = metric.info();
            assert!(names.insert(name), "{name} is there twice");
            let words = name.strip_prefix("syncline_").unwrap_or_default();
            assert!(!words.is_empty() && words.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
            assert_eq!(name.ends_with("_total"), kind == MetricKind::Counter, "{name}");
            let base = name.strip_suffix("_total").unwrap_or(name);
            assert_eq!(base.ends_with("_seconds"), unit == Unit::Seconds, "{name}");
            assert_eq!(base.ends_with("_bytes"), unit == Unit::Bytes, "{name}");
            assert!(matches!(unit, Unit::Seconds | Unit::Bytes | Unit::Count), "{name}: not a base unit");
            assert!(help.ends_with('.') && !help.contains('\n'), "{name}: {help}");
            assert_eq!(buckets.is_empty(), kind != MetricKind::Histogram, "{name}");
            assert!(buckets.is_sorted(), "{name}");
            // What identifies single objects would make a series for each.
            for label in labels {
                assert!(!["key", "url", "path", "device", "name", "run", "id"].contains(label), "{name}: {label}");
            }
        }
    }
}
