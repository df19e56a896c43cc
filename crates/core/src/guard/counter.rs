//! The guards that judge the changes themselves, counted while they go by.

use std::collections::{BTreeMap, HashMap};

use syncline_model::{AnyKey, DeletionClass, ModelSchema};

use super::limits::{Limit, Limits};
use super::{Demand, Guard, Guards, Verdict, exceeds};
use crate::bindings::hash;
use crate::change::{Action, Change};
use crate::diff::DiffCounts;

/// More deletes than this share of a model always need approval, whatever the settings say: a second brake, that no policy
/// can widen …
const DELETES_ALWAYS_ASKED_PERCENT: u64 = 50;
/// … from this many deletes on.
const DELETES_ALWAYS_ASKED_FROM: u64 = 25;
/// How many sites an objection names.
const SITES_NAMED: usize = 5;

/// The records of a model that both sides have, by site: its key as canonical JSON.
pub type SiteShares = HashMap<Box<str>, u64>;

/// What is judged, beside the changes that were counted.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// What the comparison of the model found.
    pub found: &'a DiffCounts,
    /// The records that both sides have, by site. A site that is not among them is not judged.
    pub shares: &'a SiteShares,
    /// What is known of the target's records that are not counted.
    pub others: Others,
    /// Nothing is refused: what would be, needs approval.
    pub only_asks: bool,
    /// All changes are made or none.
    pub all_or_nothing: bool,
}

/// The target's records that no share is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// What only the target has is not decided yet, and not counted.
    Undecided,
    /// They are held.
    Held {
        /// Those that are held because they are not Syncline's.
        not_ours: u64,
    },
}

/// Counts what the guards judge while a model's changes go by.
#[derive(Debug, Default)]
pub struct GuardCounter {
    updates: u64,
    deletes: u64,
    /// Updates that take a value away.
    nulled: u64,
    /// How often each field loses its value.
    nulled_fields: BTreeMap<String, u64>,
    /// How often a field gets a value, by their hash.
    same_values: HashMap<u128, u64>,
    /// The most frequent of them.
    most: Option<SameValue>,
    /// Updates and deletes by site.
    sites: HashMap<Box<str>, SiteCount>,
    /// Changes that the target would refuse.
    refused: u64,
    /// The first of them, with its reason.
    first_refused: Option<String>,
}

#[derive(Debug)]
struct SameValue {
    field: String,
    value: String,
    records: u64,
}

#[derive(Debug, Default)]
struct SiteCount {
    updates: u64,
    deletes: u64,
}

/// A part of a total that is beyond a limit.
#[derive(Debug, Clone, Copy)]
struct Excess<'a> {
    part: u64,
    total: u64,
    demand: Demand,
    limit: Limit<'a>,
}

impl GuardCounter {
    /// Looks at a change that will be applied, of a record at the site with this key, as canonical JSON.
    pub fn count(&mut self, change: &Change, site: Option<&str>) {
        if let Some(refusal) = &change.refusal {
            self.refused += 1;
            self.first_refused.get_or_insert_with(|| format!("{}: {}", change.key, refusal.reason));
        }
        if change.action != Action::Create
            && let Some(site) = site
        {
            let count = match self.sites.get_mut(site) {
                Some(count) => count,
                None => self.sites.entry(site.into()).or_default(),
            };
            match change.action {
                Action::Update => count.updates += 1,
                Action::Delete | Action::Create => count.deletes += 1,
            }
        }
        match change.action {
            Action::Create => {}
            Action::Delete => self.deletes += 1,
            Action::Update => self.count_update(change),
        }
    }

    fn count_update(&mut self, change: &Change) {
        self.updates += 1;
        let mut nulled = false;
        for field in &change.fields {
            if field.after.is_null() {
                nulled = true;
                *self.nulled_fields.entry(field.name.clone()).or_default() += 1;
                continue;
            }
            let value = field.after.to_string();
            let records = self.same_values.entry(hash(&field.name, &value)).or_default();
            *records += 1;
            if self.most.as_ref().is_none_or(|most| *records > most.records) {
                self.most = Some(SameValue { field: field.name.clone(), value, records: *records });
            }
        }
        self.nulled += u64::from(nulled);
    }

