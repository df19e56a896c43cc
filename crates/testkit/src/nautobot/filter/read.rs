//! What the arguments of lists mean.

use std::collections::HashSet;

use super::{Given, NetTest, Test, Wrong, find, is_time, null_test};
use crate::nautobot::address::{Net, parse_mac};
use crate::nautobot::choices;
use crate::nautobot::ordering::target_kind;
use crate::nautobot::schema::{How, Kind, Type};
use crate::nautobot::state::Store;
use crate::nautobot::value::{Id, parse_time};

/// Understands one argument of a list.
pub(super) fn understand(store: &Store, kind: Kind, given: &Given) -> Result<Test, Wrong> {
    let at = |field: &str| kind.position(field).unwrap_or(usize::MAX);
    let values = &given.values;
    if let Some((created, lookup)) = is_time(kind, &given.name) {
        let times: Option<Vec<i64>> = values.iter().map(|value| parse_time(value)).collect();
        let times = times.ok_or_else(|| Wrong::Value("Enter a valid date/time.".to_owned()))?;
        return Ok(Test::Time { created, lookup, times });
    }
    if let Some(at) = null_test(kind, &given.name) {
        return Ok(Test::Null { at, null: values.first().is_some_and(|value| value.eq_ignore_ascii_case("true")) });
    }
    let filter = find(kind, &given.name, store.version).ok_or(Wrong::Unknown)?;
    let refs = |field: &'static str, by_name: bool, below: bool| -> Result<Test, Wrong> {
        let to = target_kind(kind, field).ok_or(Wrong::Unknown)?;
        let (ids, none) = objects(store, to, values, by_name, below)?;
        Ok(Test::Refs { at: at(field), ids, none })
    };
    let test = match filter.how {
        How::Id => {
            let ids: Option<HashSet<Id>> = values.iter().map(|value| Id::parse(value)).collect();
            Test::Ids(ids.ok_or_else(|| Wrong::Value("Enter a valid UUID.".to_owned()))?)
        }
        How::Text(field) => Test::Texts { at: at(field), texts: values.clone() },
        How::Choice(field) => Test::Texts { at: at(field), texts: choice(kind, field, values)? },
        How::Int(field) => Test::Ints { at: at(field), numbers: numbers(values)? },
        How::Bool(field) => {
            let flag =
                values.first().is_some_and(|value| matches!(value.to_lowercase().as_str(), "true" | "1" | "yes"));
            Test::Bools { at: at(field), flag }
        }
        How::Names(field) => Test::Names { at: at(field), names: names(kind, field, values)? },
        How::Mac(field) => {
            let read = |text: &String| parse_mac(text).ok_or_else(|| format!("Invalid MAC address format: {text}"));
            let texts: Result<Vec<String>, String> = values.iter().map(read).collect();
            Test::Texts { at: at(field), texts: texts.map_err(Wrong::Crash)? }
        }
        How::Ref(field) => refs(field, true, false)?,
        How::RefId(field) => refs(field, false, false)?,
        How::Tree(field) => refs(field, true, true)?,
        How::Any(field) => {
            let to = target_kind(kind, field).ok_or(Wrong::Unknown)?;
            Test::Any { at: at(field), ids: objects(store, to, values, true, false)?.0 }
        }
        How::Through { link, here, there } => {
            let to = target_kind(link, there).ok_or(Wrong::Unknown)?;
            Test::Ids(linked(store, link, here, there, &objects(store, to, values, true, false)?.0))
        }
        How::ThroughTree { link, here, there } => {
            let to = target_kind(link, there).ok_or(Wrong::Unknown)?;
            Test::Ids(linked(store, link, here, there, &objects(store, to, values, true, true)?.0))
        }
        How::Of { field, then } => {
            let middle = target_kind(kind, field).ok_or(Wrong::Unknown)?;
            let to = target_kind(middle, then).ok_or(Wrong::Unknown)?;
            let ends = objects(store, to, values, true, to == Kind::Location)?.0;
            let ids = ends.into_iter().flat_map(|end| store.referring(middle, then, end)).collect();
            Test::Refs { at: at(field), ids, none: false }
        }
        How::DeviceOfAddress => {
            let known = values.iter().flat_map(|value| match Id::parse(value) {
                Some(id) => vec![id],
                None => store.with_text(Kind::Device, "name", value).unwrap_or_default(),
            });
            let devices: HashSet<Id> = known.collect();
            let interfaces =
                devices.into_iter().flat_map(|id| store.referring(Kind::Interface, "device", id)).collect();
            Test::Ids(linked(store, Kind::IpToInterface, "ip_address", "interface", &interfaces))
        }
        How::TenantGroup => {
            let groups = objects(store, Kind::TenantGroup, values, true, true)?.0;
            let ids = groups.into_iter().flat_map(|id| store.referring(Kind::Tenant, "tenant_group", id)).collect();
            Test::Refs { at: at("tenant"), ids, none: false }
        }
        // One that is no network leaves nothing of the others.
        How::Network => {
            let nets = nets(values);
            let nets = if nets.len() < values.len() { Vec::new() } else { nets };
            Test::Nets(nets.into_iter().map(|net| NetTest::Same(net.network())).collect())
        }
        How::Within { itself } => {
            Test::Nets(nets(values).into_iter().map(|net| NetTest::Within(net.network(), itself)).collect())
        }
        How::Contains => Test::Nets(nets(values).into_iter().map(NetTest::Contains).collect()),
        How::InNetwork => {
            Test::Nets(nets(values).into_iter().map(|net| NetTest::Within(net.network(), true)).collect())
        }
        How::Address => Test::Nets(addresses(values)?),
        How::MaskLength => Test::Lengths(numbers(values)?),
        How::Version => Test::Version(numbers(values)?.first().copied().unwrap_or_default()),
    };
    Ok(if given.name.ends_with("__n") { Test::Not(Box::new(test)) } else { test })
}

