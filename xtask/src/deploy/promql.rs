//! As much of PromQL as it takes to see which metrics and labels a query names.

use std::collections::BTreeSet;

use super::metrics::{Kind, Metrics};

/// A query of a dashboard or an alert.
pub(super) struct Query {
    /// Where it stands.
    pub place: String,
    pub text: String,
    /// Labels that are shown beside its result.
    pub shown: Vec<String>,
}

/// Labels that Prometheus itself adds.
const ADDED: [&str; 3] = ["le", "instance", "job"];

impl Query {
    /// What is wrong with it. Adds the metrics that it names to `used`.
    pub(super) fn judge(&self, metrics: &Metrics, used: &mut BTreeSet<String>) -> Vec<String> {
        let mut findings = Vec::new();
        let mut labels = BTreeSet::new();
        for (at, _) in self.text.match_indices("syncline_") {
            let rest = &self.text[at..];
            let asked = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())];
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|ending| {
                let base = asked.strip_suffix(ending)?;
                (metrics.get(base)?.0 == Kind::Histogram).then_some(base)
            });
            let name = base.unwrap_or(asked);
            let Some((kind, known)) = metrics.get(name) else {
                findings.push(format!("there is no metric `{asked}`"));
                continue;
            };
            used.insert(name.to_owned());
            labels.extend(known.iter().cloned());
            let before = self.text[..at].trim_end();
            let rated = before.ends_with("rate(") || before.ends_with("increase(");
            let named_only = before.ends_with("label_values(");
            match kind {
                Kind::Counter if !rated && !named_only => {
                    findings.push(format!("the counter `{name}` only says something as a rate or an increase"));
                }
                Kind::Gauge if rated => findings.push(format!("the gauge `{name}` has no rate")),
                Kind::Histogram if base.is_none() => {
                    let how = "is asked for by `_bucket`, `_sum` or `_count`";
                    findings.push(format!("the histogram `{name}` {how}"));
                }
                _ => {}
            }
            for label in selected(&rest[asked.len()..]) {
                if !known.contains(label) && !ADDED.contains(&label) {
                    findings.push(format!("`{name}` has no label `{label}`"));
                }
            }
        }
        let kept: BTreeSet<_> = between(&self.text, "by (", ")")
            .iter()
            .flat_map(|list| list.split(','))
            .map(|label| label.trim().to_owned())
            .collect();
        let odd = kept.iter().filter(|label| !labels.contains(*label) && !ADDED.contains(&label.as_str()));
        findings.extend(odd.map(|label| format!("no metric in it has the label `{label}`")));
        let lost = self.shown.iter().filter(|label| !kept.contains(*label));
        findings.extend(lost.map(|label| format!("`{label}` is shown, but the query does not keep it")));
        findings
    }
}

/// The labels that a selector right behind a metric's name chooses by.
fn selected(text: &str) -> Vec<&str> {
    let Some(selector) = text.strip_prefix('{').and_then(|text| text.split_once('}')) else { return Vec::new() };
    // Values hold no commas here, or what follows one has no operator and is no label.
    let labels = selector.0.split(',').filter_map(|part| part.split_once(['=', '!']));
    labels.map(|(label, _)| label.trim()).collect()
}

/// What stands between two marks, each time.
pub(super) fn between(text: &str, from: &str, to: &str) -> Vec<String> {
    let pieces = text.split(from).skip(1).filter_map(|rest| rest.split(to).next());
    pieces.map(|piece| piece.trim().trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()).collect()
}
