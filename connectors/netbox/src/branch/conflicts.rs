//! What was changed both in a branch and in main.
//!
//! The plugin keeps every object that a branch changed in three forms: as it was, as the branch has it, as main has it. Up to
//! version 1.1 it notes a conflict only when the branch changes what main has changed before, not the other way round. So the
//! three forms are compared here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use syncline_core::{Error, ErrorKind, Result};
use syncline_http::StatusError;

use crate::client::{ReadClient, RestPage};
use crate::tables::TABLES;
use crate::values::{Choice, Id, Ref};

/// Where the plugin lists what branches changed.
pub(super) const CHANGES: &str = "api/plugins/branching/changes/";
/// Longest value that is shown, in characters.
const SHOWN: usize = 60;

/// One object that a branch changed.
#[derive(Debug, Deserialize)]
struct Row {
    id: Id,
    branch: Option<Ref>,
    object_type: String,
    object_id: Id,
    #[serde(default)]
    object_repr: String,
    action: Choice,
    /// What the plugin itself noted.
    #[serde(default)]
    conflicts: Option<Vec<String>>,
    #[serde(default)]
    diff: Diff,
}

/// The fields that changed on either side.
#[derive(Debug, Default, Deserialize)]
struct Diff {
    #[serde(default)]
    original: Fields,
    /// In the branch; empty when it deleted the object.
    #[serde(default)]
    modified: Fields,
    /// In main; empty when the object was deleted there.
    #[serde(default)]
    current: Fields,
}

type Fields = BTreeMap<String, Value>;

/// A branch that NetBox does not merge.
#[derive(Debug, Deserialize)]
struct Refused {
    conflicts: Vec<RefusedRow>,
}

#[derive(Debug, Deserialize)]
struct RefusedRow {
    object_type: String,
    object_id: Id,
    #[serde(default)]
    object_repr: String,
    #[serde(default)]
    conflicts: Option<Vec<String>>,
}

/// What merging a branch would overwrite in main, a line for each object.
pub(super) async fn read(reader: &ReadClient, branch: u64) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut seen = BTreeSet::new();
    loop {
        let query = [
            ("branch_id", branch.to_string()),
            // What only the branch has is in nobody's way until it is merged.
            ("action", "update".to_owned()),
            ("action", "delete".to_owned()),
            ("fields", "id,branch,object_type,object_id,object_repr,action,conflicts,diff".to_owned()),
            ("limit", reader.page_size().to_string()),
            ("offset", seen.len().to_string()),
        ];
        let page: RestPage<Row> = reader.get(CHANGES, &query).await.map_err(readable)?;
        let is_last = page.next.is_none() || page.results.is_empty();
        // NetBox ignores a filter that it does not know: only rows of this branch count.
        let ours = |row: &Row| row.branch.is_some_and(|of| of.id == Id(branch));
        for row in page.results {
            if seen.insert(row.id.0) && ours(&row) {
                lines.extend(row.line());
            }
        }
        if is_last {
            let count = usize::try_from(page.count.unwrap_or_default()).unwrap_or(usize::MAX);
            if seen.len() < count {
                let message = format!(
                    "NetBox lists {} of the {count} changes of the branch: its conflicts are not known",
                    seen.len()
                );
                return Err(Error::new(ErrorKind::Protocol, message).temporary());
            }
            lines.sort();
            return Ok(lines);
        }
    }
}

/// The conflicts for which NetBox refuses a merge.
pub(super) fn refused(answer: &StatusError) -> Option<Vec<String>> {
    let refused: Refused = serde_json::from_value(answer.json()?).ok()?;
    let line = |row: RefusedRow| {
        let fields = row.conflicts.unwrap_or_default().join(", ");
        format!("{} in `{fields}`", label(&row.object_type, &row.object_repr, row.object_id))
    };
    Some(refused.conflicts.into_iter().map(line).collect())
}

pub(super) fn readable(error: Error) -> Error {
    if error.kind() != ErrorKind::Forbidden {
        return error;
    }
    let message =
        "the token lacks the permission `netbox_branching.view_changediff`: what a branch overwrites cannot be seen";
    Error::new(ErrorKind::Forbidden, message).caused_by(error)
}

