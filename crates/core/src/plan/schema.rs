//! The JSON schema of a plan, made from the types that are written.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::{Binding, FORMAT, PlanHeader, PlanSummary};
use crate::change::Change;

/// The JSON schema (draft 2020-12) of a plan in the format [`FORMAT`].
///
/// It accepts every plan of the format, also those from before a field was added. What it cannot say: the order of the
/// members, one change on a line, and the hash over both. A plan that was reformatted is valid JSON of this schema and is
/// not applied.
pub fn schema() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<PlanDocument>().to_value()
}

/// A plan: the ordered changes that a run computed, saved and applied exactly as saved. Creates and updates come parents
/// first, deletes children first.
#[derive(JsonSchema)]
#[schemars(title = "Syncline plan", deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "only described: a plan is written and read member by member, as it may not fit in memory"
)]
pub struct PlanDocument {
    /// The format and its version.
    #[schemars(schema_with = "format")]
    format: String,
    /// What the plan was made from, and for whom.
    header: PlanHeader,
    /// The records of the target that changes refer to.
    bindings: Vec<Binding>,
    /// The records of the target that become Syncline's own when the plan is applied (`policy.adopt`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    adopted: Vec<Binding>,
    /// The changes in the order in which they are applied.
    changes: Vec<Change>,
    /// What the plan amounts to.
    summary: PlanSummary,
    /// BLAKE3 of every byte before the line of this member.
    #[schemars(regex(pattern = "^blake3:[0-9a-f]{64}$"))]
    hash: String,
}

fn format(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"const": FORMAT})
}
