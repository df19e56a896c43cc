//! Metrics that dashboard and alerts name, against those that the program has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::ensure;
use serde_json::Value;
use xshell::{Shell, cmd};

use super::promql::{self, Query};
use super::{Verdict, ask, documents, is_installed, read};

/// Where the program's metrics are listed, from the root of the workspace.
const SOURCE: &str = "crates/core/src/metrics.rs";
const DASHBOARD: &str = "monitoring/dashboard.json";
const ALERTS: &str = "monitoring/alerts.yaml";

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// The metrics of the program, by name: kind and labels.
pub(super) type Metrics = BTreeMap<String, (Kind, BTreeSet<String>)>;

/// What dashboard and alerts ask for exists, and is asked for as its kind wants; and nothing is measured that neither shows.
pub(super) fn exist(_: &Shell, folder: &Path) -> anyhow::Result<Verdict> {
    let metrics = listed(&read(&folder.join("..").join(SOURCE))?);
    ensure!(metrics.len() > 10, "`{SOURCE}` lists its metrics in another way than this check reads");
    let mut queries = of_dashboard(&documents::value(&folder.join(DASHBOARD))?);
    queries.extend(of_alerts(&documents::value(&folder.join(ALERTS))?));
    Ok(Verdict::of(judge(&metrics, &queries)))
}

/// What Prometheus itself says of the alerts, and whether they are raised when they should be.
pub(super) fn by_promtool(shell: &Shell, folder: &Path) -> anyhow::Result<Verdict> {
    if !is_installed(shell, "promtool", &["--version"]) {
        return Ok(Verdict::Skipped("promtool is not installed".to_owned()));
    }
    let _in = shell.push_dir(folder.join("monitoring"));
    let mut said = ask(cmd!(shell, "promtool check rules alerts.yaml"))?;
    said.extend(ask(cmd!(shell, "promtool test rules alerts.test.yaml"))?);
    Ok(Verdict::of(said))
}

/// Reads the list from its source: a call of `count`, `value` or `seconds` with the name first and the labels in `&[…]`.
fn listed(source: &str) -> Metrics {
    let mut metrics = Metrics::new();
    for (at, _) in source.match_indices("\"syncline_") {
        let kind = match source[..at].trim_end() {
            before if before.ends_with("count(") => Kind::Counter,
            before if before.ends_with("value(") => Kind::Gauge,
            before if before.ends_with("seconds(") => Kind::Histogram,
            _ => continue,
        };
        let Some((name, rest)) = source[at + 1..].split_once('"') else { continue };
        let labels = rest.split_once("&[").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(labels, _)| labels);
        let labels = labels.split(',').map(|label| label.trim().trim_matches('"').to_owned());
        metrics.insert(name.to_owned(), (kind, labels.filter(|label| !label.is_empty()).collect()));
    }
    metrics
}

fn of_dashboard(dashboard: &Value) -> Vec<Query> {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let mut queries = Vec::new();
    for panel in list(dashboard, "panels") {
        let title = panel["title"].as_str().unwrap_or_default();
        for target in list(&panel, "targets") {
            let text = |name: &str| target[name].as_str().unwrap_or_default().to_owned();
            let shown = promql::between(&text("legendFormat"), "{{", "}}");
            queries.push(Query { place: format!("{DASHBOARD}: {title}"), text: text("expr"), shown });
        }
    }
    for variable in list(&dashboard["templating"], "list") {
        if let Some(text) = variable["query"]["query"].as_str() {
            queries.push(Query {
                place: format!("{DASHBOARD}: variable {}", variable["name"]),
                text: text.to_owned(),
                shown: Vec::new(),
            });
        }
    }
    queries
}

fn of_alerts(alerts: &Value) -> Vec<Query> {
    let groups = alerts["groups"].as_array().into_iter().flatten();
    let rules = groups.flat_map(|group| group["rules"].as_array().into_iter().flatten());
    let query = |rule: &Value| {
        let annotations = rule["annotations"].to_string();
        Query {
            place: format!("{ALERTS}: {}", rule["alert"].as_str().unwrap_or_default()),
            text: rule["expr"].as_str().unwrap_or_default().to_owned(),
            shown: promql::between(&annotations, "$labels.", " "),
        }
    };
    rules.map(query).collect()
}

fn judge(metrics: &Metrics, queries: &[Query]) -> Vec<String> {
    let mut used = BTreeSet::new();
    let mut findings = Vec::new();
    for query in queries {
        findings.extend(query.judge(metrics, &mut used).into_iter().map(|what| format!("{}: {what}", query.place)));
    }
    let unused = metrics.keys().filter(|name| !used.contains(*name));
    findings.extend(unused.map(|name| format!("`{name}` is measured, but neither dashboard nor alert shows it")));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"
        Self::Runs => count("syncline_runs_total", &["sync", "status"], "Help."),
        Self::Queued => value("syncline_runs_queued", Unit::Count, &[], "Help."),
        Self::Time => seconds(
            "syncline_run_duration_seconds",
            &["sync"],
            "Help.",
        ),
        assert!(name.starts_with("syncline_other"));
    "#;

    fn judged(queries: &[(&str, &str)]) -> Vec<String> {
        let query = |(text, shown): &(&str, &str)| Query {
            place: "here".to_owned(),
            text: (*text).to_owned(),
            shown: promql::between(shown, "{{", "}}"),
        };
        judge(&listed(LIST), &queries.iter().map(query).collect::<Vec<_>>())
    }

    #[test]
    fn the_list_is_read() {
        let metrics = listed(LIST);
        assert_eq!(metrics.len(), 3);
        assert_eq!(metrics["syncline_runs_total"], (Kind::Counter, ["sync", "status"].map(str::to_owned).into()));
        assert_eq!(metrics["syncline_runs_queued"], (Kind::Gauge, BTreeSet::new()));
        assert_eq!(metrics["syncline_run_duration_seconds"].0, Kind::Histogram);
    }

    #[test]
    fn what_is_right_passes() {
        let right = [
            (r#"sum by (sync) (increase(syncline_runs_total{status="failed",sync=~"$sync"}[1h])) > 0"#, "{{sync}}"),
            ("max(syncline_runs_queued)", ""),
            (
                "histogram_quantile(0.5, sum by (sync, le) (rate(syncline_run_duration_seconds_bucket[1h])))",
                "{{sync}} x",
            ),
            ("label_values(syncline_runs_total, sync)", ""),
        ];
        assert_eq!(judged(&right), [""; 0]);
    }

    #[test]
    fn what_is_wrong_is_found() {
        let wrong = [
            ("syncline_runs_total > 0", ""),
            ("rate(syncline_runs_queued[5m])", ""),
            ("max(syncline_run_duration_seconds)", ""),
            ("max(syncline_run_queued)", ""),
            (r#"sum by (model) (increase(syncline_runs_total{state="failed"}[1h]))"#, "{{sync}}"),
        ];
        assert_eq!(
            judged(&wrong),
            [
                "here: the counter `syncline_runs_total` only says something as a rate or an increase",
                "here: the gauge `syncline_runs_queued` has no rate",
                "here: the histogram `syncline_run_duration_seconds` is asked for by `_bucket`, `_sum` or `_count`",
                "here: there is no metric `syncline_run_queued`",
                "here: `syncline_runs_total` has no label `state`",
                "here: no metric in it has the label `model`",
                "here: `sync` is shown, but the query does not keep it",
            ]
        );
        assert_eq!(judged(&[]).len(), 3);
    }
}
