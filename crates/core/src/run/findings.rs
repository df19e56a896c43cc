//! What a run that came to its end found: flapping, ambiguous records, drift.

use std::collections::BTreeMap;

use serde::Serialize;
use syncline_model::AnyKey;

use super::RunReport;
use super::work::Work;
use crate::Result;
use crate::change::{Action, Change, HoldRule};
use crate::fields::ModelFields;
use crate::history::{FindingKind, News, Observed, Purpose, RunStatus, grouped};
use crate::models::ModelMode;
use crate::plan::{PlanHeader, PlanReader};

/// How many findings are recorded at once.
const PAGE: u64 = 1_000;

/// What a drift check measured, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The models that were compared.
    pub compared: Vec<String>,
    /// The other models that the target keeps, each with the reason why it was not compared.
    pub not_compared: BTreeMap<String, String>,
    /// How many records were compared.
    pub records: u64,
    /// How the differences changed since the last check.
    pub news: News,
    /// How many differences people want left alone: records and fields, which are not among the others.
    pub left_alone: u64,
}

/// What a drift check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftVerdict {
    /// Everything that was compared is as the source says, but for what people leave alone.
    Converged,
    /// There are differences.
    Differs,
    /// Nothing was compared, so nobody knows.
    NotMeasured,
}

impl Drift {
    /// What the check says.
    pub fn verdict(&self) -> DriftVerdict {
        match (self.compared.is_empty(), self.news.standing) {
            (true, _) => DriftVerdict::NotMeasured,
            (false, 0) => DriftVerdict::Converged,
            (false, _) => DriftVerdict::Differs,
        }
    }

    /// What was measured, in one line.
    pub fn coverage(&self) -> String {
        let all = self.compared.len() + self.not_compared.len();
        let records = if self.records == 1 { "record" } else { "records" };
        let mut text = format!("compared {} of {all} models, {} {records}", self.compared.len(), grouped(self.records));
        for (model, reason) in &self.not_compared {
            text.extend(["; ", model, ": ", reason]);
        }
        if self.left_alone > 0 {
            let (number, are) = (grouped(self.left_alone), if self.left_alone == 1 { "is" } else { "are" });
            text.extend(["; ", &number, " of what differs ", are, " left alone"]);
        }
        text
    }

    /// What a plan's comparison covered of what the target keeps.
    pub(super) fn covered(plan: &PlanReader, holds: &ModelFields, asked: &BTreeMap<String, ModelMode>) -> Self {
        let header = plan.header();
        let mut drift = Self {
            compared: Vec::new(),
            not_compared: BTreeMap::new(),
            records: 0,
            news: News::default(),
            left_alone: 0,
        };
        for (schema, _) in holds.iter() {
            let model = schema.name.to_owned();
            let reason = match header.models.get(schema.name) {
                Some(ModelMode::Sync) => doubt(header, schema.name),
                Some(ModelMode::Lookup) => Some("only looked up".to_owned()),
                Some(ModelMode::Off) => Some("off".to_owned()),
                None if asked.get(schema.name) == Some(&ModelMode::Off) => Some("off".to_owned()),
                None => Some("the source does not know it".to_owned()),
            };
            match reason {
                Some(reason) => drop(drift.not_compared.insert(model, reason)),
                None => drift.compared.push(model),
            }
        }
        for found in plan.summary().models.iter().filter(|found| drift.compared.contains(&found.model)) {
            let counts = found.found;
            drift.records += counts.unchanged + counts.create + counts.update + counts.delete + counts.ambiguous;
        }
        drift
    }
}

/// Why the reads of a model do not tell everything.
fn doubt(header: &PlanHeader, model: &str) -> Option<String> {
    [("source", &header.source), ("target", &header.target)].into_iter().find_map(|(side, reads)| {
        let doubt = reads.reads.get(model)?.doubt.as_ref()?;
        Some(format!("the read of the {side} is not complete: {doubt}"))
    })
}