impl Row {
    /// What main has changed too, for people; none when there is nothing.
    fn line(&self) -> Option<String> {
        let Diff { original, modified, current } = &self.diff;
        let who = label(&self.object_type, &self.object_repr, self.object_id);
        let changed = |side: &Fields, name: &str| side.get(name).is_some_and(|value| Some(value) != original.get(name));
        let names = |side: &Fields| {
            let names = original.keys().filter(|name| changed(side, name)).map(|name| format!("`{name}`"));
            names.collect::<Vec<_>>().join(", ")
        };
        if self.action.get() == Some("delete") {
            let fields = names(current);
            return (!fields.is_empty())
                .then(|| format!("{who}: deleted in the branch, and changed in NetBox since in {fields}"));
        }
        if current.is_empty() && !original.is_empty() {
            return Some(format!("{who}: changed in the branch in {}, and deleted in NetBox since", names(modified)));
        }
        let both = original.keys().filter(|name| changed(modified, name) && changed(current, name));
        let fields: Vec<_> = both
            .filter(|name| modified.get(*name) != current.get(*name))
            .map(|name| {
                let shown = |side: &Fields| side.get(name).map_or_else(|| "nothing".to_owned(), shorten);
                let (was, here, there) = (shown(original), shown(modified), shown(current));
                format!("`{name}` was {was}, is {there} in NetBox now and {here} in the branch")
            })
            .collect();
        if !fields.is_empty() {
            return Some(format!("{who}: {}", fields.join(", ")));
        }
        let noted = self.conflicts.as_ref().filter(|noted| !noted.is_empty())?;
        Some(format!("{who}: changed on both sides in {}", noted.join(", ")))
    }
}

/// An object for people: `site Bern`.
fn label(object_type: &str, repr: &str, id: Id) -> String {
    let known = TABLES.iter().find(|table| table.object_type == object_type);
    let kind = known.map_or(object_type, |table| table.schema.label);
    if repr.is_empty() { format!("{kind} with id {}", id.0) } else { format!("{kind} `{repr}`") }
}

fn shorten(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(action: &str, diff: Value) -> Option<String> {
        let row = json!({
            "id": 4, "branch": {"id": 1}, "object_type": "dcim.site", "object_id": 3, "object_repr": "Bern",
            "action": {"value": action, "label": action}, "conflicts": null, "diff": diff,
        });
        serde_json::from_value::<Row>(row).unwrap().line()
    }

    #[test]
    fn three_forms_tell_a_conflict() {
        let both = json!({
            "original": {"description": "", "facility": "a", "status": "active"},
            "modified": {"description": "branch", "facility": "a", "status": "planned"},
            "current": {"description": "main", "facility": "b", "status": "planned"},
        });
        insta::assert_snapshot!(
            line("update", both).unwrap(),
            @r#"site `Bern`: `description` was "", is "main" in NetBox now and "branch" in the branch"#
        );
        let deleted = json!({"original": {"description": ""}, "modified": {"description": "branch"}, "current": {}});
        insta::assert_snapshot!(
            line("update", deleted).unwrap(),
            @"site `Bern`: changed in the branch in `description`, and deleted in NetBox since"
        );
        let kept = json!({"original": {"description": ""}, "modified": {}, "current": {"description": "main"}});
        insta::assert_snapshot!(
            line("delete", kept).unwrap(),
            @"site `Bern`: deleted in the branch, and changed in NetBox since in `description`"
        );
    }

    #[test]
    fn a_change_of_one_side_is_no_conflict() {
        let branch_only = json!({
            "original": {"description": ""}, "modified": {"description": "branch"}, "current": {"description": ""},
        });
        assert_eq!(line("update", branch_only), None);
        let main_only = json!({
            "original": {"facility": "", "name": "a"}, "modified": {"facility": "", "name": "b"},
            "current": {"facility": "x", "name": "a"},
        });
        assert_eq!(line("update", main_only), None);
        assert_eq!(line("delete", json!({"original": {}, "modified": {}, "current": {}})), None);
        assert_eq!(line("delete", json!({"original": {"name": "a"}, "modified": {}, "current": {}})), None);
    }
}