    /// The objections for a model. Starts over for the next one.
    pub fn judge(&mut self, schema: &ModelSchema, judged: &Judged<'_>, guards: &Guards) -> Vec<Verdict> {
        let Judged { found: counts, shares, others, only_asks, all_or_nothing } = *judged;
        let mut counted = std::mem::take(self);
        if schema.deletion == DeletionClass::Passing {
            // What is over may go, all of it at once.
            counted.deletes = 0;
            counted.sites.values_mut().for_each(|site| site.deletes = 0);
        }
        let model = schema.name;
        let limits = Limits::of(guards, model, None);
        // What the sync manages: foreign records of the target, which are absent and held, would thin every share.
        let total = counts.unchanged + counts.update + counted.deletes;
        let others = others.told(counts.target, total);
        let mut verdicts = Vec::new();
        let mut object = |guard, demand, reason| {
            verdicts.push(Verdict { guard, model: model.to_owned(), demand, reason });
        };

        if counted.deletes > 0 && schema.deletion == DeletionClass::Standalone {
            let reason = match counted.deletes {
                1 => format!("a {} would be deleted, and what hangs on it", schema.label),
                deletes => format!("{deletes} {} would be deleted, and what hangs on them", schema.plural),
            };
            object(Guard::Deletes, Demand::Approval, reason);
        }
        if let Some(excess) = too_many_deletes(counted.deletes, total, &limits, only_asks) {
            object(Guard::Deletes, excess.demand, excess.told("", "deleted", &others));
        } else if counted.deletes > DELETES_ALWAYS_ASKED_FROM
            && exceeds(counted.deletes, total, DELETES_ALWAYS_ASKED_PERCENT)
        {
            let (deletes, percent) = (counted.deletes, DELETES_ALWAYS_ASKED_PERCENT);
            let reason = format!(
                "{deletes} of {total} records would be deleted{others}; more than {percent} % are never deleted without approval"
            );
            object(Guard::Deletes, Demand::Approval, reason);
        }
        if let Some(excess) = too_many_updates(counted.updates, total, &limits) {
            object(Guard::Updates, excess.demand, excess.told("", "updated", &others));
        }
        if let Some(most) = &counted.most
            && let Some(excess) = excess(most.records, total, &limits.updates_allowed, &limits.same_value)
        {
            let reason = format!(
                "`{}` would become {} on {} of {total} records{others}; the limit is {}",
                most.field, most.value, most.records, excess.limit
            );
            object(Guard::SameValue, excess.demand, reason);
        }
        if let Some(excess) = excess(counted.nulled, total, &limits.updates_allowed, &limits.nulled) {
            let most = counted.nulled_fields.iter().max_by_key(|(name, records)| (**records, std::cmp::Reverse(*name)));
            let most = most.map(|(name, records)| format!(" (`{name}` on {records})")).unwrap_or_default();
            let reason = format!(
                "{} of {total} records would lose a value{most}{others}; the limit is {}",
                counted.nulled, excess.limit
            );
            object(Guard::Nulled, excess.demand, reason);
        }

        if all_or_nothing && let Some(first) = &counted.first_refused {
            let changes = if counted.refused == 1 { "change" } else { "changes" };
            let reason = format!(
                "the target would refuse {} {changes}, and the sync does all or nothing (`policy.all_or_nothing`): {first}",
                counted.refused
            );
            object(Guard::RefusedChanges, Demand::Refusal, reason);
        }

        let whole = (counted.updates, counted.deletes, total);
        for (guard, demand, reason) in judge_sites(&counted.sites, whole, (shares, only_asks), model, guards) {
            object(guard, demand, reason);
        }
        verdicts
    }
}

