//! What all `*.get` methods have in common: output, filter, search, order, limit, count.

use std::cmp::Ordering;

use serde_json::Value as Json;

use super::php::{self, Object};
use super::refusal::Refusal;

/// What a getter knows about its objects.
pub(super) struct Spec {
    /// Name of the id.
    pub id: &'static str,
    /// Properties to sort by.
    pub sort: &'static [&'static str],
    /// The id is part of every output.
    pub id_always: bool,
}

/// Columns of numbers, which a search passes over.
const NUMERIC: [&str; 22] = [
    "status",
    "flags",
    "type",
    "main",
    "useip",
    "available",
    "inventory_mode",
    "maintenance_status",
    "maintenance_type",
    "maintenance_from",
    "tls_connect",
    "tls_accept",
    "ipmi_authtype",
    "ipmi_privilege",
    "monitored_by",
    "operating_mode",
    "state",
    "value_type",
    "inventory_link",
    "priority",
    "active_since",
    "active_till",
];

/// What of an object is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Nothing,
    Count,
    All,
    Names(Vec<String>),
}

impl Wanted {
    /// A `select…` option.
    pub fn of(options: &Object, name: &str) -> Self {
        match options.get(name) {
            None | Some(Json::Null) => Self::Nothing,
            Some(Json::String(word)) if word == "extend" => Self::All,
            Some(Json::String(word)) if word == "count" => Self::Count,
            Some(Json::Array(names)) => Self::Names(names.iter().filter_map(php::text).collect()),
            Some(_) => Self::Names(Vec::new()),
        }
    }

    /// The `output` option: everything unless it says otherwise.
    fn output(options: &Object) -> Self {
        match options.get("output") {
            None => Self::All,
            Some(_) => match Self::of(options, "output") {
                Self::All => Self::All,
                Self::Names(names) => Self::Names(names),
                Self::Nothing | Self::Count => Self::Names(Vec::new()),
            },
        }
    }

    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Names(names) => names.iter().any(|known| known == name),
            Self::Nothing | Self::Count => false,
        }
    }

    /// What is wanted of one object; `always` is there in any case.
    pub fn pick(&self, mut object: Object, always: &[&str]) -> Object {
        object.retain(|name, _| always.contains(&name.as_str()) || self.has(name));
        object
    }

    /// A list of related objects: how many, or what is wanted of each.
    pub fn list(&self, objects: Vec<Object>, always: &[&str]) -> Json {
        match self {
            Self::Count => Json::String(objects.len().to_string()),
            _ => objects.into_iter().map(|object| php::object_or_list(self.pick(object, always))).collect(),
        }
    }
}

/// An object with its id, before output.
pub(super) type Found = (u64, Object);

/// Filter, search, order, limit.
pub(super) fn narrow(mut found: Vec<Found>, options: &Object, spec: &Spec) -> Result<Vec<Found>, Refusal> {
    let any = php::flag(options, "searchByAny");
    if let Some(Json::Object(filter)) = options.get("filter") {
        let wanted: Vec<(&str, Vec<String>)> = filter.iter().filter_map(|(name, value)| texts(name, value)).collect();
        found.retain(|(_, object)| {
            fits(
                any,
                wanted.iter().filter_map(|(name, values)| {
                    let known = values_of(object.get(*name)?);
                    Some(known.iter().any(|value| values.contains(value)))
                }),
            )
        });
    }
    if let Some(Json::Object(search)) = options.get("search") {
        let texts_only = search.iter().filter(|(name, _)| !NUMERIC.contains(&name.as_str()) && !name.ends_with("id"));
        let wanted: Vec<(&str, Vec<String>)> = texts_only.filter_map(|(name, value)| texts(name, value)).collect();
        let wildcards = php::flag(options, "searchWildcardsEnabled");
        let start = php::flag(options, "startSearch");
        let exclude = php::flag(options, "excludeSearch");
        found.retain(|(_, object)| {
            fits(
                any,
                wanted.iter().filter_map(|(name, patterns)| {
                    let known: Vec<String> =
                        values_of(object.get(*name)?).iter().map(|value| value.to_lowercase()).collect();
                    let hit = |pattern: &String| known.iter().any(|value| matches(value, pattern, wildcards, start));
                    Some(fits(any, patterns.iter().map(|pattern| exclude ^ hit(pattern))))
                }),
            )
        });
    }
    sort(&mut found, options, spec)?;
    if let Some(limit) = options.get("limit").and_then(php::id).filter(|limit| *limit > 0) {
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(found)
}

/// The texts of a property: one, or several of a property that related objects have.
fn values_of(value: &Json) -> Vec<String> {
    php::list(value).into_iter().filter_map(php::text).collect()
}

fn texts<'a>(name: &'a str, value: &Json) -> Option<(&'a str, Vec<String>)> {
    let texts: Vec<String> = match value {
        Json::Null => return None,
        Json::Array(values) => values.iter().filter_map(php::text).collect(),
        one => php::text(one).into_iter().collect(),
    };
    // No value at all is no restriction.
    (!texts.is_empty()).then_some((name, texts))
}

/// All, or any if there is one.
fn fits(any: bool, mut conditions: impl Iterator<Item = bool>) -> bool {
    if !any {
        return conditions.all(|met| met);
    }
    let mut conditions = conditions.peekable();
    conditions.peek().is_none() || conditions.any(|met| met)
}

