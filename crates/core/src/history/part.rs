//! Runs about a part of their sync, which say nothing of the rest.

use sea_orm::{ColumnTrait, Condition};

use super::entity::run;
use super::{Purpose, Run, RunSettings};
use crate::scope::Scope;

impl Run {
    /// Whether the run is about a part of its sync, which somebody chose.
    pub fn is_part(&self) -> bool {
        self.options.scope.is_some()
    }
}

/// The runs that are not about a part of their sync, nor apply the plan of one that is: those have the run that made it as subject.
pub(super) fn not_a_part() -> Condition {
    let applies_all =
        Condition::any().add(run::Column::Purpose.ne(Purpose::Apply.as_str())).add(run::Column::Subject.is_null());
    Condition::all().add(run::Column::Purpose.ne(Purpose::Part.as_str())).add(applies_all)
}

/// The same for statements that are written down, about the run `r`.
pub(super) const NOT_A_PART: &str = r#"r."purpose" <> 'part' AND (r."purpose" <> 'apply' OR r."subject" IS NULL)"#;

/// The part of its sync that a run is about. What cannot be read is no part that anybody asks for.
pub(super) fn scope_of(row: &run::Model) -> Option<Scope> {
    serde_json::from_str::<RunSettings>(&row.options).ok()?.scope
}
