//! Query filters of lists. A filter that NetBox does not know is ignored, and so it is here.

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use super::errors::{Errors, Refusal};
use super::render::display;
use super::schema::{Kind, Type};
use super::state::{Object, Store, Value};
use crate::django::Choice;
use crate::http::query::Query;

/// One condition on an object; several values of one filter are alternatives.
pub(super) enum Filter {
    Ids(Vec<u64>),
    Id(Comparison, u64),
    Updated {
        created: bool,
        comparison: Comparison,
        time: DateTime<Utc>,
    },
    /// Field position, how its text is compared, and with what.
    Text {
        at: usize,
        lookup: Lookup,
        values: Vec<String>,
    },
    Number {
        at: usize,
        comparison: Comparison,
        numbers: Vec<i64>,
    },
    Bool {
        at: usize,
        on: bool,
    },
    /// Field position and the ids that it may refer to; `None` among them means null.
    Refers {
        at: usize,
        ids: Vec<Option<u64>>,
    },
    /// Assigned to an interface of one of these devices.
    OnDevices(Vec<u64>),
    /// Scoped to one of these sites.
    AtSites(Vec<u64>),
    Tagged(Vec<u64>),
    /// In this VLAN, with or without a tag.
    InVlan(u64),
    /// `q`: the display or the description contains the text.
    Search(String),
    /// Nothing can match.
    Never,
}

/// The VLANs of an interface.
const VLAN_FIELDS: [&str; 3] = ["untagged_vlan", "tagged_vlans", "qinq_svlan"];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "" => Self::Equal,
            "n" => Self::NotEqual,
            "lt" => Self::Less,
            "lte" => Self::LessOrEqual,
            "gt" => Self::Greater,
            "gte" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    pub fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

/// How text is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    Exact,
    Not,
    Contains,
    NotContains,
    Starts,
    NotStarts,
    Ends,
    NotEnds,
    IgnoreCase,
    NotIgnoreCase,
    Empty,
}

impl Lookup {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "" => Self::Exact,
            "n" => Self::Not,
            "ic" => Self::Contains,
            "nic" => Self::NotContains,
            "isw" => Self::Starts,
            "nisw" => Self::NotStarts,
            "iew" => Self::Ends,
            "niew" => Self::NotEnds,
            "ie" => Self::IgnoreCase,
            "nie" => Self::NotIgnoreCase,
            "empty" => Self::Empty,
            _ => return None,
        })
    }

    fn holds(self, text: &str, values: &[String]) -> bool {
        let lower = text.to_lowercase();
        let any = |test: &dyn Fn(&str) -> bool| values.iter().any(|value| test(&value.to_lowercase()));
        match self {
            Self::Exact => values.iter().any(|value| value == text),
            Self::Not => !values.iter().any(|value| value == text),
            Self::Contains => any(&|value| lower.contains(value)),
            Self::NotContains => !any(&|value| lower.contains(value)),
            Self::Starts => any(&|value| lower.starts_with(value)),
            Self::NotStarts => !any(&|value| lower.starts_with(value)),
            Self::Ends => any(&|value| lower.ends_with(value)),
            Self::NotEnds => !any(&|value| lower.ends_with(value)),
            Self::IgnoreCase => any(&|value| lower == value),
            Self::NotIgnoreCase => !any(&|value| lower == value),
            Self::Empty => text.is_empty() == values.iter().any(|value| value.eq_ignore_ascii_case("true")),
        }
    }
}

/// Reads the filters of a query.
pub(super) fn parse(store: &Store, kind: Kind, query: &Query) -> Result<Vec<Filter>, Refusal> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in query {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut filters = Vec::new();
    for name in names {
        let values: Vec<String> = query
            .iter()
            .filter(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.clone())
            .collect();
        if !values.is_empty()
            && let Some(filter) = one(store, kind, name, &values)?
        {
            filters.push(filter);
        }
    }
    Ok(filters)
}

