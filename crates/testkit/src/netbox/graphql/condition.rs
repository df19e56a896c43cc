//! Filters of lists: read once, then tried on every object.

use chrono::{DateTime, Utc};

use super::super::filter::{Comparison, moment};
use super::super::render::{family, generic};
use super::super::schema::{Kind, Type};
use super::super::state::{Object, Store, Value};
use super::{Problem, names, plan};
use crate::graphql::{Entry, Input, InputValue};

/// A test of an object.
pub(super) enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Id(Comparison, u64),
    IdIn(Vec<u64>),
    Time {
        created: bool,
        comparison: Comparison,
        time: DateTime<Utc>,
    },
    Text {
        at: usize,
        test: TextTest,
        wanted: Vec<String>,
    },
    Null {
        at: usize,
        is: bool,
    },
    Number {
        at: usize,
        comparison: Comparison,
        number: f64,
    },
    NumberIn {
        at: usize,
        numbers: Vec<f64>,
    },
    Bool {
        at: usize,
        on: bool,
    },
    Refers {
        at: usize,
        id: u64,
    },
    /// One of the objects behind a field passes.
    Related {
        field: String,
        test: Box<Self>,
        kind: Kind,
    },
    Assigned(bool),
    Family(u8),
    Never,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TextTest {
    Exact,
    Contains,
    Starts,
    Ends,
    ExactAnyCase,
    ContainsAnyCase,
    StartsAnyCase,
    EndsAnyCase,
}

/// Reads the filter of a kind.
pub(super) fn read(kind: Kind, input: &Input) -> Result<Condition, Problem> {
    let filter = format!("{}Filter", kind.def().class);
    let entries = match &input.value {
        InputValue::Object(entries) => entries,
        InputValue::Null => return Ok(Condition::All(Vec::new())),
        _ => return Err(Problem::new(format!("Expected type '{filter}' to be an object."), input.place)),
    };
    let known: Vec<(&str, &str)> =
        names::filters(kind).split_whitespace().filter_map(|entry| entry.split_once(':')).collect();
    for entry in entries {
        if !known.iter().any(|(name, _)| *name == entry.name) {
            let message = format!("Field '{}' is not defined by type '{filter}'.", entry.name);
            return Err(Problem::new(message, entry.place));
        }
    }
    // In the order of the filter's fields, which is that in which the server combines them.
    let mut condition = Condition::All(Vec::new());
    let mut is_empty = true;
    for (name, ty) in known {
        let Some(entry) = entries.iter().find(|entry| entry.name == name) else { continue };
        if matches!(entry.input.value, InputValue::Null) || name == "DISTINCT" {
            continue;
        }
        condition = match name {
            "AND" => and(condition, read(kind, &entry.input)?),
            "OR" if is_empty => read(kind, &entry.input)?,
            "OR" => Condition::Any(vec![condition, read(kind, &entry.input)?]),
            "NOT" => and(condition, Condition::Not(Box::new(read(kind, &entry.input)?))),
            _ => and(condition, one(kind, entry, ty)?),
        };
        is_empty = false;
    }
    Ok(condition)
}

fn and(left: Condition, right: Condition) -> Condition {
    match left {
        Condition::All(mut all) => {
            all.push(right);
            Condition::All(all)
        }
        left => Condition::All(vec![left, right]),
    }
}

