//! Ways to tell changes apart, with how many there are of each: counted before, or told by the end of a plan.

use std::collections::BTreeMap;

use syncline_core::change::{Action, HoldRule};
use syncline_core::history::{ChangeCount, OutcomeKind};
use syncline_core::plan::{HeldCounts, ModelSummary, PlanSummary, SiteCounts};
use syncline_model::AnyKey;
use syncline_render::words;

use super::change_row::Outcome;
use super::form::Fields;
use super::show::{Count, Icon, clean};

/// How many sites, and how many fields, a page names.
const NAMED: usize = 24;

/// Which changes are wanted. Nothing said wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of this model.
    pub model: Option<String>,
    /// With this action.
    pub action: Option<Action>,
    /// With one of these outcomes.
    pub outcome: Vec<OutcomeKind>,
    /// Held back by this rule.
    pub rule: Option<HoldRule>,
    /// At the site with this key.
    pub site: Option<AnyKey>,
    /// That update this field.
    pub field: Option<String>,
}

/// How many changes there are, by what tells them apart.
#[derive(Debug, Clone, Default)]
pub struct Tallies {
    kinds: Vec<Tally>,
    /// What the plan tells beside that; nothing where there is none to look at.
    plan: Option<Planned>,
}

#[derive(Debug, Clone)]
struct Tally {
    model: String,
    /// None where nobody counted by action: what an older plan holds back.
    action: Option<Action>,
    outcome: OutcomeKind,
    count: u64,
}

/// What a plan tells of its changes as they were planned.
#[derive(Debug, Clone)]
struct Planned {
    /// Nothing has come of them yet: they can be told apart by site and field, and the numbers hold.
    is_open: bool,
    /// By model and rule, with the numbers of each action where those are counted.
    rules: BTreeMap<String, BTreeMap<String, (u64, Option<HeldCounts>)>>,
    sites: Vec<(AnyKey, Vec<Tally>)>,
    more_sites: u64,
    fields: BTreeMap<String, BTreeMap<String, u64>>,
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

impl Wanted {
    /// Whether only a plan can tell them apart: what came of changes is not kept by site and field.
    pub fn needs_plan(&self) -> bool {
        self.site.is_some() || self.field.is_some()
    }

    /// The same without what only a plan can tell apart.
    pub fn without_plan(self) -> Self {
        Self { site: None, field: None, ..self }
    }

    fn is_of_model(&self, model: &str) -> bool {
        self.model.as_ref().is_none_or(|wanted| wanted == model)
    }

    fn has_outcome(&self, outcome: OutcomeKind) -> bool {
        self.outcome.is_empty() || self.outcome.contains(&outcome)
    }
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
        Self { kinds: counts.iter().map(tally).collect(), plan: None }
    }

    /// What the end of a plan tells.
    pub fn planned(summary: &PlanSummary) -> Self {
        let mut kinds = Vec::new();
        for model in &summary.models {
            let counts = SiteCounts {
                create: model.create,
                update: model.update + model.release,
                delete: model.delete,
                held: model.held(),
                held_actions: held_actions(model),
            };
            kinds.extend(tallies(&model.model, counts));
        }
        Self { kinds, plan: None }
    }

    /// The same, with what a plan tells beside that. What came of its changes may differ from what was planned, unless it is `open`.
    pub fn with_plan(self, summary: &PlanSummary, is_open: bool) -> Self {
        let held = summary.models.iter().filter(|model| !model.held.is_empty());
        let sites = summary.sites.iter().map(|summary| {
            let models = summary.models.iter();
            (summary.site.clone(), models.flat_map(|(model, counts)| tallies(model, *counts)).collect())
        });
        let plan = Planned {
            is_open,
            rules: held.map(|model| (model.model.clone(), rules(model))).collect(),
            sites: sites.collect(),
            more_sites: summary.more_sites,
            fields: summary.fields.clone(),
        };
        Self { plan: Some(plan), ..self }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.kinds.iter().map(|tally| tally.count).sum()
    }

    /// How many sites with changes there are beside those that a page names; none where changes are not told apart by site.
    pub fn more_sites(&self) -> Option<Count> {
        let plan = self.plan.as_ref().filter(|plan| plan.is_open)?;
        let more = plan.more_sites + plan.sites.len().saturating_sub(NAMED) as u64;
        (more > 0).then_some(Count(more))
    }

