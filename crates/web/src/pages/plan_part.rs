//! Which changes of a run a page shows.
//!
//! The changes of a run that has done something, of a dry one and of one that a guard refused are in the history. Those of a plan
//! that waits for a person are in its file alone; of that, the part is read that is shown. What only a plan tells apart is read there, too,
//! once something has come of it, and the history tells what.

use std::collections::HashMap;
use std::sync::Arc;

use syncline_core::change::Change;
use syncline_core::history::{ChangeFilter, OutcomeKind, Run, StoredChange};
use syncline_core::plan::{PartFilter, PlanExcerpt, PlanPart};
use syncline_core::{Error, ErrorKind, Result};

use super::change_row::{Row, SHORT, Says, fold};
use super::facets::Wanted;
use crate::ApiState;

/// How many changes a page has.
const PAGE: u64 = 100;
/// How many changes a page looks at to fold those that say the same, and how many lines may come of them.
const FOLDED: u64 = 1000;
const LINES: usize = 100;

/// A part of the changes.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// Which are wanted.
    pub wanted: &'a Wanted,
    /// Behind which place it begins.
    pub after: Option<u64>,
    /// Whether those are one line that say the same.
    pub folds: bool,
}

/// What of the changes is shown.
#[derive(Debug, Default)]
pub struct Shown {
    /// A line each.
    pub rows: Vec<Row>,
    /// Where the next part begins; none behind the last one.
    pub next: Option<u64>,
    /// Only so much was looked through: what comes behind may have more.
    pub cut_short: bool,
}

/// A change as far as it is known.
#[derive(Debug, Clone, Copy)]
enum Known<'a> {
    Planned(&'a Change),
    Stored(&'a StoredChange),
}

impl Part<'_> {
    /// Of what the history has.
    pub async fn of_history(&self, state: &ApiState, run: &Run) -> Result<Shown> {
        let Wanted { model, action, outcome, rule, .. } = self.wanted.clone();
        let filter = ChangeFilter { model, action, outcome, rule };
        let found = state.runner.history().changes(run.id, &filter, self.after, self.limit()).await?;
        let known: Vec<_> =
            found.items.iter().map(|change| (change.seq.saturating_sub(1), Known::Stored(change))).collect();
        Ok(self.shown(&known, found.next, false))
    }

    /// Of a plan: while it `is_open` nothing has come of it, else the history knows what.
    pub async fn of_plan(&self, state: &ApiState, run: &Run, plan: &Arc<PlanExcerpt>, is_open: bool) -> Result<Shown> {
        let wanted = self.wanted;
        let has = |kind| wanted.outcome.contains(&kind);
        let held = match (has(OutcomeKind::Planned), has(OutcomeKind::Held)) {
            _ if wanted.outcome.is_empty() || !is_open => None,
            (true, true) => None,
            (true, false) => Some(false),
            (false, true) => Some(true),
            // Nothing has come of a plan yet.
            (false, false) => return Ok(Shown::default()),
        };
        let Wanted { model, action, rule, site, field, .. } = wanted.clone();
        let filter = PartFilter { model, action, held, rule, site, field };
        let limit = usize::try_from(self.limit()).unwrap_or(usize::MAX);
        let (plan, after) = (Arc::clone(plan), self.after);
        let looked = tokio::task::spawn_blocking(move || plan.part(&filter, after, limit)).await;
        let looked =
            looked.map_err(|cause| Error::new(ErrorKind::Internal, "the plan was not read").caused_by(cause))?;
        let PlanPart { changes, next } = looked?;
        let came = match is_open {
            true => HashMap::new(),
            false => state.runner.history().came_of(run.id, changes.iter().map(|(_, change)| change)).await?,
        };
        let known = changes
            .iter()
            .map(|(place, change)| (*place, came.get(&change.id).map_or(Known::Planned(change), Known::Stored)));
        let is_wanted = |known: &Known<'_>| wanted.outcome.is_empty() || has(known.says().outcome);
        let known: Vec<_> = known.filter(|(_, known)| is_open || is_wanted(known)).collect();
        Ok(self.shown(&known, next, next.is_some() && known.len() < limit))
    }

    fn limit(&self) -> u64 {
        if self.folds { FOLDED } else { PAGE }
    }

    /// Changes, each with the place behind which a part begins with it.
    fn shown(&self, known: &[(u64, Known<'_>)], next: Option<u64>, cut_short: bool) -> Shown {
        let rows = known.iter().map(|(_, known)| known.row()).collect();
        if !self.folds {
            return Shown { rows, next, cut_short };
        }
        let (rows, taken) = fold(rows, known.iter().map(|(_, known)| known.says()), LINES);
        let rest = known.get(taken).map(|(place, _)| *place);
        Shown { rows, cut_short: cut_short && rest.is_none(), next: rest.or(next) }
    }
}

impl<'a> Known<'a> {
    fn row(self) -> Row {
        match self {
            Self::Planned(change) => Row::planned(change, &SHORT),
            Self::Stored(change) => Row::stored(change, &SHORT),
        }
    }

    fn says(self) -> Says<'a> {
        match self {
            Self::Planned(change) => Says::planned(change),
            Self::Stored(change) => Says::stored(change),
        }
    }
}