/// Judges each site's part of a model. The sites with the same objection are told in one, the worst by name.
fn judge_sites(
    sites: &HashMap<Box<str>, SiteCount>,
    whole: (u64, u64, u64),
    (shares, only_asks): (&SiteShares, bool),
    model: &str,
    guards: &Guards,
) -> Vec<(Guard, Demand, String)> {
    let slugs: Vec<_> = sites.keys().map(|key| (&**key, AnyKey::from_canonical(key).to_string())).collect();
    let mut found: BTreeMap<(Guard, Demand), Vec<(&str, Excess<'_>)>> = BTreeMap::new();
    for (key, slug) in &slugs {
        let (Some(count), Some(in_both)) = (sites.get(*key), shares.get(*key)) else { continue };
        let total = in_both + count.deletes;
        let limits = Limits::of(guards, model, Some(slug));
        let excesses = [
            (Guard::Deletes, too_many_deletes(count.deletes, total, &limits, only_asks)),
            (Guard::Updates, too_many_updates(count.updates, total, &limits)),
        ];
        for (guard, excess) in excesses {
            let Some(excess) = excess else { continue };
            // What is the whole model has been told.
            let is_whole = (count.updates, count.deletes, total) == whole && !excess.limit.is_of_site();
            if !is_whole {
                found.entry((guard, excess.demand)).or_default().push((slug, excess));
            }
        }
    }
    let told = found.into_iter().filter_map(|((guard, demand), mut sites)| {
        // The largest share first; among equals by name, so that the same plan has the same reasons.
        sites.sort_by(|(a, left), (b, right)| right.cmp_share(left).then_with(|| a.cmp(b)));
        let ((worst, excess), others) = sites.split_first()?;
        let done = if guard == Guard::Deletes { "deleted" } else { "updated" };
        let mut reason = excess.told(&format!(" at the site `{worst}`"), done, "");
        if !others.is_empty() {
            let named: Vec<_> = others.iter().take(SITES_NAMED).map(|(site, _)| format!("`{site}`")).collect();
            let more = others.len().saturating_sub(SITES_NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            reason = format!("{reason}; so it is at {}{more}", named.join(", "));
        }
        Some((guard, demand, reason))
    });
    told.collect()
}

impl Others {
    /// What is to be said of records that a share is not of.
    fn told(self, target: u64, total: u64) -> String {
        let others = target.saturating_sub(total);
        match self {
            _ if others == 0 => String::new(),
            Self::Undecided => format!(" (the target has {target}; only what both sides have is counted)"),
            Self::Held { not_ours } if not_ours >= others => {
                format!(" (the target has {target}; the other {others} are not Syncline's and not counted)")
            }
            Self::Held { not_ours: 0 } => {
                format!(" (the target has {target}; the other {others} are held and not counted)")
            }
            Self::Held { not_ours } => format!(
                " (the target has {target}; the other {others} are held and not counted, {not_ours} of them because they are not \
                 Syncline's)"
            ),
        }
    }
}

impl Excess<'_> {
    fn told(&self, place: &str, done: &str, others: &str) -> String {
        let Self { part, total, limit, .. } = self;
        format!("{part} of {total} records{place} would be {done}{others}; the limit is {limit}")
    }

    fn cmp_share(&self, other: &Self) -> std::cmp::Ordering {
        let share = |a: &Self, b: &Self| u128::from(a.part) * u128::from(b.total);
        share(self, other).cmp(&share(other, self))
    }
}

/// Where nothing is refused, the limit that asks is the one that is named, unless only the other one is exceeded.
fn too_many_deletes<'a>(deletes: u64, total: u64, limits: &Limits<'a>, only_asks: bool) -> Option<Excess<'a>> {
    let approval = excess(deletes, total, &limits.deletes_allowed, &limits.deletes_approval);
    let refused = excess(deletes, total, &limits.deletes_allowed, &limits.deletes_refused);
    if only_asks {
        return approval.or(refused);
    }
    refused.map(|excess| Excess { demand: Demand::Refusal, ..excess }).or(approval)
}

fn too_many_updates<'a>(updates: u64, total: u64, limits: &Limits<'a>) -> Option<Excess<'a>> {
    excess(updates, total, &limits.updates_allowed, &limits.updates_approval)
}

/// An excess that needs approval.
fn excess<'a>(part: u64, total: u64, allowed: &Limit<'_>, limit: &Limit<'a>) -> Option<Excess<'a>> {
    let is_beyond = part > allowed.value && exceeds(part, total, limit.value);
    is_beyond.then_some(Excess { part, total, demand: Demand::Approval, limit: *limit })
}