fn one(kind: Kind, entry: &Entry, ty: &str) -> Result<Condition, Problem> {
    let def = kind.def();
    match (entry.name.as_str(), ty) {
        ("id", _) => lookups(entry, id_lookup),
        ("created" | "last_updated", _) => lookups(entry, |lookup| time_lookup(lookup, entry.name == "created")),
        ("assigned", _) => Ok(Condition::Assigned(boolean(&entry.input)?)),
        ("family", _) => Ok(Condition::Family(match word(&entry.input) {
            Some("FAMILY_4") => 4,
            _ => 6,
        })),
        (name, "ID") => {
            let id = id(&entry.input)?;
            let at = def.position(name).or_else(|| def.position(name.strip_suffix("_id").unwrap_or(name)));
            Ok(match (at, id) {
                (Some(at), Some(id)) => Condition::Refers { at, id },
                _ => Condition::Never,
            })
        }
        (name, _) if ty.ends_with("EnumBaseFilterLookup") => {
            let Some(at) = def.position(name) else { return Ok(Condition::Never) };
            let of = ty.trim_end_matches("BaseFilterLookup");
            lookups(entry, |lookup| enum_lookup(kind, at, of, lookup))
        }
        (name, "IntegerLookup" | "BigIntegerLookup" | "FloatLookup") => {
            let Some(at) = def.position(name) else { return Ok(Condition::Never) };
            lookups(entry, |outer| {
                if outer.name == "range_lookup" {
                    return range(
                        outer,
                        |input| number(input).map(Some),
                        |comparison, number| Condition::Number { at, comparison, number },
                    );
                }
                lookups(outer, |lookup| number_lookup(at, lookup))
            })
        }
        (name, "IntFilterLookup" | "IntComparisonFilterLookup" | "FloatFilterLookup") => {
            let Some(at) = def.position(name) else { return Ok(Condition::Never) };
            lookups(entry, |lookup| number_lookup(at, lookup))
        }
        (name, "BoolFilterLookup") => {
            let Some(at) = def.position(name) else { return Ok(Condition::Never) };
            lookups(entry, |lookup| Ok(Condition::Bool { at, on: boolean(&lookup.input)? }))
        }
        (name, "StrFilterLookup") => {
            let Some(at) = def.position(name) else { return Ok(Condition::Never) };
            lookups(entry, |lookup| text_lookup(at, lookup))
        }
        (name, _) => match related_kind(kind, name) {
            Some(other) => {
                let test = Box::new(read(other, &entry.input)?);
                Ok(Condition::Related { field: name.to_owned(), test, kind: other })
            }
            None => Ok(Condition::Never),
        },
    }
}

/// The kind of the objects behind a field that filters may look through.
fn related_kind(kind: Kind, name: &str) -> Option<Kind> {
    if let Some((other, _)) = plan::reverse(kind, name) {
        return Some(other);
    }
    match (kind, name) {
        (Kind::Interface | Kind::Prefix | Kind::VlanGroup, "site") => return Some(Kind::Site),
        (Kind::Prefix | Kind::VlanGroup, "region") => return Some(Kind::Region),
        (Kind::Prefix | Kind::VlanGroup, "site_group") => return Some(Kind::SiteGroup),
        _ => {}
    }
    match kind.def().position(name).map(|at| kind.def().fields[at].ty) {
        Some(Type::Ref { to, .. } | Type::Refs { to }) => Some(to),
        _ => None,
    }
}

/// The objects behind such a field.
fn related(store: &Store, kind: Kind, object: &Object, name: &str) -> Vec<u64> {
    if let Some((other, field)) = plan::reverse(kind, name) {
        return store.referring(other, field, kind, object.id).collect();
    }
    match (kind, name) {
        (Kind::Interface, "site") => {
            let device = object.get(kind, "device").target().and_then(|id| store.get(Kind::Device, id));
            return device.and_then(|device| device.get(Kind::Device, "site").target()).into_iter().collect();
        }
        (Kind::Prefix | Kind::VlanGroup, "site" | "region" | "site_group") => {
            let wanted = related_kind(kind, name);
            let scope = generic(store, kind, object, "scope_id");
            return scope.filter(|(of, _)| Some(*of) == wanted).map(|(_, id)| id).into_iter().collect();
        }
        _ => {}
    }
    match object.get(kind, name) {
        Value::Ref(id) => vec![*id],
        Value::Refs(ids) => ids.clone(),
        _ => Vec::new(),
    }
}

fn lookups(entry: &Entry, read: impl Fn(&Entry) -> Result<Condition, Problem>) -> Result<Condition, Problem> {
    let InputValue::Object(entries) = &entry.input.value else {
        let message = format!("Expected the value of '{}' to be an object.", entry.name);
        return Err(Problem::new(message, entry.input.place));
    };
    let given = entries.iter().filter(|entry| !matches!(entry.input.value, InputValue::Null));
    Ok(Condition::All(given.map(read).collect::<Result<_, _>>()?))
}

fn unknown(entry: &Entry, ty: &str) -> Problem {
    Problem::new(format!("Field '{}' is not defined by type '{ty}'.", entry.name), entry.place)
}

fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        "exact" => Comparison::Equal,
        "gt" => Comparison::Greater,
        "gte" => Comparison::GreaterOrEqual,
        "lt" => Comparison::Less,
        "lte" => Comparison::LessOrEqual,
        _ => return None,
    })
}

fn range<T>(
    entry: &Entry,
    read: impl Fn(&Input) -> Result<Option<T>, Problem>,
    build: impl Fn(Comparison, T) -> Condition,
) -> Result<Condition, Problem> {
    lookups(entry, |bound| {
        let comparison = match bound.name.as_str() {
            "start" => Comparison::GreaterOrEqual,
            "end" => Comparison::LessOrEqual,
            _ => return Err(unknown(bound, "RangeLookup")),
        };
        Ok(read(&bound.input)?.map_or(Condition::Never, |value| build(comparison, value)))
    })
}

fn id_lookup(entry: &Entry) -> Result<Condition, Problem> {
    match (entry.name.as_str(), comparison(&entry.name)) {
        (_, Some(comparison)) => Ok(id(&entry.input)?.map_or(Condition::Never, |id| Condition::Id(comparison, id))),
        ("in_list", _) => Ok(Condition::IdIn(list(&entry.input, id)?.into_iter().flatten().collect())),
        ("range", _) => range(entry, id, Condition::Id),
        ("is_null", _) => Ok(if boolean(&entry.input)? { Condition::Never } else { Condition::All(Vec::new()) }),
        _ => Err(unknown(entry, "IDComparisonFilterLookup")),
    }
}

fn time_lookup(entry: &Entry, created: bool) -> Result<Condition, Problem> {
    let build = |comparison, time| Condition::Time { created, comparison, time };
    match (entry.name.as_str(), comparison(&entry.name)) {
        (_, Some(comparison)) => Ok(build(comparison, time(&entry.input)?)),
        ("range", _) => range(entry, |input| time(input).map(Some), build),
        ("in_list", _) => {
            let times = list(&entry.input, time)?;
            Ok(Condition::Any(times.into_iter().map(|time| build(Comparison::Equal, time)).collect()))
        }
        _ => Err(unknown(entry, "DatetimeFilterLookup")),
    }
}

fn number_lookup(at: usize, entry: &Entry) -> Result<Condition, Problem> {
    match (entry.name.as_str(), comparison(&entry.name)) {
        (_, Some(comparison)) => Ok(Condition::Number { at, comparison, number: number(&entry.input)? }),
        ("in_list", _) => Ok(Condition::NumberIn { at, numbers: list(&entry.input, number)? }),
        ("is_null", _) => Ok(Condition::Null { at, is: boolean(&entry.input)? }),
        ("range", _) => range(
            entry,
            |input| number(input).map(Some),
            |comparison, number| Condition::Number { at, comparison, number },
        ),
        _ => Err(unknown(entry, "IntFilterLookup")),
    }
}

fn text_lookup(at: usize, entry: &Entry) -> Result<Condition, Problem> {
    let test = match entry.name.as_str() {
        "exact" => TextTest::Exact,
        "contains" => TextTest::Contains,
        "starts_with" => TextTest::Starts,
        "ends_with" => TextTest::Ends,
        "i_exact" => TextTest::ExactAnyCase,
        "i_contains" => TextTest::ContainsAnyCase,
        "i_starts_with" => TextTest::StartsAnyCase,
        "i_ends_with" => TextTest::EndsAnyCase,
        "is_null" => return Ok(Condition::Null { at, is: boolean(&entry.input)? }),
        "in_list" => {
            let wanted = list(&entry.input, text)?;
            return Ok(Condition::Text { at, test: TextTest::Exact, wanted });
        }
        "regex" | "i_regex" => {
            let message = format!("the simulator does not know the lookup '{}'", entry.name);
            return Err(Problem::new(message, entry.place));
        }
        _ => return Err(unknown(entry, "StrFilterLookup")),
    };
    Ok(Condition::Text { at, test, wanted: vec![text(&entry.input)?] })
}