fn one(store: &Store, kind: Kind, name: &str, values: &[String]) -> Result<Option<Filter>, Refusal> {
    let (field, lookup) = name.split_once("__").unwrap_or((name, ""));
    let refuse = |text: String| Refusal::Fields(Errors::at(name, text));
    let ids = || -> Result<Vec<u64>, Refusal> {
        values.iter().map(|value| value.parse().map_err(|_| refuse("Enter a whole number.".to_owned()))).collect()
    };
    match field {
        "id" if lookup.is_empty() => return Ok(Some(Filter::Ids(ids()?))),
        "id" => {
            let Some(comparison) = Comparison::parse(lookup) else { return Ok(None) };
            return Ok(ids()?.first().map(|id| Filter::Id(comparison, *id)));
        }
        "last_updated" | "created" => {
            let Some(comparison) = Comparison::parse(lookup) else { return Ok(None) };
            let time = moment(&values[0]).ok_or_else(|| refuse("Enter a valid date/time.".to_owned()))?;
            return Ok(Some(Filter::Updated { created: field == "created", comparison, time }));
        }
        "q" => return Ok(Some(Filter::Search(values[0].to_lowercase()))),
        "tag" => {
            let mut tags = Vec::new();
            for slug in values {
                let Some(id) = by_name(store, Kind::Tag, slug) else { return Err(refuse(not_a_choice(slug))) };
                tags.push(id);
            }
            return Ok(Some(Filter::Tagged(tags)));
        }
        "device_id" if assigned(kind) => return Ok(Some(Filter::OnDevices(ids()?))),
        "device" if assigned(kind) => {
            let devices = values.iter().flat_map(|name| with_name(store, Kind::Device, name)).collect();
            return Ok(Some(Filter::OnDevices(devices)));
        }
        "interface_id" | "vminterface_id" if assigned(kind) => {
            let at = kind.def().position("assigned_object_id");
            let ids = ids()?.into_iter().map(Some).collect();
            return Ok(at.map(|at| Filter::Refers { at, ids }));
        }
        // Takes one VLAN; of several, the last one counts.
        "vlan_id" if kind == Kind::Interface => {
            let vlan = values.last().and_then(|value| value.trim().parse().ok());
            return Ok(Some(vlan.map_or(Filter::Never, Filter::InVlan)));
        }
        "site_id" if kind == Kind::Prefix => return Ok(Some(Filter::AtSites(ids()?))),
        "site" if kind == Kind::Prefix => {
            let sites: Vec<u64> = values.iter().filter_map(|slug| by_name(store, Kind::Site, slug)).collect();
            return Ok(Some(if sites.is_empty() { Filter::Never } else { Filter::AtSites(sites) }));
        }
        _ => {}
    }
    field_filter(store, kind, (name, field, lookup), values)
}

fn not_a_choice(value: &str) -> String {
    format!("Select a valid choice. {value} is not one of the available choices.")
}

fn assigned(kind: Kind) -> bool {
    matches!(kind, Kind::MacAddress | Kind::IpAddress)
}