    /// How many are wanted; none where nobody counted.
    fn of(&self, wanted: &Wanted) -> Option<u64> {
        let plan = || self.plan.as_ref().filter(|plan| plan.is_open);
        match (&wanted.site, wanted.rule, &wanted.field) {
            (None, None, None) => sum(&self.kinds, wanted),
            (Some(site), None, None) => {
                let there = plan()?.sites.iter().find(|(named, _)| named == site);
                sum(&there?.1, wanted)
            }
            (None, Some(rule), None) => {
                let of_model = plan()?.rules.iter().filter(|(model, _)| wanted.is_of_model(model));
                let held = of_model.filter_map(|(_, held)| held.get(rule.as_str()));
                let count = held.map(|(count, actions)| match wanted.action {
                    None => Some(*count),
                    Some(action) => actions.map(|actions| actions.of(action)),
                });
                let count = count.sum::<Option<u64>>()?;
                Some(if wanted.has_outcome(OutcomeKind::Held) { count } else { 0 })
            }
            (None, None, Some(field)) if wanted.outcome.is_empty() => {
                let of_model = plan()?.fields.iter().filter(|(model, _)| wanted.is_of_model(model));
                let count = of_model.filter_map(|(_, fields)| fields.get(field)).sum();
                Some(if wanted.action.is_none_or(|action| action == Action::Update) { count } else { 0 })
            }
            _ => None,
        }
    }
}

/// What a plan holds back of a model, by action; nothing where that is not counted of all rules.
fn held_actions(model: &ModelSummary) -> HeldCounts {
    let all: Option<Vec<_>> = model.held.keys().map(|rule| model.held_by(rule)).collect();
    let add = |sum: HeldCounts, one: HeldCounts| HeldCounts {
        create: sum.create + one.create,
        update: sum.update + one.update,
        delete: sum.delete + one.delete,
    };
    all.unwrap_or_default().into_iter().fold(HeldCounts::default(), add)
}

/// How many changes each rule holds back.
fn rules(model: &ModelSummary) -> BTreeMap<String, (u64, Option<HeldCounts>)> {
    model.held.iter().map(|(rule, count)| (rule.clone(), (*count, model.held_by(rule)))).collect()
}

fn tallies(model: &str, counts: SiteCounts) -> impl Iterator<Item = Tally> {
    let held = counts.held_actions;
    let uncounted = counts.held - held.total().min(counts.held);
    let kinds = [
        (Some(Action::Create), OutcomeKind::Planned, counts.create),
        (Some(Action::Update), OutcomeKind::Planned, counts.update),
        (Some(Action::Delete), OutcomeKind::Planned, counts.delete),
        (Some(Action::Create), OutcomeKind::Held, held.create),
        (Some(Action::Update), OutcomeKind::Held, held.update),
        (Some(Action::Delete), OutcomeKind::Held, held.delete),
        (None, OutcomeKind::Held, uncounted),
    ];
    let kinds = kinds.into_iter().filter(|(.., count)| *count > 0);
    kinds.map(|(action, outcome, count)| Tally { model: model.to_owned(), action, outcome, count })
}

/// How many of some are wanted; none where nobody counted.
fn sum(tallies: &[Tally], wanted: &Wanted) -> Option<u64> {
    let mut sum = 0;
    for tally in tallies.iter().filter(|tally| wanted.is_of_model(&tally.model) && wanted.has_outcome(tally.outcome)) {
        match (wanted.action, tally.action) {
            (Some(_), None) => return None,
            (Some(wanted), Some(action)) if wanted != action => {}
            _ => sum += tally.count,
        }
    }
    Some(sum)
}

/// A site as an address names it: `atlanta`, or its key where it has more parts than one.
pub fn site_name(site: &AnyKey) -> String {
    let parts = serde_json::from_str::<Vec<serde_json::Value>>(site.as_str()).unwrap_or_default();
    match parts.as_slice() {
        [serde_json::Value::String(name)] if !name.starts_with('[') && name.trim() == name => name.clone(),
        _ => site.as_str().to_owned(),
    }
}

/// The site that an address names.
pub fn named_site(name: &str) -> Option<AnyKey> {
    if name.starts_with('[') { AnyKey::parse(name).ok() } else { AnyKey::from_value(&serde_json::json!([name])) }
}

