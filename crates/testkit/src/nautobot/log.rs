//! The change log as lists show it, newest entry first.

use serde_json::{Value as Json, json};

use super::changes::Change;
use super::filter::{Given, Wrong};
use super::schema::Kind;
use super::state::Store;
use super::value::{Id, parse_time, time_text};

/// Arguments of the list.
pub(super) const FILTERS: [&str; 12] = [
    "id",
    "user_name",
    "change_context_detail",
    "request_id",
    "action",
    "changed_object_id",
    "changed_object_type",
    "object_repr",
    "time__gte",
    "time__lte",
    "time__gt",
    "time__lt",
];

/// One argument, understood.
type Test = Box<dyn Fn(&Change) -> bool>;

/// Places of the entries that pass every argument.
pub(super) fn select(store: &Store, given: &[Given]) -> Result<Vec<usize>, Vec<(String, Wrong)>> {
    let mut tests: Vec<Test> = Vec::new();
    let mut wrongs = Vec::new();
    for given in given {
        match test(given) {
            Ok(test) => tests.push(test),
            Err(wrong) => wrongs.push((given.name.clone(), wrong)),
        }
    }
    if !wrongs.is_empty() {
        return Err(wrongs);
    }
    let found = store.changes.iter().enumerate().rev();
    Ok(found.filter(|(_, change)| tests.iter().all(|test| test(change))).map(|(at, _)| at).collect())
}

fn test(given: &Given) -> Result<Test, Wrong> {
    let values = given.values.clone();
    let ids = || -> Result<Vec<Id>, Wrong> {
        let ids: Option<Vec<Id>> = given.values.iter().map(|value| Id::parse(value)).collect();
        ids.ok_or_else(|| Wrong::Value("Enter a valid UUID.".to_owned()))
    };
    Ok(match given.name.as_str() {
        "id" => {
            let ids = ids()?;
            Box::new(move |change| ids.contains(&change.id))
        }
        "request_id" => {
            let ids = ids()?;
            Box::new(move |change| ids.contains(&change.request_id))
        }
        "changed_object_id" => {
            let ids: std::collections::HashSet<Id> = ids()?.into_iter().collect();
            Box::new(move |change| ids.contains(&change.object))
        }
        "user_name" => Box::new(move |change| values.iter().any(|value| **value == *change.user)),
        "object_repr" => Box::new(move |change| values.iter().any(|value| **value == *change.text)),
        "change_context_detail" => Box::new(move |change| values.iter().any(|value| **value == *change.detail)),
        "changed_object_type" => Box::new(move |change| values.iter().any(|value| value == change.kind.def().model)),
        "action" => {
            let unknown = values.iter().find(|value| !matches!(value.as_str(), "create" | "update" | "delete"));
            if let Some(value) = unknown {
                let text = format!("Select a valid choice. {value} is not one of the available choices.");
                return Err(Wrong::Value(text));
            }
            Box::new(move |change| values.iter().any(|value| value == change.action.names().0))
        }
        name => {
            let Some(lookup) = name.strip_prefix("time__").map(str::to_owned) else { return Err(Wrong::Unknown) };
            if !FILTERS.contains(&name) {
                return Err(Wrong::Unknown);
            }
            let times: Option<Vec<i64>> = values.iter().map(|value| parse_time(value)).collect();
            let times = times.ok_or_else(|| Wrong::Value("Enter a valid date/time.".to_owned()))?;
            Box::new(move |change| {
                times.iter().any(|wanted| match lookup.as_str() {
                    "gte" => change.time >= *wanted,
                    "lte" => change.time <= *wanted,
                    "gt" => change.time > *wanted,
                    _ => change.time < *wanted,
                })
            })
        }
    })
}

/// An entry as REST shows it, without the data of the object.
pub(super) fn rest(base: &str, change: &Change) -> Json {
    let (action, label) = change.action.names();
    let def = change.kind.def();
    let related = change.related.map(|_| Kind::Device.def().model);
    json!({
        "id": change.id.to_string(),
        "object_type": "extras.objectchange",
        "display": format!("{} {} {} by {}", def.verbose, change.text, action, change.user),
        "url": format!("{base}/api/extras/object-changes/{}/", change.id),
        "action": {"value": action, "label": label},
        "changed_object_type": def.model,
        "changed_object_id": change.object.to_string(),
        "changed_object": {
            "id": change.object.to_string(),
            "object_type": def.model,
            "url": format!("{base}/api/{}/{}/", def.path, change.object),
        },
        "related_object_type": related,
        "related_object_id": change.related.map(|id| id.to_string()),
        "time": time_text(change.time, true),
        "user_name": change.user,
        "request_id": change.request_id.to_string(),
        "change_context": "web",
        "change_context_detail": change.detail,
        "object_repr": change.text,
    })
}