fn numbers(values: &[String]) -> Result<Vec<i64>, Wrong> {
    let numbers: Result<Vec<i64>, _> = values.iter().map(|value| value.trim().parse()).collect();
    numbers.map_err(|_| Wrong::Value("Enter a whole number.".to_owned()))
}

fn not_available(value: &str) -> Wrong {
    Wrong::Value(format!("Select a valid choice. {value} is not one of the available choices."))
}

fn choice(kind: Kind, field: &str, values: &[String]) -> Result<Vec<String>, Wrong> {
    let ty = kind.position(field).map(|at| kind.def().fields[at].ty);
    let Some(Type::Choice { options, .. } | Type::PlainChoice { options }) = ty else {
        return Err(Wrong::Unknown);
    };
    match values.iter().find(|value| choices::label(options, value).is_empty()) {
        Some(value) => Err(not_available(value)),
        None => Ok(values.to_vec()),
    }
}

fn names(kind: Kind, field: &str, values: &[String]) -> Result<Vec<String>, Wrong> {
    let ty = kind.position(field).map(|at| kind.def().fields[at].ty);
    let Some(Type::Models { allowed }) = ty else { return Err(Wrong::Unknown) };
    match values.iter().find(|value| !allowed.contains(&value.as_str())) {
        Some(value) => Err(not_available(value)),
        None => Ok(values.to_vec()),
    }
}

fn nets(values: &[String]) -> Vec<Net> {
    values.iter().filter_map(|value| Net::parse(value.trim())).collect()
}

fn addresses(values: &[String]) -> Result<Vec<NetTest>, Wrong> {
    let (mut tests, mut masked) = (Vec::new(), Vec::new());
    for value in values {
        let net = Net::parse(value.trim()).ok_or_else(|| Wrong::Crash(format!("invalid IPNetwork {value}")))?;
        match value.contains('/') {
            true => masked.push(net),
            false => tests.push(NetTest::Host(net)),
        }
    }
    tests.push(NetTest::Masked(masked));
    Ok(tests)
}

/// Objects by id or name, with those below; and whether nothing is wanted too.
fn objects(
    store: &Store,
    kind: Kind,
    values: &[String],
    by_name: bool,
    below: bool,
) -> Result<(HashSet<Id>, bool), Wrong> {
    let (mut ids, mut none) = (HashSet::new(), false);
    let field = if kind == Kind::DeviceType { "model" } else { "name" };
    for value in values {
        if value == "null" {
            none = true;
            continue;
        }
        let found: Vec<Id> = match Id::parse(value) {
            Some(id) => store.get(kind, id).map(|object| object.id).into_iter().collect(),
            None if by_name && kind == Kind::Prefix => {
                let net = Net::parse(value).ok_or_else(|| Wrong::Crash(format!("invalid IPNetwork {value}")))?;
                store.prefixes_at(net.network())
            }
            None if by_name => store.with_text(kind, field, value).unwrap_or_else(|| {
                store.ordered(kind).filter(|object| object.text(kind, field) == value).map(|object| object.id).collect()
            }),
            None => return Err(Wrong::Value(format!("“{value}” is not a valid UUID."))),
        };
        if found.is_empty() {
            return Err(not_available(value));
        }
        ids.extend(found);
    }
    if below && kind.position("parent").is_some() {
        let mut open: Vec<Id> = ids.iter().copied().collect();
        while let Some(id) = open.pop() {
            for child in store.referring(kind, "parent", id) {
                if ids.insert(child) {
                    open.push(child);
                }
            }
        }
    }
    Ok((ids, none))
}

fn linked(store: &Store, link: Kind, here: &str, there: &str, ends: &HashSet<Id>) -> HashSet<Id> {
    let links = ends.iter().flat_map(|end| store.referring(link, there, *end));
    links.filter_map(|id| store.get(link, id).and_then(|object| object.ref_of(link, here))).collect()
}