/// The ways to tell changes apart that a page offers. Where changes can be selected (`picks`), those of a model can be at once.
pub fn facets(tallies: &Tallies, wanted: &Wanted, fields: &Fields, path: &str, picks: bool) -> Vec<Facet> {
    let href = |name: &str, value: &str, chosen: bool| fields.with(path, name, (!chosen).then_some(value), &["after"]);
    let value = |label: String, icon: Option<Icon>, of: &Wanted, name: &str, text: &str, chosen: bool| FacetValue {
        label,
        icon,
        count: tallies.of(of).map(Count),
        href: href(name, text, chosen),
        chosen,
        pick: None,
    };
    let mut names: Vec<&str> = Vec::new();
    for tally in &tallies.kinds {
        if !names.contains(&tally.model.as_str()) {
            names.push(&tally.model);
        }
    }
    let models = names.into_iter().map(|model| {
        let of_model = Wanted { model: Some(model.to_owned()), ..wanted.clone() };
        let applies = |tally: &Tally| tally.model == model && tally.outcome == OutcomeKind::Planned;
        let chosen = wanted.model.as_deref() == Some(model);
        let shown = value(words::plural_of(model), None, &of_model, "model", model, chosen);
        // Who ticks a model means all of it: where a filter shows a part, the number beside the box would be another one.
        let is_whole = of_model == Wanted { model: of_model.model.clone(), ..Wanted::default() };
        let pick = (picks && is_whole && tallies.kinds.iter().any(applies)).then(|| format!("model:{model}"));
        FacetValue { pick, ..shown }
    });
    let actions = [Action::Create, Action::Update, Action::Delete].into_iter().map(|action| {
        let of_action = Wanted { action: Some(action), ..wanted.clone() };
        let (icon, chosen) = (Some(Icon(action.as_str())), wanted.action == Some(action));
        value(action.to_string(), icon, &of_action, "action", action.as_str(), chosen)
    });
    let outcomes = OutcomeKind::ALL.into_iter().map(|outcome| {
        let of_outcome = Wanted { outcome: vec![outcome], ..wanted.clone() };
        let (icon, chosen) = (Some(Outcome(outcome).icon()), wanted.outcome.contains(&outcome));
        value(outcome.as_str().to_owned(), icon, &of_outcome, "outcome", outcome.as_str(), chosen)
    });
    let there = |value: &FacetValue| value.chosen || value.count.is_none_or(|count| !count.is_zero());
    let facet = |label, values: Vec<FacetValue>| Facet { label, values };
    let mut all = vec![
        facet("Model", models.filter(there).collect()),
        facet("Action", actions.filter(there).collect()),
        facet("Outcome", outcomes.filter(there).collect()),
    ];
    if let Some(plan) = &tallies.plan {
        let held = plan.rules.iter().filter(|(model, _)| wanted.is_of_model(model));
        let mut rules: Vec<HoldRule> = held.flat_map(|(_, held)| held.keys()).filter_map(|name| rule(name)).collect();
        rules.extend(wanted.rule);
        rules.sort_unstable();
        rules.dedup();
        let rules = rules.into_iter().map(|rule| {
            let of_rule = Wanted { rule: Some(rule), ..wanted.clone() };
            value(words::hold(rule).to_owned(), None, &of_rule, "rule", rule.as_str(), wanted.rule == Some(rule))
        });
        all.push(facet("Held by", rules.filter(there).collect()));
    }
    // Once something has come of a plan, what is asked for can be let go.
    if tallies.plan.as_ref().is_some_and(|plan| !plan.is_open) {
        let named = wanted.site.as_ref().map(|site| ("Site", "site", site_name(site)));
        let named = named.into_iter().chain(wanted.field.clone().map(|field| ("Field", "field", field)));
        all.extend(
            named.map(|(label, name, text)| facet(label, vec![value(clean(&text), None, wanted, name, &text, true)])),
        );
    }
    if let Some(plan) = tallies.plan.as_ref().filter(|plan| plan.is_open) {
        let of_site = |site: &AnyKey| Wanted { site: Some(site.clone()), ..wanted.clone() };
        let is_chosen = |site: &AnyKey| wanted.site.as_ref() == Some(site);
        let shown = |site: &AnyKey| {
            let name = site_name(site);
            value(clean(&name), None, &of_site(site), "site", &name, is_chosen(site))
        };
        let named = plan.sites.iter().map(|(site, _)| shown(site)).filter(there).enumerate();
        let mut values: Vec<_> = named.filter(|(at, site)| *at < NAMED || site.chosen).map(|(_, site)| site).collect();
        if let Some(site) = wanted.site.as_ref().filter(|_| !values.iter().any(|value| value.chosen)) {
            values.push(shown(site));
        }
        all.push(facet("Site", values));
        let mut updated: BTreeMap<&str, u64> = BTreeMap::new();
        for (_, fields) in plan.fields.iter().filter(|(model, _)| wanted.is_of_model(model)) {
            for (field, count) in fields {
                *updated.entry(field).or_default() += count;
            }
        }
        let mut updated: Vec<_> = updated.into_iter().collect();
        updated.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let is_chosen = |field: &str| wanted.field.as_deref() == Some(field);
        let named = updated.iter().enumerate().filter(|(at, (field, _))| *at < NAMED || is_chosen(field));
        let values = named.map(|(_, (field, _))| {
            let of_field = Wanted { field: Some((*field).to_owned()), ..wanted.clone() };
            value(clean(field), None, &of_field, "field", field, is_chosen(field))
        });
        all.push(facet("Field", values.filter(there).collect()));
    }
    all.into_iter().filter(|facet| !facet.values.is_empty()).collect()
}

