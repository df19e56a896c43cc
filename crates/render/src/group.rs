//! The parts of a plan that stand together, counted.

use syncline_core::change::{Action, Change};
use syncline_core::plan::{PlanHeader, PlanReader, PlanSummary};

use crate::RenderError;
use crate::text::count;

/// What is known of a plan before its changes are written.
pub struct Outline<'a> {
    pub header: &'a PlanHeader,
    pub summary: &'a PlanSummary,
    pub hash: &'a str,
    pub groups: Vec<Group>,
}

/// Changes of one model that follow one another: creates and updates, or deletes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    pub model: String,
    pub deletes: bool,
    pub counts: Counts,
}

/// Changes by what becomes of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub create: u64,
    pub update: u64,
    pub delete: u64,
    pub held: u64,
}

impl<'a> Outline<'a> {
    /// Reads a plan to count its changes.
    pub fn of(plan: &'a PlanReader) -> Result<Self, RenderError> {
        let mut groups: Vec<Group> = Vec::new();
        for change in plan.changes()? {
            let change = change?;
            if !groups.last().is_some_and(|group| group.holds(&change)) {
                groups.push(Group::of(&change));
            }
            if let Some(group) = groups.last_mut() {
                group.counts.add(&change);
            }
        }
        Ok(Self { header: plan.header(), summary: plan.summary(), hash: plan.hash(), groups })
    }

    /// Every change that is applied, and those held back.
    pub fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        self.groups.iter().for_each(|group| sum.join(group.counts));
        sum
    }

    /// Records that are equal on both sides.
    pub fn equal(&self) -> u64 {
        self.summary.models.iter().map(|model| model.found.unchanged).sum()
    }

    /// What the plan amounts to, in a few words.
    pub fn totals(&self) -> String {
        let parts = self.counts().words();
        if parts.is_empty() {
            return format!("nothing to do: {} records are equal on both sides", count(self.equal()));
        }
        format!("{parts}, {} equal", count(self.equal()))
    }

    /// The reads that prove no absence: the side, the model, why.
    pub fn doubts(&self) -> impl Iterator<Item = (&'static str, &str, &str)> {
        let sides = [("source", &self.header.source), ("target", &self.header.target)];
        sides.into_iter().flat_map(|(name, side)| {
            side.reads.iter().filter_map(move |(model, read)| Some((name, model.as_str(), read.doubt.as_deref()?)))
        })
    }
}

impl Group {
    fn of(change: &Change) -> Self {
        Self { model: change.model.clone(), deletes: change.action == Action::Delete, counts: Counts::default() }
    }

    /// Whether a change stands in this group.
    pub fn holds(&self, change: &Change) -> bool {
        self.model == change.model && self.deletes == (change.action == Action::Delete)
    }
}

impl Counts {
    /// Counts a change.
    pub fn add(&mut self, change: &Change) {
        let counter = match (&change.hold, change.action) {
            (Some(_), _) => &mut self.held,
            (None, Action::Create) => &mut self.create,
            (None, Action::Update) => &mut self.update,
            (None, Action::Delete) => &mut self.delete,
        };
        *counter += 1;
    }

    /// Adds others.
    pub fn join(&mut self, others: Self) {
        self.create += others.create;
        self.update += others.update;
        self.delete += others.delete;
        self.held += others.held;
    }

    /// All of them.
    pub fn all(self) -> u64 {
        self.create + self.update + self.delete + self.held
    }

    /// Those that there are, with their numbers: `3 to create, 1 held`.
    pub fn words(self) -> String {
        let parts = self.parts().map(|(number, what)| format!("{} {what}", count(number)));
        parts.collect::<Vec<_>>().join(", ")
    }

    /// Those that there are.
    pub fn parts(self) -> impl Iterator<Item = (u64, &'static str)> {
        let parts =
            [(self.create, "to create"), (self.update, "to update"), (self.delete, "to delete"), (self.held, "held")];
        parts.into_iter().filter(|(number, _)| *number > 0)
    }
}
