//! The metrics, kept for Prometheus to fetch.

use std::sync::{Mutex, PoisonError};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusRecorder};
use syncline_core::metrics::{self as measured, Metric};

pub use metrics_exporter_prometheus::PrometheusHandle;

/// Counts from now on, in the whole process, and gives what renders the counts. Later calls give the same.
///
/// # Panics
///
/// When something else in the process counts already: there can be one recorder.
pub fn prometheus() -> PrometheusHandle {
    static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    let handle = installed.get_or_insert_with(|| {
        let recorder = recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).expect("the host is the only one that installs a recorder");
        measured::describe(env!("CARGO_PKG_VERSION"));
        handle
    });
    handle.clone()
}

/// A recorder that sorts durations into the buckets of each metric.
fn recorder() -> PrometheusRecorder {
    let with_buckets = || -> Result<_, BuildError> {
        let mut builder = PrometheusBuilder::new();
        for info in Metric::ALL.map(Metric::info).into_iter().filter(|info| !info.buckets.is_empty()) {
            builder = builder.set_buckets_for_metric(Matcher::Full(info.name.to_owned()), info.buckets)?;
        }
        Ok(builder)
    };
    with_buckets().expect("no histogram is without buckets").build_recorder()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::{Duration, SystemTime};

    use syncline_core::metrics::{ActiveRun, MetricKind};

    use super::*;

    /// Counts everything once.
    fn rendered() -> String {
        let recorder = recorder();
        metrics::with_local_recorder(&recorder, || {
            let second = Duration::from_secs(1);
            measured::describe("1.2.3");
            measured::run_ended("a \"sync\"\n", "adhoc", "completed", second);
            measured::phase_ended("lab", "prepare", second);
            measured::records_read("lab", "source", "site", 7);
            measured::changes("lab", "site", "create", "applied", 7);
            measured::runs_queued(1);
            let _active = ActiveRun::begin();
            measured::awaiting_review(1);
            measured::held_deletes("lab", 1);
            measured::quarantined("lab", "waiting", 1);
            measured::last_success("lab", SystemTime::now());
            measured::lease_lost();
            measured::findings_open("flapping", 1);
            measured::history_bytes(1 << 30);
            measured::http_request("netbox.example", "GET", "2xx", second);
            measured::http_retry("netbox.example", "timeout");
            measured::http_throttled("netbox.example", 1);
            recorder.handle().render()
        })
    }

    /// Reads the text format as strictly as Prometheus does: every sample belongs to a family with help and type before it.
    #[test]
    fn what_is_rendered_is_what_the_metrics_say() {
        let rendered = rendered();
        let (mut helps, mut kinds) = (BTreeMap::new(), BTreeMap::new());
        let mut samples: BTreeMap<&str, BTreeSet<Vec<&str>>> = BTreeMap::new();
        for line in rendered.lines().filter(|line| !line.is_empty()) {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').unwrap();
                assert!(helps.insert(name, help).is_none(), "twice: {line}");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert!(kinds.insert(name, kind).is_none(), "twice: {line}");
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                value.parse::<f64>().unwrap();
                let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
                let labels = labels.strip_suffix('}').unwrap();
                let names = labels.split("\",").filter_map(|label| label.split_once("=\"")).map(|(name, _)| name);
                samples.entry(name).or_default().insert(names.filter(|name| *name != "le").collect());
            }
        }
        for info in Metric::ALL.map(Metric::info) {
            assert_eq!(helps.remove(info.name), Some(info.help), "{}", info.name);
            let (kind, of_samples) = match info.kind {
                MetricKind::Counter => ("counter", vec![String::new()]),
                MetricKind::Gauge => ("gauge", vec![String::new()]),
                MetricKind::Histogram => ("histogram", ["_bucket", "_sum", "_count"].map(str::to_owned).to_vec()),
            };
            assert_eq!(kinds.remove(info.name), Some(kind), "{}", info.name);
            for ending in of_samples {
                let labels = samples.remove(format!("{}{ending}", info.name).as_str());
                assert_eq!(labels, Some(BTreeSet::from([info.labels.to_vec()])), "{}{ending}", info.name);
            }
        }
        assert!(helps.is_empty() && kinds.is_empty() && samples.is_empty(), "{helps:?} {kinds:?} {samples:?}");
        // A quote and a line break in a name stay inside their label.
        assert!(rendered.contains(r#"sync="a \"sync\"\n""#), "{rendered}");
        assert!(rendered.contains(r#"syncline_build_info{version="1.2.3"} 1"#));
        assert!(rendered.contains("syncline_history_bytes 1073741824"));
    }
}
