//! Whether a source has far fewer records than it used to.
//!
//! What is usual is the most that two complete runs in a row have had, since a person last approved a loss. The last run alone
//! would not do, nor the middle of the last few: a source that loses a little with every run would take them along on its way
//! down, and no single step would ever be too large. And a single run that had too many, or too few, does not count.
//!
//! Nobody needs to write down which loss was approved. A real run only completes when no guard objected or a person approved it,
//! so a complete run whose loss is beyond the limit is one that was approved, and its count is what is usual from then on. A
//! network that really shrinks asks once for each part of it that goes, and not for ever.

use super::limits::{Limit, Limits};
use super::{ALL_MODELS, Demand, Guard, Guards, Verdict, exceeds};

/// How many complete runs a source is compared with. Enough that losing 30 % over that many is no haste.
pub const EARLIER_RUNS: u64 = 200;

/// Losses of a scope up to this many records are none: small scopes move.
const SCOPE_LOSS_ALWAYS_ALLOWED: u64 = 25;

/// What complete runs had since a person last approved a loss.
#[derive(Debug, Clone, Copy)]
struct Usual {
    /// The most that two runs in a row had.
    confirmed: u64,
    /// The most that a run had.
    most: u64,
    /// What the last run had.
    last: u64,
}

impl Usual {
    fn from_one(records: u64) -> Self {
        Self { confirmed: records, most: records, last: records }
    }

    /// Goes through the counts of complete runs, newest first; none without any.
    fn of(earlier: &[u64], always_allowed: u64, percent: u64) -> Option<Self> {
        let (first, later) = earlier.split_last()?;
        Some(later.iter().rev().fold(Self::from_one(*first), |usual, records| {
            if usual.is_lost(*records, always_allowed, percent) {
                return Self::from_one(*records);
            }
            Self {
                confirmed: usual.confirmed.max(usual.last.min(*records)),
                most: usual.most.max(*records),
                last: *records,
            }
        }))
    }

    /// Whether a count is too small. A handful of records may go without anybody asking, but never all of them.
    fn is_lost(&self, records: u64, always_allowed: u64, percent: u64) -> bool {
        let lost = self.confirmed.saturating_sub(records);
        (records == 0 && self.most > 0) || (lost > always_allowed && exceeds(lost, self.confirmed, percent))
    }

    /// What is lost. `rejected` are the records that could not be taken over: the source has them all the same.
    fn loss(&self, records: u64, limit: &Limit<'_>, rejected: Option<&str>) -> String {
        let Self { most, confirmed: usual, .. } = self;
        match (records, rejected) {
            (0, None) => {
                format!("the source has no records left where complete runs had {most}; nobody takes that for granted")
            }
            (0, Some(rejected)) => format!("no records are left where complete runs had {most}: {rejected}"),
            (_, None) => format!(
                "the source has {records} records where complete runs had {usual}; the limit is a loss of {limit}"
            ),
            (_, Some(rejected)) => format!(
                "{records} records are left where complete runs had {usual}, the limit is a loss of {limit}; {rejected}"
            ),
        }
    }
}

/// Compares the records of a source with those of earlier complete runs, newest first: an objection when too many are gone. `rejected`
/// says which records could not be taken over.
pub fn shrinkage(
    model: &str,
    records: u64,
    earlier: &[u64],
    guards: &Guards,
    rejected: Option<&str>,
) -> Option<Verdict> {
    let limits = Limits::of(guards, model, None);
    let (allowed, percent) = (limits.deletes_allowed.value, limits.source_shrank.value);
    let usual = Usual::of(earlier, allowed, percent)?;
    usual.is_lost(records, allowed, percent).then(|| {
        let reason = usual.loss(records, &limits.source_shrank, rejected);
        Verdict { guard: Guard::SourceShrank, model: model.to_owned(), demand: Demand::Approval, reason }
    })
}

/// Compares the records of all models together with those of earlier complete runs: an objection when the scope collapsed,
/// though each model by itself may be within its limit. For each model, what it has and what earlier runs had, newest first. `rejected`
/// says which records could not be taken over.
pub fn scope_collapse(models: &[(u64, Vec<u64>)], guards: &Guards, rejected: Option<&str>) -> Option<Verdict> {
    // A model without history says nothing: it was not synced before.
    let known = || models.iter().filter(|(_, earlier)| !earlier.is_empty());
    let runs = known().map(|(_, earlier)| earlier.len()).min()?;
    let earlier: Vec<u64> = (0..runs).map(|run| known().map(|(_, earlier)| earlier[run]).sum()).collect();
    let records: u64 = known().map(|(records, _)| records).sum();
    let limit = Limit::general(guards.scope_collapsed_percent, "scope_collapsed_percent");
    let usual = Usual::of(&earlier, SCOPE_LOSS_ALWAYS_ALLOWED, limit.value)?;
    usual.is_lost(records, SCOPE_LOSS_ALWAYS_ALLOWED, limit.value).then(|| Verdict {
        guard: Guard::ScopeCollapsed,
        model: ALL_MODELS.to_owned(),
        demand: Demand::Approval,
        reason: usual.loss(records, &limit, rejected),
    })
}