fn enum_lookup(kind: Kind, at: usize, of: &str, entry: &Entry) -> Result<Condition, Problem> {
    let value = |input: &Input| -> Result<String, Problem> {
        let name = word(input).unwrap_or_default();
        let prefix = enum_prefix(of);
        let options = match kind.def().fields[at].ty {
            Type::Choice { options, .. } => options,
            _ => &[],
        };
        let found = options.iter().find(|(value, _)| format!("{prefix}{}", enum_key(value)) == name);
        found.map(|(value, _)| (*value).to_owned()).ok_or_else(|| match &input.value {
            InputValue::Word(_) => Problem::new(format!("Value '{name}' does not exist in '{of}' enum."), input.place),
            _ => Problem::new(format!("Enum '{of}' cannot represent non-enum value."), input.place),
        })
    };
    match entry.name.as_str() {
        "exact" => Ok(Condition::Text { at, test: TextTest::Exact, wanted: vec![value(&entry.input)?] }),
        "in_list" => Ok(Condition::Text { at, test: TextTest::Exact, wanted: list(&entry.input, value)? }),
        "is_null" => Ok(Condition::Null { at, is: boolean(&entry.input)? }),
        _ => Err(unknown(entry, &format!("{of}BaseFilterLookup"))),
    }
}

/// The lead of an enumeration's names: `STATUS_` in `SiteStatusEnum`.
fn enum_prefix(of: &str) -> String {
    let stem = of.trim_end_matches("Enum");
    if stem == "InterfacePoEType" {
        return String::new();
    }
    let last = stem.rfind(|c: char| c.is_ascii_uppercase()).unwrap_or(0);
    format!("{}_", stem[last..].to_uppercase())
}

