//! The order of lists, as byte strings that compare the way NetBox sorts.

use std::net::IpAddr;
use std::sync::Arc;

use super::schema::{Kind, Order};
use super::state::{Object, Store, Value};
use super::text::push;

/// The place of an object: its kind's order, then its id.
pub(super) fn key(store: &Store, kind: Kind, object: &Object) -> Arc<[u8]> {
    let mut key = Vec::with_capacity(32);
    for order in kind.def().order {
        component(store, kind, object, *order, &mut key);
    }
    key.extend_from_slice(&object.id.to_be_bytes());
    key.into()
}

/// The kinds whose order follows that of `kind`, with the field that refers to it.
pub(super) fn followers(kind: Kind) -> Vec<(Kind, &'static str)> {
    let mut found = Vec::new();
    for candidate in Kind::ALL {
        for order in candidate.def().order {
            let Order::Ref { field, .. } = order else { continue };
            let refers = candidate.def().fields.iter().any(|known| {
                known.name == *field && matches!(known.ty, super::schema::Type::Ref { to, .. } if to == kind)
            });
            if refers {
                found.push((candidate, *field));
            }
        }
    }
    found
}

fn component(store: &Store, kind: Kind, object: &Object, order: Order, key: &mut Vec<u8>) {
    match order {
        Order::Natural(field) => text(object.get(kind, field), key, natural),
        Order::Plain(field) => text(object.get(kind, field), key, |plain, key| {
            key.extend_from_slice(plain.to_lowercase().as_bytes());
        }),
        Order::InterfaceName(field) => text(object.get(kind, field), key, |name, key| {
            key.extend_from_slice(interface_name(name).as_bytes());
        }),
        Order::Number(field) => match object.get(kind, field) {
            Value::Int(number) => {
                key.push(1);
                key.extend_from_slice(&(number.wrapping_sub(i64::MIN)).to_be_bytes());
            }
            _ => key.push(2),
        },
        Order::Address(field) => address(object.text(kind, field), key),
        Order::Ref { field, nulls_first } => {
            let target = object.get(kind, field).target();
            let position = kind.def().position(field);
            let to = position.and_then(|at| match kind.def().fields[at].ty {
                super::schema::Type::Ref { to, .. } => Some(to),
                _ => None,
            });
            match target.zip(to).and_then(|(id, to)| store.order_key(to, id)) {
                Some(order) => {
                    key.push(1);
                    key.extend_from_slice(order);
                }
                None => key.push(if nulls_first { 0 } else { 2 }),
            }
        }
    }
}

/// Compares two values as lists sort them: numbers in text as numbers, null last.
pub(super) fn compare(left: &Value, right: &Value) -> std::cmp::Ordering {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Ref(left), Value::Ref(right)) => left.cmp(right),
        _ => {
            let [left, right] = [left, right].map(|value| {
                let mut key = Vec::new();
                text(value, &mut key, natural);
                key
            });
            left.cmp(&right)
        }
    }
}

/// Text between a leading mark and a closing zero; null comes last.
fn text(value: &Value, key: &mut Vec<u8>, write: impl Fn(&str, &mut Vec<u8>)) {
    match value {
        Value::Text(text) => {
            key.push(1);
            write(text, key);
            key.push(0);
        }
        _ => key.push(2),
    }
}

/// Letters without case; runs of digits by their length and then their digits, which is their number.
fn natural(text: &str, key: &mut Vec<u8>) {
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 {
            let number = rest[..digits].trim_start_matches('0');
            key.push(b'0');
            key.push(u8::try_from(number.len()).unwrap_or(u8::MAX).saturating_add(1));
            key.extend_from_slice(number.as_bytes());
            rest = &rest[digits..];
        } else {
            let until = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            key.extend_from_slice(rest[..until].to_lowercase().as_bytes());
            rest = &rest[until..];
        }
    }
}

/// NetBox's sorting form of an interface name: four places for positions, then the letters, then six for numbers.
pub(super) fn interface_name(name: &str) -> String {
    let letters = name.find(|c: char| c.is_ascii_digit() || c == '.' || c == ':').unwrap_or(name.len());
    let (letters, mut rest) = name.split_at(letters);
    let mut form = String::with_capacity(40);
    for _ in 0..4 {
        match digits(rest).filter(|(_, after)| after.starts_with('/')) {
            Some((number, after)) => {
                push(&mut form, format_args!("{number:0>4}"));
                rest = &after[1..];
            }
            None => form.push_str("9999"),
        }
    }
    form.push_str(letters);
    for lead in ["", ":", "."] {
        match rest.strip_prefix(lead).and_then(digits) {
            Some((number, after)) => {
                push(&mut form, format_args!("{number:0>6}"));
                rest = after;
            }
            None => form.push_str("......"),
        }
    }
    form.push_str(rest);
    form
}

fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn address(text: &str, key: &mut Vec<u8>) {
    let (host, mask) = text.split_once('/').unwrap_or((text, ""));
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(host)) => {
            key.push(4);
            key.extend_from_slice(&host.octets());
        }
        Ok(IpAddr::V6(host)) => {
            key.push(6);
            key.extend_from_slice(&host.octets());
        }
        Err(_) => key.push(9),
    }
    key.push(mask.parse().unwrap_or(u8::MAX));
}

#[cfg(test)]
mod tests {
    use super::{interface_name, natural};

    #[test]
    fn numbers_in_names_sort_as_numbers() {
        let form = |text: &str| {
            let mut key = Vec::new();
            natural(text, &mut key);
            key
        };
        assert!(form("core-2") < form("core-10"));
        assert!(form("Core-2") < form("core-10"));
        assert!(form("a") < form("b1"));
    }

    #[test]
    fn interfaces_sort_by_slot_before_name() {
        assert!(interface_name("Gi0/2") < interface_name("Gi0/10"));
        assert!(interface_name("Te0/1") < interface_name("Gi1/1"));
        assert!(interface_name("Gi0/1") < interface_name("Loopback0"));
    }
}