fn field_filter(
    store: &Store,
    kind: Kind,
    (name, field, lookup): (&str, &str, &str),
    values: &[String],
) -> Result<Option<Filter>, Refusal> {
    let def = kind.def();
    let refuse = |text: String| Refusal::Fields(Errors::at(name, text));
    if let Some(at) = field.strip_suffix("_id").and_then(|stem| def.position(stem)) {
        let Type::Ref { to, .. } = def.fields[at].ty else { return Ok(None) };
        let mut ids = Vec::new();
        for value in values {
            ids.push(if value == "null" {
                None
            } else {
                let id: u64 = value.parse().map_err(|_| refuse(format!("“{value}” is not a valid value.")))?;
                Some(store.get(to, id).map(|_| id).ok_or_else(|| refuse(not_a_choice(value)))?)
            });
        }
        return Ok((lookup.is_empty()).then_some(Filter::Refers { at, ids }));
    }
    let Some(at) = def.position(field) else { return Ok(None) };
    match def.fields[at].ty {
        Type::Text { .. } | Type::Slug | Type::Color => {
            Ok(Lookup::parse(lookup).map(|lookup| Filter::Text { at, lookup, values: values.to_vec() }))
        }
        Type::Choice { options, .. } => choice_filter(at, lookup, values, options).map_err(refuse),
        Type::Address if lookup.is_empty() => {
            // An address without a mask means the host, whatever its mask.
            let masked = values.iter().all(|value| value.contains('/'));
            let lookup = if masked { Lookup::Exact } else { Lookup::Starts };
            let values = values.iter().map(|value| if masked { value.clone() } else { format!("{value}/") });
            Ok(Some(Filter::Text { at, lookup, values: values.collect() }))
        }
        Type::Network if lookup.is_empty() => {
            Ok(Some(Filter::Text { at, lookup: Lookup::Exact, values: values.to_vec() }))
        }
        Type::Mac => {
            let values = values.iter().map(|value| value.to_uppercase().replace('-', ":")).collect();
            Ok(Lookup::parse(lookup).map(|lookup| Filter::Text { at, lookup, values }))
        }
        Type::Model { .. } => Ok(Some(Filter::Text { at, lookup: Lookup::Exact, values: values.to_vec() })),
        Type::Bool => Ok(Some(Filter::Bool { at, on: matches!(values[0].as_str(), "true" | "True" | "1") })),
        Type::Int { .. } => {
            let number = |value: &String| value.parse().map_err(|_| refuse("Enter a whole number.".to_owned()));
            let numbers: Vec<i64> = values.iter().map(number).collect::<Result<_, _>>()?;
            Ok(Comparison::parse(lookup).map(|comparison| Filter::Number { at, comparison, numbers }))
        }
        Type::ObjectId { .. } => {
            let ids = values.iter().map(|value| value.parse().ok()).collect();
            Ok(Some(Filter::Refers { at, ids }))
        }
        Type::Ref { to, .. } if lookup.is_empty() => {
            let mut ids = Vec::new();
            for value in values {
                let named = if to.def().position("slug").is_some() {
                    by_name(store, to, value).into_iter().collect()
                } else {
                    with_name(store, to, value)
                };
                if named.is_empty() {
                    return Err(refuse(not_a_choice(value)));
                }
                ids.extend(named.into_iter().map(Some));
            }
            Ok(Some(Filter::Refers { at, ids }))
        }
        _ => Ok(None),
    }
}

fn choice_filter(at: usize, lookup: &str, values: &[String], options: &[Choice]) -> Result<Option<Filter>, String> {
    if let Some(wrong) = values.iter().find(|value| !options.iter().any(|(known, _)| known == value)) {
        return Err(not_a_choice(wrong));
    }
    Ok(Lookup::parse(lookup).map(|lookup| Filter::Text { at, lookup, values: values.to_vec() }))
}

fn by_name(store: &Store, kind: Kind, slug: &str) -> Option<u64> {
    let at = kind.def().position("slug")?;
    store
        .with_text(kind, at, slug)
        .find(|id| store.get(kind, *id).is_some_and(|found| found.text(kind, "slug") == slug))
}

fn with_name(store: &Store, kind: Kind, name: &str) -> Vec<u64> {
    let Some(at) = kind.def().position("name") else { return Vec::new() };
    let same = |id: &u64| store.get(kind, *id).is_some_and(|found| found.text(kind, "name") == name);
    store.with_text(kind, at, name).filter(same).collect()
}

/// A time in the forms that NetBox reads: with or without an offset, `T` or a space, or a bare date.
pub(super) fn moment(text: &str) -> Option<DateTime<Utc>> {
    let text = text.replace(' ', "T");
    if let Ok(time) = DateTime::parse_from_rfc3339(&text) {
        return Some(time.with_timezone(&Utc));
    }
    let naive = |text: &str| text.parse::<chrono::NaiveDateTime>().ok();
    naive(&text).or_else(|| naive(&format!("{text}T00:00:00"))).map(|time| time.and_utc())
}

