//! The order of lists, as keys of bytes that compare like the database compares.

use std::sync::Arc;
use std::sync::LazyLock;

use regex::Regex;

use super::schema::{Kind, Order, Type};
use super::state::Store;
use super::value::{Object, Value};

/// Ends a text, so that a shorter one comes first.
const END: u8 = 0;
const PRESENT: u8 = 1;
/// Nothing comes last.
const NULL: u8 = 0xFF;

/// The key of an object in the order of its kind; it ends with the id.
pub(super) fn key(store: &Store, kind: Kind, object: &Object) -> Arc<[u8]> {
    let mut key = Vec::with_capacity(48);
    write(&mut key, store, kind, object);
    key.extend(object.id.0);
    key.into()
}

fn write(key: &mut Vec<u8>, store: &Store, kind: Kind, object: &Object) {
    for order in kind.def().order {
        match order {
            Order::Text(field) => text(key, value(kind, object, field), str::to_owned),
            Order::Natural(field) => text(key, value(kind, object, field), |text| naturalize(text, 255)),
            Order::InterfaceName(field) => text(key, value(kind, object, field), interface_name),
            Order::Number(field) => match value(kind, object, field) {
                Value::Int(number) => {
                    key.push(PRESENT);
                    // The sign turned around makes negative numbers come first.
                    key.extend((number ^ i64::MIN).to_be_bytes());
                }
                _ => key.push(NULL),
            },
            Order::Id(field) => match value(kind, object, field) {
                Value::Ref(id) => {
                    key.push(PRESENT);
                    key.extend(id.0);
                }
                _ => key.push(NULL),
            },
            Order::Created => key.extend((object.created ^ i64::MIN).to_be_bytes()),
            Order::Ref(field) => referred(key, store, kind, object, field),
            Order::Net(field) => match value(kind, object, field) {
                Value::Net(net) => {
                    key.push(net.version());
                    key.extend(net.number().to_be_bytes());
                    key.push(net.length);
                }
                _ => key.push(NULL),
            },
        }
    }
}

fn value<'a>(kind: Kind, object: &'a Object, field: &str) -> &'a Value {
    kind.position(field).map_or(&Value::Null, |at| &object.values[at])
}

fn text(key: &mut Vec<u8>, value: &Value, naturalize: impl Fn(&str) -> String) {
    match value {
        Value::Text(text) => {
            key.push(PRESENT);
            key.extend(naturalize(text).bytes());
            key.push(END);
        }
        _ => key.push(NULL),
    }
}

fn referred(key: &mut Vec<u8>, store: &Store, kind: Kind, object: &Object, field: &str) {
    let target = value(kind, object, field).target();
    let to = target_kind(kind, field);
    match target.zip(to).and_then(|(id, to)| store.get(to, id).map(|target| (to, target))) {
        Some((to, target)) => {
            key.push(PRESENT);
            write(key, store, to, target);
        }
        None => key.push(NULL),
    }
}

/// The kind that a reference points to.
pub(super) fn target_kind(kind: Kind, field: &str) -> Option<Kind> {
    kind.position(field).and_then(|at| match kind.def().fields[at].ty {
        Type::Ref { to, .. } | Type::Refs { to } => Some(to),
        _ => None,
    })
}

/// Kinds and fields whose order follows that of this kind.
pub(super) fn followers(kind: Kind) -> impl Iterator<Item = (Kind, &'static str)> {
    Kind::ALL.into_iter().flat_map(move |follower| {
        follower.def().order.iter().filter_map(move |order| match order {
            Order::Ref(field) if target_kind(follower, field) == Some(kind) => Some((follower, *field)),
            _ => None,
        })
    })
}

/// Writes digits with zeros before them.
fn pad(out: &mut String, digits: &str, width: usize) {
    out.extend(std::iter::repeat_n('0', width.saturating_sub(digits.len())));
    out.push_str(digits);
}

/// Every run of digits in eight places.
fn naturalize(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut digits = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        if !digits.is_empty() {
            pad(&mut out, &digits, 8);
            digits.clear();
        }
        out.push(c);
    }
    if !digits.is_empty() {
        pad(&mut out, &digits, 8);
    }
    out.chars().take(most).collect()
}

static INTERFACE_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r"^([^\d\.:]+)?(?:(\d+)/)?(?:(\d+)/)?(?:(\d+)/)?(?:(\d+)/)?(\d+)?(?::(\d+))?(?:\.(\d+))?(.*)$";
    Regex::new(pattern).ok()
});

/// Slots and positions first, then the type, the number, channel and unit.
fn interface_name(name: &str) -> String {
    let Some(parts) = INTERFACE_NAME.as_ref().and_then(|pattern| pattern.captures(name)) else {
        return name.to_owned();
    };
    let mut out = String::new();
    for at in 2..=5 {
        match parts.get(at) {
            Some(part) => pad(&mut out, part.as_str(), 4),
            None => out.push_str("9999"),
        }
    }
    if let Some(kind) = parts.get(1) {
        out.push_str(kind.as_str());
    }
    for at in 6..=8 {
        match parts.get(at) {
            Some(part) => pad(&mut out, part.as_str(), 6),
            None => out.push_str("......"),
        }
    }
    if let Some(rest) = parts.get(9) {
        out.push_str(&naturalize(rest.as_str(), 255));
    }
    out.chars().take(255).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_their_numbers() {
        assert_eq!(naturalize("rack9-u10", 255), "rack00000009-u00000010");
        let mut names = ["wl0", "Po1", "Eth9", "Eth1.2", "Eth10", "Eth1", "Gi1/0/2", "Gi1/0/10", "Vl1"];
        names.sort_by_key(|name| interface_name(name));
        assert_eq!(names, ["Gi1/0/2", "Gi1/0/10", "Eth1", "Eth1.2", "Eth9", "Eth10", "Po1", "Vl1", "wl0"]);
    }
}