/// Whether a text in lower case contains a pattern; `*` stands for anything if wildcards are on.
fn matches(value: &str, pattern: &str, wildcards: bool, start: bool) -> bool {
    let pattern = pattern.to_lowercase();
    if !wildcards {
        return if start { value.starts_with(&pattern) } else { value.contains(&pattern) };
    }
    let mut rest = value;
    let parts: Vec<&str> = pattern.split('*').collect();
    for (number, part) in parts.iter().enumerate() {
        let first = number == 0;
        let last = number + 1 == parts.len();
        if last && !first && !part.is_empty() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) if at == 0 || !first => rest = &rest[at + part.len()..],
            _ => return false,
        }
        if last && first {
            return rest.is_empty();
        }
    }
    true
}

fn sort(found: &mut [Found], options: &Object, spec: &Spec) -> Result<(), Refusal> {
    let fields: Vec<String> = match options.get("sortfield") {
        Some(value) => php::list(value).into_iter().filter_map(php::text).filter(|name| !name.is_empty()).collect(),
        None => Vec::new(),
    };
    if let Some(unknown) = fields.iter().find(|name| !spec.sort.contains(&name.as_str())) {
        return Err(Refusal::application(format!("Sorting by field \"{unknown}\" not allowed.")));
    }
    let orders: Vec<bool> = match options.get("sortorder") {
        Some(value) => php::list(value).iter().map(|order| order.as_str() == Some("DESC")).collect(),
        None => Vec::new(),
    };
    let one_for_all = matches!(options.get("sortorder"), Some(Json::String(_)));
    found.sort_by(|(_, left), (_, right)| {
        for (number, field) in fields.iter().enumerate() {
            let number = if one_for_all { 0 } else { number };
            let order = compare(left.get(field), right.get(field));
            let order = if orders.get(number).copied().unwrap_or(false) { order.reverse() } else { order };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    });
    Ok(())
}

fn compare(left: Option<&Json>, right: Option<&Json>) -> Ordering {
    let [left, right] = [left, right].map(|value| value.and_then(php::text).unwrap_or_default());
    match (left.parse::<i64>(), right.parse::<i64>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        _ => left.cmp(&right),
    }
}

/// The answer when only the number is wanted.
pub(super) fn count(options: &Object, found: usize) -> Option<Json> {
    if !php::flag(options, "countOutput") {
        return None;
    }
    if php::flag(options, "groupCount") {
        return Some(serde_json::json!([{"rowscount": found.to_string()}]));
    }
    Some(Json::String(found.to_string()))
}

/// The answer of a getter: what is wanted of each object, with what `relate` adds to it.
pub(super) fn answer(
    found: Vec<Found>,
    options: &Object,
    spec: &Spec,
    mut relate: impl FnMut(u64, &mut Object) -> Result<(), Refusal>,
) -> Result<Json, Refusal> {
    if let Some(count) = count(options, found.len()) {
        return Ok(count);
    }
    let output = Wanted::output(options);
    let always: &[&str] = if spec.id_always { &[spec.id] } else { &[] };
    let keep = php::flag(options, "preservekeys");
    let mut by_id = Object::new();
    let mut list = Vec::with_capacity(found.len());
    for (id, object) in found {
        let mut object = output.pick(object, always);
        relate(id, &mut object)?;
        match keep {
            true => drop(by_id.insert(id.to_string(), php::object_or_list(object))),
            false => list.push(php::object_or_list(object)),
        }
    }
    Ok(if keep { php::object_or_list(by_id) } else { Json::Array(list) })
}

/// The tag filter: `tags` with `evaltype` 0 and/or or 2 or.
pub(super) struct TagFilter {
    conditions: Vec<(String, String, u64)>,
    or: bool,
}

impl TagFilter {
    pub fn of(options: &Object) -> Option<Self> {
        let conditions: Vec<(String, String, u64)> = php::list(options.get("tags")?)
            .into_iter()
            .filter_map(Json::as_object)
            .map(|condition| {
                let text = |name| php::get_text(condition, name).unwrap_or_default();
                (text("tag"), text("value"), php::get_id(condition, "operator"))
            })
            .collect();
        let or = php::get_id(options, "evaltype") == 2;
        (!conditions.is_empty()).then_some(Self { conditions, or })
    }

    /// Conditions on one tag name are alternatives; those on several names must all be met, or any of them.
    pub fn meets<'a>(&self, tags: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> bool {
        let mut names: Vec<&str> = self.conditions.iter().map(|(tag, ..)| tag.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let mut met = names.into_iter().map(|name| {
            let (negative, positive): (Vec<_>, Vec<_>) = self
                .conditions
                .iter()
                .filter(|(tag, ..)| tag == name)
                .partition(|(_, _, operator)| matches!(operator, 2 | 3 | 5));
            let meets = |(_, value, operator): &&(String, String, u64)| {
                let mut values = tags.clone().filter(|(tag, _)| *tag == name).map(|(_, value)| value);
                match operator {
                    0 => values.any(|known| known.to_lowercase().contains(&value.to_lowercase())),
                    1 => values.any(|known| known == value),
                    2 => !values.any(|known| known.to_lowercase().contains(&value.to_lowercase())),
                    3 => !values.any(|known| known == value),
                    4 => values.next().is_some(),
                    5 => values.next().is_none(),
                    _ => false,
                }
            };
            positive.iter().any(meets) || (!negative.is_empty() && negative.iter().all(meets))
        });
        if self.or { met.any(|met| met) } else { met.all(|met| met) }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_the_frontend() {
        assert!(matches("sim/a", "m/", false, false) && !matches("sim/a", "m/", false, true));
        assert!(matches("sim/a", "*m/A", true, false) && matches("sim/a", "S*a", true, false));
        assert!(!matches("sim/a", "m*", true, false) && !matches("sim/a", "sim", true, false));
    }
}