impl Filter {
    /// Ids that can match, where an index knows them.
    pub fn candidates(&self, store: &Store, kind: Kind) -> Option<Vec<u64>> {
        match self {
            Self::Ids(ids) => Some(ids.clone()),
            Self::Text { at, lookup: Lookup::Exact, values } if kind.def().fields[*at].indexed => {
                Some(values.iter().flat_map(|value| store.with_text(kind, *at, value)).collect())
            }
            Self::Refers { at, ids } => {
                let field = kind.def().fields[*at];
                let Type::Ref { to, .. } = field.ty else { return None };
                let ids: Option<Vec<u64>> = ids.iter().copied().collect();
                Some(ids?.into_iter().flat_map(|id| store.referring(kind, field.name, to, id)).collect())
            }
            Self::OnDevices(devices) => {
                let interfaces =
                    devices.iter().flat_map(|id| store.referring(Kind::Interface, "device", Kind::Device, *id));
                Some(
                    interfaces
                        .flat_map(|id| store.referring(kind, "assigned_object_id", Kind::Interface, id))
                        .collect(),
                )
            }
            Self::AtSites(sites) => {
                Some(sites.iter().flat_map(|id| store.referring(kind, "scope_id", Kind::Site, *id)).collect())
            }
            Self::Tagged(tags) => {
                Some(tags.iter().flat_map(|id| store.referring(kind, "tags", Kind::Tag, *id)).collect())
            }
            Self::InVlan(vlan) => {
                let fields = VLAN_FIELDS.iter();
                Some(fields.flat_map(|field| store.referring(kind, field, Kind::Vlan, *vlan)).collect())
            }
            Self::Never => Some(Vec::new()),
            _ => None,
        }
    }

    /// Whether the object matches.
    pub fn matches(&self, store: &Store, kind: Kind, object: &Object) -> bool {
        match self {
            Self::Ids(ids) => ids.contains(&object.id),
            Self::Id(comparison, id) => comparison.holds(&object.id, id),
            Self::Updated { created, comparison, time } => {
                comparison.holds(if *created { &object.created } else { &object.updated }, time)
            }
            Self::Text { at, lookup, values } => {
                let text = object.values[*at].text().unwrap_or_default();
                lookup.holds(text, values)
            }
            Self::Number { at, comparison, numbers } => {
                let Value::Int(value) = &object.values[*at] else { return false };
                let mut held = numbers.iter().map(|number| comparison.holds(value, number));
                // Several values are alternatives; several exclusions all count.
                if *comparison == Comparison::NotEqual { held.all(|holds| holds) } else { held.any(|holds| holds) }
            }
            Self::Bool { at, on } => object.values[*at] == Value::Bool(*on),
            Self::Refers { at, ids } => match &object.values[*at] {
                Value::Refs(targets) => targets.iter().any(|target| ids.contains(&Some(*target))),
                value => ids.contains(&value.target()),
            },
            Self::OnDevices(devices) => super::render::generic(store, kind, object, "assigned_object_id")
                .and_then(|(target, id)| store.get(target, id))
                .and_then(|interface| interface.get(Kind::Interface, "device").target())
                .is_some_and(|device| devices.contains(&device)),
            Self::AtSites(sites) => matches!(
                super::render::generic(store, kind, object, "scope_id"),
                Some((Kind::Site, id)) if sites.contains(&id)
            ),
            Self::Tagged(tags) => match object.get(kind, "tags") {
                Value::Refs(own) => tags.iter().all(|tag| own.contains(tag)),
                _ => false,
            },
            Self::InVlan(vlan) => VLAN_FIELDS.iter().any(|field| match object.get(kind, field) {
                Value::Refs(vlans) => vlans.contains(vlan),
                value => value.target() == Some(*vlan),
            }),
            Self::Search(text) => {
                display(store, kind, object.id).to_lowercase().contains(text)
                    || object.text(kind, "description").to_lowercase().contains(text)
            }
            Self::Never => false,
        }
    }
}

/// The value of a query parameter.
pub(super) fn parameter<'a>(query: &'a Query, name: &str) -> Option<&'a str> {
    query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Whether a body names an id.
pub(super) fn id_of(body: &Json) -> Option<u64> {
    let id = body.get("id")?;
    id.as_u64().or_else(|| id.as_str()?.trim().parse().ok())
}