fn enum_key(value: &str) -> String {
    value.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

fn list<T>(input: &Input, read: impl Fn(&Input) -> Result<T, Problem>) -> Result<Vec<T>, Problem> {
    match &input.value {
        InputValue::List(items) => items.iter().map(read).collect(),
        _ => Ok(vec![read(input)?]),
    }
}

fn word(input: &Input) -> Option<&str> {
    match &input.value {
        InputValue::Word(word) | InputValue::Given(word) => Some(word),
        _ => None,
    }
}

/// An id; text that is no number matches nothing.
fn id(input: &Input) -> Result<Option<u64>, Problem> {
    match &input.value {
        InputValue::Int(id) => Ok(u64::try_from(*id).ok()),
        InputValue::Text(text) | InputValue::Given(text) => Ok(text.parse().ok()),
        _ => Err(Problem::new(
            format!("ID cannot represent a non-string and non-integer value: {}", shown(input)),
            input.place,
        )),
    }
}

fn text(input: &Input) -> Result<String, Problem> {
    match &input.value {
        InputValue::Text(text) | InputValue::Given(text) => Ok(text.clone()),
        _ => Err(Problem::new(format!("String cannot represent a non string value: {}", shown(input)), input.place)),
    }
}

pub(super) fn number(input: &Input) -> Result<f64, Problem> {
    match &input.value {
        InputValue::Int(number) => Ok(*number as f64),
        InputValue::Float(number) => Ok(*number),
        _ => Err(Problem::new(format!("Int cannot represent non-integer value: {}", shown(input)), input.place)),
    }
}

fn boolean(input: &Input) -> Result<bool, Problem> {
    match &input.value {
        InputValue::Bool(on) => Ok(*on),
        _ => Err(Problem::new(format!("Boolean cannot represent a non boolean value: {}", shown(input)), input.place)),
    }
}

fn time(input: &Input) -> Result<DateTime<Utc>, Problem> {
    let text = text(input)?;
    moment(&text).ok_or_else(|| {
        Problem::new(
            format!("Value cannot represent a DateTime: \"{text}\". Invalid isoformat string: '{text}'"),
            input.place,
        )
    })
}

fn shown(input: &Input) -> String {
    match &input.value {
        InputValue::Null => "null".to_owned(),
        InputValue::Int(number) => number.to_string(),
        InputValue::Float(number) => number.to_string(),
        InputValue::Bool(on) => on.to_string(),
        InputValue::Text(text) => format!("\"{text}\""),
        InputValue::Given(text) => format!("'{text}'"),
        InputValue::Word(word) => word.clone(),
        InputValue::List(_) => "[...]".to_owned(),
        InputValue::Object(_) => "{...}".to_owned(),
        InputValue::Variable(name) => format!("${name}"),
    }
}

impl Condition {
    /// Whether the object passes.
    pub fn holds(&self, store: &Store, kind: Kind, object: &Object) -> bool {
        match self {
            Self::All(all) => all.iter().all(|test| test.holds(store, kind, object)),
            Self::Any(any) => any.iter().any(|test| test.holds(store, kind, object)),
            Self::Not(test) => !test.holds(store, kind, object),
            Self::Id(comparison, id) => comparison.holds(&object.id, id),
            Self::IdIn(ids) => ids.contains(&object.id),
            Self::Time { created, comparison, time } => {
                comparison.holds(if *created { &object.created } else { &object.updated }, time)
            }
            Self::Text { at, test, wanted } => {
                object.values[*at].text().is_some_and(|text| wanted.iter().any(|wanted| test.holds(text, wanted)))
            }
            Self::Null { at, is } => (object.values[*at] == Value::Null) == *is,
            Self::Number { at, comparison, number } => {
                as_number(&object.values[*at]).is_some_and(|value| comparison.holds(&value, number))
            }
            Self::NumberIn { at, numbers } => {
                as_number(&object.values[*at]).is_some_and(|value| numbers.contains(&value))
            }
            Self::Bool { at, on } => object.values[*at] == Value::Bool(*on),
            Self::Refers { at, id } => object.values[*at].target() == Some(*id),
            Self::Related { field, test, kind: other } => {
                let behind = related(store, kind, object, field);
                behind.iter().filter_map(|id| store.get(*other, *id)).any(|found| test.holds(store, *other, found))
            }
            Self::Assigned(is) => (*object.get(kind, "assigned_object_id") != Value::Null) == *is,
            Self::Family(wanted) => family(kind, object) == *wanted,
            Self::Never => false,
        }
    }

    /// Lowest and highest id that can pass.
    pub fn id_range(&self) -> (u64, u64) {
        match self {
            Self::All(all) => all
                .iter()
                .map(Self::id_range)
                .fold((0, u64::MAX), |(low, high), (from, to)| (low.max(from), high.min(to))),
            Self::Id(Comparison::GreaterOrEqual, id) => (*id, u64::MAX),
            Self::Id(Comparison::Greater, id) => (id.saturating_add(1), u64::MAX),
            Self::Id(Comparison::LessOrEqual, id) => (0, *id),
            Self::Id(Comparison::Less, id) => (0, id.saturating_sub(1)),
            Self::Id(Comparison::Equal, id) => (*id, *id),
            _ => (0, u64::MAX),
        }
    }

    /// Ids that can pass, where an index knows them.
    pub fn candidates(&self, store: &Store, kind: Kind) -> Option<Vec<u64>> {
        match self {
            Self::All(all) => all.iter().find_map(|test| test.candidates(store, kind)),
            Self::IdIn(ids) => Some(ids.clone()),
            Self::Text { at, test: TextTest::Exact | TextTest::ExactAnyCase, wanted }
                if kind.def().fields[*at].indexed =>
            {
                Some(wanted.iter().flat_map(|text| store.with_text(kind, *at, text)).collect())
            }
            Self::Refers { at, id } => match kind.def().fields[*at].ty {
                Type::Ref { to, .. } => Some(store.referring(kind, kind.def().fields[*at].name, to, *id).collect()),
                _ => None,
            },
            Self::Never => Some(Vec::new()),
            _ => None,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "ids and speeds stay far below the limits of a double")]
fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Decimal(number) => Some(*number),
        _ => None,
    }
}

impl TextTest {
    fn holds(self, text: &str, wanted: &str) -> bool {
        match self {
            Self::Exact => text == wanted,
            Self::Contains => text.contains(wanted),
            Self::Starts => text.starts_with(wanted),
            Self::Ends => text.ends_with(wanted),
            Self::ExactAnyCase => text.to_lowercase() == wanted.to_lowercase(),
            Self::ContainsAnyCase => text.to_lowercase().contains(&wanted.to_lowercase()),
            Self::StartsAnyCase => text.to_lowercase().starts_with(&wanted.to_lowercase()),
            Self::EndsAnyCase => text.to_lowercase().ends_with(&wanted.to_lowercase()),
        }
    }
}
