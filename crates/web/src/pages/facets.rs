//! Ways to tell changes apart, with how many there are of each: counted before, or told by the end of a plan.

use syncline_core::change::Action;
use syncline_core::history::{ChangeCount, OutcomeKind};
use syncline_core::plan::PlanSummary;
use syncline_render::words;

use super::change_row::Outcome;
use super::form::Fields;
use super::show::{Count, Icon};

/// Which changes are wanted. Nothing said wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of this model.
    pub model: Option<String>,
    /// With this action.
    pub action: Option<Action>,
    /// With one of these outcomes.
    pub outcome: Vec<OutcomeKind>,
}

/// How many changes there are, by what tells them apart.
#[derive(Debug, Clone, Default)]
pub struct Tallies(Vec<Tally>);

#[derive(Debug, Clone)]
struct Tally {
    model: String,
    /// None where nobody counted by action: what a plan holds back.
    action: Option<Action>,
    outcome: OutcomeKind,
    count: u64,
}

/// One way to tell changes apart.
#[derive(Debug)]
pub struct Facet {
    /// What it is.
    pub label: &'static str,
    /// What there is.
    pub values: Vec<FacetValue>,
}

/// One kind of changes.
#[derive(Debug)]
pub struct FacetValue {
    /// Its name.
    pub label: String,
    /// Its symbol, where it has one.
    pub icon: Option<Icon>,
    /// How many there are; none where nobody counted.
    pub count: Option<Count>,
    /// The page of these; of all, when these are shown.
    pub href: String,
    /// These are shown.
    pub chosen: bool,
    /// What a form sends to select all of them; none where they cannot be selected at once.
    pub pick: Option<String>,
}

impl Tallies {
    /// What the history has counted.
    pub fn counted(counts: &[ChangeCount]) -> Self {
        let tally = |count: &ChangeCount| Tally {
            model: count.model.clone(),
            action: Some(count.action),
            outcome: count.outcome,
            count: count.count,
        };
        Self(counts.iter().map(tally).collect())
    }

    /// What the end of a plan tells.
    pub fn planned(summary: &PlanSummary) -> Self {
        let mut tallies = Vec::new();
        for model in &summary.models {
            let kinds = [
                (Some(Action::Create), OutcomeKind::Planned, model.create),
                (Some(Action::Update), OutcomeKind::Planned, model.update + model.release),
                (Some(Action::Delete), OutcomeKind::Planned, model.delete),
                (None, OutcomeKind::Held, model.held()),
            ];
            let kinds = kinds.into_iter().filter(|(.., count)| *count > 0);
            let model = &model.model;
            tallies.extend(kinds.map(|(action, outcome, count)| Tally {
                model: model.clone(),
                action,
                outcome,
                count,
            }));
        }
        Self(tallies)
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|tally| tally.count).sum()
    }

    /// How many are wanted; none where nobody counted.
    fn of(&self, wanted: &Wanted) -> Option<u64> {
        let mut sum = 0;
        for tally in &self.0 {
            let is_model = wanted.model.as_ref().is_none_or(|model| *model == tally.model);
            let is_outcome = wanted.outcome.is_empty() || wanted.outcome.contains(&tally.outcome);
            if !is_model || !is_outcome {
                continue;
            }
            match (wanted.action, tally.action) {
                (Some(_), None) => return None,
                (Some(wanted), Some(action)) if wanted != action => {}
                _ => sum += tally.count,
            }
        }
        Some(sum)
    }
}

/// The ways to tell changes apart that a page offers. Where changes can be selected (`picks`), those of a model can be at once.
pub fn facets(tallies: &Tallies, wanted: &Wanted, fields: &Fields, path: &str, picks: bool) -> Vec<Facet> {
    let href = |name: &str, value: &str, chosen: bool| fields.with(path, name, (!chosen).then_some(value), &["after"]);
    let mut names: Vec<&str> = Vec::new();
    for tally in &tallies.0 {
        if !names.contains(&tally.model.as_str()) {
            names.push(&tally.model);
        }
    }
    let models = names.into_iter().map(|model| {
        let of_model = Wanted { model: Some(model.to_owned()), ..wanted.clone() };
        let applies = |tally: &Tally| tally.model == model && tally.outcome == OutcomeKind::Planned;
        let chosen = wanted.model.as_deref() == Some(model);
        FacetValue {
            label: words::plural_of(model),
            icon: None,
            count: tallies.of(&of_model).map(Count),
            href: href("model", model, chosen),
            chosen,
            pick: (picks && tallies.0.iter().any(applies)).then(|| format!("model:{model}")),
        }
    });
    let actions = [Action::Create, Action::Update, Action::Delete].into_iter().map(|action| {
        let of_action = Wanted { action: Some(action), ..wanted.clone() };
        let chosen = wanted.action == Some(action);
        FacetValue {
            label: action.to_string(),
            icon: Some(Icon(action.as_str())),
            count: tallies.of(&of_action).map(Count),
            href: href("action", action.as_str(), chosen),
            chosen,
            pick: None,
        }
    });
    let outcomes = OutcomeKind::ALL.into_iter().map(|outcome| {
        let of_outcome = Wanted { outcome: vec![outcome], ..wanted.clone() };
        let chosen = wanted.outcome.contains(&outcome);
        FacetValue {
            label: outcome.as_str().to_owned(),
            icon: Some(Outcome(outcome).icon()),
            count: tallies.of(&of_outcome).map(Count),
            href: href("outcome", outcome.as_str(), chosen),
            chosen,
            pick: None,
        }
    });
    let there = |value: &FacetValue| value.chosen || value.count.is_none_or(|count| !count.is_zero());
    [
        Facet { label: "Model", values: models.filter(there).collect() },
        Facet { label: "Action", values: actions.filter(there).collect() },
        Facet { label: "Outcome", values: outcomes.filter(there).collect() },
    ]
    .into_iter()
    .filter(|facet| !facet.values.is_empty())
    .collect()
}