impl Work<'_> {
    /// Keeps what a run found that came to its end.
    pub(super) async fn observe(&self, report: &mut RunReport) -> Result<()> {
        if report.status != RunStatus::Completed {
            return Ok(());
        }
        let looks_everywhere = matches!(self.run.purpose, Purpose::Sync | Purpose::Drift);
        let applies_everything =
            matches!(self.run.purpose, Purpose::Sync | Purpose::Apply) && self.run.subject.is_none();
        if applies_everything && !self.run.dry {
            self.flapping().await?;
        }
        if looks_everywhere {
            self.ambiguous(report).await?;
        }
        if self.run.purpose == Purpose::Drift {
            self.drift(report).await?;
        }
        Ok(())
    }

    /// Changes that each of the last runs had to make.
    async fn flapping(&self) -> Result<()> {
        let (history, run) = (&self.runner.history, self.run.id);
        let runs = u64::from(self.sync.policy.flapping_runs);
        if runs >= 2 {
            let earlier = history.completed_before(run, runs - 1).await?;
            let mut after = Some(0).filter(|_| earlier.len() as u64 == runs - 1);
            while let Some(start) = after {
                let (found, next) = history.repeated_changes(run, &earlier, start, PAGE).await?;
                history.observe(self.claim, FindingKind::Flapping, &found).await?;
                after = next;
            }
        }
        history.resolve_findings(self.claim, FindingKind::Flapping, None).await?;
        Ok(())
    }

    /// Keys that more than one record answers to.
    async fn ambiguous(&self, report: &RunReport) -> Result<()> {
        let (history, run) = (&self.runner.history, self.run.id);
        let models = &report.summary.models;
        let mut after = Some(0).filter(|_| models.iter().any(|model| model.found.ambiguous > 0));
        while let Some(start) = after {
            let (found, next) = history.ambiguous_changes(run, start, PAGE).await?;
            history.observe(self.claim, FindingKind::Ambiguous, &found).await?;
            after = next;
        }
        let compared: Vec<_> = models.iter().map(|model| model.model.as_str()).collect();
        history.resolve_findings(self.claim, FindingKind::Ambiguous, Some(&compared)).await?;
        Ok(())
    }

    /// Where the target differs from the source.
    async fn drift(&self, report: &mut RunReport) -> Result<()> {
        let (history, run) = (&self.runner.history, self.run.id);
        let (Some(plan), Some(mut drift)) = (&report.plan, report.drift.take()) else { return Ok(()) };
        let plan = PlanReader::open(plan)?;
        let mut page: Vec<Change> = Vec::new();
        for change in plan.changes()? {
            let change = change?;
            drift.left_alone += left_alone(&drift.compared, &change);
            page.push(change);
            if page.len() as u64 >= PAGE {
                self.differing(&drift, std::mem::take(&mut page)).await?;
            }
        }
        self.differing(&drift, page).await?;
        let compared: Vec<_> = drift.compared.iter().map(String::as_str).collect();
        history.resolve_findings(self.claim, FindingKind::Drift, Some(&compared)).await?;
        drift.news = history.finding_news(run, FindingKind::Drift).await?;
        report.notes.insert("coverage".to_owned(), drift.coverage());
        let verdict = match drift.verdict() {
            DriftVerdict::Converged => "converged".to_owned(),
            DriftVerdict::NotMeasured => "not measured".to_owned(),
            DriftVerdict::Differs => {
                let News { new, gone, standing } = drift.news;
                let differences = if standing == 1 { "difference" } else { "differences" };
                format!("{standing} {differences}, {new} new, {gone} gone")
            }
        };
        report.notes.insert("drift".to_owned(), verdict);
        report.drift = Some(drift);
        Ok(())
    }

    async fn differing(&self, drift: &Drift, changes: Vec<Change>) -> Result<()> {
        let changes: Vec<_> = changes.into_iter().filter(|change| drift.compared.contains(&change.model)).collect();
        let foreign = self.foreign(&changes).await?;
        let mut found = Vec::new();
        for (at, change) in changes.into_iter().enumerate() {
            let rule = change.hold.as_ref().map(|hold| hold.rule);
            // Several records of one key are a finding of their own; what is not ours may differ as it likes; and what is left alone
            // was found already.
            let is_none =
                |rule| matches!(rule, HoldRule::Ambiguous | HoldRule::NotOurs | HoldRule::Shared | HoldRule::Ignored);
            if rule.is_some_and(is_none) || foreign.contains(&at) {
                continue;
            }
            let whole = Observed {
                model: change.model,
                key: change.key,
                field: None,
                action: change.action,
                target: serde_json::Value::Null,
                source: serde_json::Value::Null,
                detail: change.hold.map(|hold| hold.reason),
            };
            if change.action == Action::Update {
                found.extend(change.fields.into_iter().map(|field| Observed {
                    field: Some(field.name),
                    target: field.before,
                    source: field.after,
                    ..whole.clone()
                }));
            } else {
                found.push(whole);
            }
        }
        self.runner.history.observe(self.claim, FindingKind::Drift, &found).await
    }

    /// The places of deletes of records that Syncline did not create. Another rule may hold them, which is asked before this one.
    async fn foreign(&self, changes: &[Change]) -> Result<Vec<usize>> {
        if !self.sync.policy.only_own {
            return Ok(Vec::new());
        }
        let mut by_model: BTreeMap<&str, Vec<(AnyKey, Option<String>)>> = BTreeMap::new();
        for change in changes.iter().filter(|change| change.action == Action::Delete) {
            let id = change.native.as_ref().map(|native| native.id.to_string());
            by_model.entry(&change.model).or_default().push((change.key.clone(), id));
        }
        let mut ours = BTreeMap::new();
        for (model, objects) in &by_model {
            let instance = self.sync.target.instance();
            ours.insert(*model, self.runner.history.created_here(&instance, model, objects).await?);
        }
        let is_foreign = |change: &Change| {
            change.action == Action::Delete
                && !ours.get(change.model.as_str()).is_some_and(|ours| ours.contains(&change.key))
        };
        Ok(changes.iter().enumerate().filter(|(_, change)| is_foreign(change)).map(|(at, _)| at).collect())
    }
}

