//! The promises.

use std::fmt;

/// What a connector promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// K1: settings are read strictly, and no secret is ever shown.
    Settings,
    /// K2: what is wrong with a connection is told apart: wrong secret, wrong host, no permission.
    Connection,
    /// K3: what is read twice is the same, with pages of any size.
    RepeatedReads,
    /// K4: a read that is cut short is never taken for complete.
    CutReads,
    /// K5: what was written is there: each record, and each field alone.
    RoundTrip,
    /// K6: what is gone is deleted, in the order of references; deleting what is gone already is no failure.
    Deletes,
    /// K7: a lost answer makes no second record.
    LostAnswers,
    /// K8: one record that is refused takes no other with it, and is named.
    RefusedRecords,
    /// K9: what somebody changed since it was read is not overwritten.
    Preconditions,
    /// K10: a system that asks for time gets it, and who cancels does not wait.
    Pacing,
    /// K11: a dry run writes nothing.
    DryRuns,
    /// K12: names that are almost the same are not taken for one another.
    ExactMatches,
    /// K13: what is read is written as the models write it, so that nothing differs by its spelling.
    Normalisation,
    /// K14: memory does not grow with the number of records.
    Memory,
    /// K15: what is not proven has a reason.
    Skips,
}

impl Check {
    /// All of them, in their order.
    pub const ALL: [Self; 15] = [
        Self::Settings,
        Self::Connection,
        Self::RepeatedReads,
        Self::CutReads,
        Self::RoundTrip,
        Self::Deletes,
        Self::LostAnswers,
        Self::RefusedRecords,
        Self::Preconditions,
        Self::Pacing,
        Self::DryRuns,
        Self::ExactMatches,
        Self::Normalisation,
        Self::Memory,
        Self::Skips,
    ];

    /// Its number: `K1`.
    pub fn id(self) -> String {
        let position = Self::ALL.iter().position(|check| *check == self).unwrap_or_default();
        format!("K{}", position + 1)
    }

    /// Whether it writes to the system, which it wants empty.
    pub fn writes(self) -> bool {
        matches!(
            self,
            Self::RoundTrip
                | Self::Deletes
                | Self::LostAnswers
                | Self::RefusedRecords
                | Self::Preconditions
                | Self::ExactMatches
        )
    }

    /// What it is about.
    pub fn title(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Connection => "connection",
            Self::RepeatedReads => "repeated reads",
            Self::CutReads => "cut reads",
            Self::RoundTrip => "round trip",
            Self::Deletes => "deletes",
            Self::LostAnswers => "lost answers",
            Self::RefusedRecords => "refused records",
            Self::Preconditions => "preconditions",
            Self::Pacing => "pacing",
            Self::DryRuns => "dry runs",
            Self::ExactMatches => "exact matches",
            Self::Normalisation => "normalisation",
            Self::Memory => "memory",
            Self::Skips => "skips",
        }
    }

    /// What is promised, as a sentence.
    pub fn promise(self) -> &'static str {
        match self {
            Self::Settings => "Settings are read strictly, and no secret is ever shown.",
            Self::Connection => {
                "What is wrong with a connection is told apart: wrong secret, wrong host, no permission."
            }
            Self::RepeatedReads => "What is read twice is the same, with pages of any size.",
            Self::CutReads => "A read that is cut short is never taken for complete.",
            Self::RoundTrip => "What was written is there: each record, and each field alone.",
            Self::Deletes => {
                "What is gone is deleted, in the order of references; deleting what is gone already is no failure."
            }
            Self::LostAnswers => "A lost answer makes no second record.",
            Self::RefusedRecords => "One record that is refused takes no other with it, and is named.",
            Self::Preconditions => "What somebody changed since it was read is not overwritten.",
            Self::Pacing => "A system that asks for time gets it, and who cancels does not wait.",
            Self::DryRuns => "A dry run writes nothing.",
            Self::ExactMatches => "Names that are almost the same are not taken for one another.",
            Self::Normalisation => {
                "What is read is written as the models write it, so that nothing differs by its spelling."
            }
            Self::Memory => "Memory does not grow with the number of records.",
            Self::Skips => "What is not proven has a reason.",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.id(), self.title())
    }
}