/// The rule with a name.
fn rule(name: &str) -> Option<HoldRule> {
    serde_json::from_value(name.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(held_actions: BTreeMap<String, HeldCounts>) -> PlanSummary {
        let held = BTreeMap::from([("policy".to_owned(), 2), ("first_run".to_owned(), 1)]);
        let model =
            ModelSummary { model: "device".to_owned(), create: 3, held, held_actions, ..ModelSummary::default() };
        PlanSummary { models: vec![model], ..PlanSummary::default() }
    }

    /// What the page of a plan offers, with its numbers.
    fn offered(summary: &PlanSummary, wanted: &Wanted) -> String {
        let tallies = Tallies::planned(summary).with_plan(summary, true);
        let facets = facets(&tallies, wanted, &Fields::EMPTY, "/", false);
        let value = |value: &FacetValue| {
            let count = value.count.map(|count| format!(" {count}")).unwrap_or_default();
            format!("{}{count}", value.label)
        };
        let line = |facet: &Facet| {
            format!("{}: {}", facet.label, facet.values.iter().map(value).collect::<Vec<_>>().join(", "))
        };
        facets.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_held_is_counted_by_action_and_what_there_is_none_of_is_not_offered() {
        let actions = |create, update| HeldCounts { create, update, delete: 0 };
        let counted = BTreeMap::from([("policy".to_owned(), actions(1, 1)), ("first_run".to_owned(), actions(0, 1))]);
        let counted = summary(counted);
        insta::assert_snapshot!(offered(&counted, &Wanted::default()), @"
        Model: devices 6
        Action: create 4, update 2
        Outcome: planned 3, held 3
        Held by: first run 1, no deletes 2
        ");
        let creates = Wanted { action: Some(Action::Create), ..Wanted::default() };
        insta::assert_snapshot!(offered(&counted, &creates), @"
        Model: devices 4
        Action: create 4, update 2
        Outcome: planned 3, held 1
        Held by: no deletes 1
        ");
        let by_policy = Wanted { rule: Some(HoldRule::Policy), ..Wanted::default() };
        insta::assert_snapshot!(offered(&counted, &by_policy), @"
        Model: devices 2
        Action: create 1, update 1
        Outcome: held 2
        Held by: first run 1, no deletes 2
        ");
        // A plan from before they were counted tells no numbers that could be wrong.
        insta::assert_snapshot!(offered(&summary(BTreeMap::new()), &Wanted::default()), @"
        Model: devices 6
        Action: create, update, delete
        Outcome: planned 3, held 3
        Held by: first run 1, no deletes 2
        ");
    }

    #[test]
    fn a_site_is_named_as_people_write_it() {
        for text in [r#"["atl"]"#, r#"["a b"]"#, r#"["[x]"]"#, r#"["a","b"]"#, r#"[" a"]"#] {
            let site = AnyKey::parse(text).unwrap();
            assert_eq!(named_site(&site_name(&site)), Some(site), "{text}");
        }
        assert_eq!(site_name(&AnyKey::parse(r#"["atl"]"#).unwrap()), "atl");
        assert_eq!(named_site("[nothing"), None);
    }
}
