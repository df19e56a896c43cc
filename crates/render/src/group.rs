//! The parts of a plan that stand together, counted.

use syncline_core::applied::Cause;
use syncline_core::change::{Action, Change};
use syncline_core::plan::{ModelSummary, PlanHeader, PlanReader, PlanSummary};

use crate::RenderError;
use crate::text::count;
use crate::words;

/// What is known of a plan before its changes are written.
pub struct Outline<'a> {
    /// What the plan was made from, and for whom.
    pub header: &'a PlanHeader,
    /// Its counts, by model.
    pub summary: &'a PlanSummary,
    /// Its hash.
    pub hash: &'a str,
    /// Its changes, counted, in the order of the plan.
    pub groups: Vec<Group>,
    /// Updates to be applied that write over what somebody changed in the target.
    pub overwrites: u64,
    /// Fields that differ and stay as the target has them.
    pub keeps: u64,
}

/// What the changes of a group do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupKind {
    /// They clear references, before everything else.
    Releases,
    /// They create and update.
    Writes,
    /// They delete.
    Deletes,
}

/// Changes of one model that follow one another and do the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The model.
    pub model: String,
    /// What the changes do.
    pub kind: GroupKind,
    /// How many there are.
    pub counts: Counts,
}

/// Changes by what becomes of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Creates to be applied.
    pub create: u64,
    /// Updates to be applied.
    pub update: u64,
    /// Deletes to be applied.
    pub delete: u64,
    /// Changes that are held back.
    pub held: u64,
}

impl<'a> Outline<'a> {
    /// Reads a plan to count its changes.
    pub fn of(plan: &'a PlanReader) -> Result<Self, RenderError> {
        // They stand before all others.
        let mut releases: u64 = plan.summary().models.iter().map(|model| model.release).sum();
        let mut groups: Vec<Group> = Vec::new();
        let (mut overwrites, mut keeps) = (0, 0);
        for change in plan.changes()? {
            let change = change?;
            let kind = match change.action {
                Action::Delete => GroupKind::Deletes,
                _ if releases > 0 => GroupKind::Releases,
                _ => GroupKind::Writes,
            };
            releases = releases.saturating_sub(1);
            if !groups.last().is_some_and(|group| group.kind == kind && group.model == change.model) {
                groups.push(Group { model: change.model.clone(), kind, counts: Counts::default() });
            }
            if let Some(group) = groups.last_mut() {
                group.counts.add(&change);
            }
            keeps += change.kept.len() as u64;
            let drifted = |cause: Cause| matches!(cause, Cause::TargetDrifted | Cause::Both);
            overwrites += u64::from(change.hold.is_none() && change.fields.iter().any(|field| drifted(field.cause)));
        }
        Ok(Self { header: plan.header(), summary: plan.summary(), hash: plan.hash(), groups, overwrites, keeps })
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
            return format!("nothing to do: {}", words::equal(self.equal()));
        }
        format!("{parts}, {} equal", count(self.equal()))
    }

    /// What is to be said of records that the target had before.
    pub fn adoption(&self) -> Option<String> {
        let sum = |of: fn(&ModelSummary) -> u64| self.summary.models.iter().map(of).sum();
        words::adoption(self.summary.to_adopt(), sum(|model| model.create), sum(ambiguous), self.header.adopts)
    }

    /// The reads that prove no absence: the side, the model, why.
    pub fn doubts(&self) -> impl Iterator<Item = (&'static str, &str, &str)> {
        // An undo compares the target with itself.
        let source = (self.header.undoes.is_none()).then_some(("source", &self.header.source));
        let sides = source.into_iter().chain([("target", &self.header.target)]);
        sides.flat_map(|(name, side)| {
            side.reads.iter().filter_map(move |(model, read)| Some((name, model.as_str(), read.doubt.as_deref()?)))
        })
    }
}

/// The changes of a model that are held because nobody knows which record is meant.
pub fn ambiguous(model: &ModelSummary) -> u64 {
    model.held.get("ambiguous").copied().unwrap_or_default()
}

impl Group {
    /// The model's name for many of its records.
    pub fn label(&self) -> String {
        words::plural_of(&self.model)
    }

    /// What the group amounts to.
    pub fn words(&self) -> String {
        match self.kind {
            GroupKind::Releases if self.counts.update == 1 => "1 reference to clear first".to_owned(),
            GroupKind::Releases => format!("{} references to clear first", count(self.counts.update)),
            GroupKind::Writes | GroupKind::Deletes => self.counts.words(),
        }
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