/// How many differences of a change people want left alone: the record, or those of its fields.
fn left_alone(compared: &[String], change: &Change) -> u64 {
    let fields = change.kept.iter().filter(|field| field.ignored.is_some()).count() as u64;
    let is_held = change.hold.as_ref().is_some_and(|hold| hold.rule == HoldRule::Ignored);
    match compared.contains(&change.model) {
        false => 0,
        true if is_held => fields.max(1),
        true => fields,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_names_what_was_not_compared() {
        let not_compared = [("tag", "off"), ("vlan", "the source does not know it")];
        let mut drift = Drift {
            compared: vec!["device".to_owned(), "site".to_owned()],
            not_compared: not_compared.map(|(model, reason)| (model.to_owned(), reason.to_owned())).into(),
            records: 1_022_024,
            news: News::default(),
            left_alone: 0,
        };
        insta::assert_snapshot!(drift.coverage(), @"compared 2 of 4 models, 1,022,024 records; tag: off; vlan: the source does not know it");
        assert_eq!(drift.verdict(), DriftVerdict::Converged);
        drift.left_alone = 2;
        assert!(drift.coverage().ends_with("; 2 of what differs are left alone"));
        drift.compared.clear();
        assert_eq!(drift.verdict(), DriftVerdict::NotMeasured);
        assert_eq!((grouped(0).as_str(), grouped(999).as_str(), grouped(1_000).as_str()), ("0", "999", "1,000"));
    }
}
