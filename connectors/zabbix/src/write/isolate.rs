//! Which host of an array is at fault.
//!
//! Zabbix refuses an array at the first host that it does not like, and writes none of it. Its words mostly tell which: by a number in
//! the path of the parameter, or by quoting a name or a value that only one host has.

use serde_json::Value;

use crate::rpc::Refusal;

/// The places of the objects that a refusal is about; empty when it does not tell, or would mean most of them.
pub(super) fn at_fault(refusal: &Refusal, objects: &[&Value]) -> Vec<usize> {
    let words = refusal.words();
    if let Some(number) = numbered(words).filter(|number| (1..=objects.len()).contains(number)) {
        return vec![number - 1];
    }
    for quote in quoted(words) {
        let names = |object: &&Value| ["host", "name", "hostid"].iter().any(|field| object[*field] == quote);
        let mut found = places(objects, names);
        if found.is_empty() {
            found = places(objects, |object| has(object, quote));
        }
        // A value that most of them have tells nothing.
        if found.len() == 1 || (!found.is_empty() && found.len() * 2 < objects.len()) {
            return found;
        }
    }
    Vec::new()
}

fn places(objects: &[&Value], is: impl Fn(&&Value) -> bool) -> Vec<usize> {
    objects.iter().enumerate().filter(|(_, object)| is(object)).map(|(at, _)| at).collect()
}

/// The number in `Invalid parameter "/3/groups/1": …`, from 1.
fn numbered(words: &str) -> Option<usize> {
    let (_, rest) = words.split_once("parameter \"/")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    // A single object has no number of its own: `/host`.
    digits.parse().ok()
}

fn quoted(words: &str) -> impl Iterator<Item = &str> {
    words.split('"').skip(1).step_by(2).filter(|quote| !quote.is_empty())
}

/// Whether a text is anywhere in an object. Zabbix shortens long values in its words.
fn has(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own == text || text.strip_suffix("...").is_some_and(|start| own.starts_with(start)),
        Value::Array(members) => members.iter().any(|member| has(member, text)),
        Value::Object(fields) => fields.values().any(|field| has(field, text)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_tell_who_is_at_fault() {
        let objects: Vec<_> = (0..10)
            .map(|number| json!({"host": format!("sw{number}"), "name": format!("Switch {number}"), "groups": [{"groupid": "4"}]}))
            .chain([json!({"host": "odd", "inventory": {"os": "xxxxxxxxxx"}})])
            .collect();
        let objects: Vec<_> = objects.iter().collect();
        let told = |data: &str| {
            let refusal = Refusal { code: -32602, message: String::new(), data: data.to_owned() };
            at_fault(&refusal, &objects)
        };
        assert_eq!(told("Invalid parameter \"/3/groups/1\": object does not exist."), [2]);
        assert_eq!(told("Host with the same name \"sw7\" already exists."), [7]);
        assert_eq!(told("Host with the same visible name \"Switch 4\" already exists."), [4]);
        assert_eq!(told("Value \"xxxxx...\" is too long for field \"os\" - 200 characters."), [10]);
        assert_eq!(told("No permissions to referred object or it does not exist!"), [0_usize; 0]);
        assert_eq!(told("group \"4\" is odd"), [0_usize; 0], "most of them have it");
        assert_eq!(told("Invalid parameter \"/99/host\": no."), [0_usize; 0]);
    }
}
