//! K3, K4, K13: reads.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use syncline_core::event::Side;
use syncline_model::{AnyRecord, FieldKind, FieldSet, ModelSchema, models};
use syncline_testkit::fault_proxy::{FaultKind, Strike};

use super::{NO_HTTP, Proof, Shown, in_time, some_of};
use crate::bench::{Bench, Read};
use crate::lab::{BoxError, Lab};
use crate::report::Untried;

/// How many requests of a read are struck, each in every way.
const STRUCK: u64 = 8;

/// K3: what is read twice is the same, with pages of any size.
pub async fn repeated(lab: &dyn Lab) -> Shown {
    let bench = Bench::filled(lab).await?;
    let mut shown = Vec::new();
    for side in bench.sides() {
        let first = whole(&bench, side).await?;
        same(&first, &whole(&bench, side).await?, "read a second time")?;
        let records: usize = first.values().map(|read| read.records.len()).sum();
        let most = first.values().map(|read| read.records.len()).max().unwrap_or_default();
        let sizes = [1, 2, most.max(1), most + 1];
        if let Some(pointer) = bench.system.page_size() {
            for size in sizes {
                let mut settings = bench.settings.clone();
                let place = settings.connection.pointer_mut(pointer);
                *place.ok_or_else(|| format!("the connection has no `{pointer}`"))? = json!(size);
                let read = bench.read(side, &settings).await?;
                same(&first, &read, &format!("read with {size} records a page"))?;
            }
            shown.push(format!("{records} records of the {side}, twice and with pages of {sizes:?}"));
        } else {
            shown.push(format!("{records} records of the {side}, twice"));
        }
    }
    Ok(Proof::Shown(shown.join("; ")))
}

/// K4: a read that is cut short is never taken for complete.
pub async fn cut(lab: &dyn Lab) -> Shown {
    let bench = Bench::filled(lab).await?;
    let Some(proxy) = &bench.proxy else { return Ok(Proof::NotMeant(NO_HTTP)) };
    let mut cuts = 0;
    let mut whole_reads = Vec::new();
    for side in bench.sides() {
        let good = whole(&bench, side).await?;
        whole_reads.push((side, good.clone()));
        proxy.watch();
        whole(&bench, side).await?;
        let requests = proxy.seen().len() as u64;
        for after in some_of(requests, STRUCK) {
            let kinds =
                [FaultKind::CutBody, FaultKind::ResetBefore, FaultKind::ServerError { status: 500, done: false }];
            for kind in kinds {
                proxy.strike(Strike::all(kind).after(after));
                let what = format!("the read of the {side} with {} from request {} on", kind.name(), after + 1);
                let read = in_time(&what, bench.read(side, &bench.settings)).await?;
                proxy.watch();
                if let Ok(read) = read {
                    never_less(&good, &read, &what)?;
                }
                cuts += 1;
            }
        }
    }
    if bench.system.shorten().await {
        for (side, good) in &whole_reads {
            let what = format!("the read of the {side} with a page that lacks a record");
            if let Ok(read) = bench.read(*side, &bench.settings).await {
                never_less(good, &read, &what)?;
            }
            cuts += 1;
        }
    }
    Ok(Proof::Shown(format!("{cuts} reads were cut short in their course, none was taken for complete")))
}

/// K13: what is read is written as the models write it.
pub async fn normalised(lab: &dyn Lab) -> Shown {
    let bench = Bench::filled(lab).await?;
    let mut compared = 0;
    let mut never = BTreeSet::new();
    for side in bench.sides() {
        let knows = match side {
            Side::Source => bench.source(&bench.settings).await?.knows(),
            Side::Target => bench.target(&bench.settings).await?.holds(),
        };
        for (model, read) in whole(&bench, side).await? {
            let schema = models::by_name(model).ok_or_else(|| format!("there is no model `{model}`"))?;
            let mut filled = BTreeSet::new();
            for (key, text) in &read.records {
                let fields: Map<String, Value> = serde_json::from_str(text)?;
                if !bench.lab.reads_only() {
                    ensure_known_words(schema, &fields, &format!("the {model} {key} that the {side} reads"))?;
                }
                filled.extend(fields.iter().filter(|(_, value)| !is_nothing(value)).map(|(name, _)| name.clone()));
                let record = AnyRecord::from_json(schema, &fields, FieldSet::EMPTY)
                    .map_err(|error| format!("the {model} {key} that the {side} reads is none: {error}"))?;
                let mut out = Vec::new();
                record.write_fields(FieldSet::ALL, &mut out);
                let again = String::from_utf8_lossy(&out);
                // A key is of the fields that the record has; those that go into it through a function are not compared here.
                if again != *text {
                    return Err(format!(
                        "the {model} {key} is not normalised: it is read as\n{text}\nand said again is\n{again}"
                    )
                    .into());
                }
                compared += 1;
            }
            let known = schema.fields.iter().enumerate().filter(|(at, _)| knows.of(model).contains(*at));
            let empty = known.filter(|(_, field)| !read.records.is_empty() && !filled.contains(field.name));
            never.extend(empty.map(|(_, field)| format!("{model}.{}", field.name)));
        }
    }
    let unfilled = match never.len() {
        0 => String::new(),
        _ => {
            format!("; not shown, as no record has a value there: {}", never.into_iter().collect::<Vec<_>>().join(", "))
        }
    };
    let mut agree = "";
    if bench.sides().len() == 2 {
        sides_agree(&bench).await?;
        agree = "; the source and the target read the same";
    }
    Ok(Proof::Shown(format!("{compared} records say the same when they are normalised again{agree}{unfilled}")))
}

/// That a field with a choice of words has one of them. Systems may have words of their own, but a word of a simulated system that nobody
/// knows is one that was not translated.
fn ensure_known_words(schema: &'static ModelSchema, fields: &Map<String, Value>, whose: &str) -> Result<(), BoxError> {
    for field in schema.fields {
        let FieldKind::Choice(words) = field.kind else { continue };
        let Some(word) = fields.get(field.name).and_then(Value::as_str) else { continue };
        if !words.contains(&word) {
            let (name, known) = (field.name, words.join("`, `"));
            return Err(format!(
                "{whose} has the {name} `{word}`; the model's words are `{known}`: translate it, or leave the field out"
            )
            .into());
        }
    }
    Ok(())
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// That the source and the target of a system say the same of it, in what both know.
async fn sides_agree(bench: &Bench<'_>) -> Result<(), BoxError> {
    let knows = bench.source(&bench.settings).await?.knows();
    let both = knows.shared_with(&bench.target(&bench.settings).await?.holds());
    let (source, target) = (whole(bench, Side::Source).await?, whole(bench, Side::Target).await?);
    for (schema, fields) in both.iter() {
        let names: Vec<_> = schema
            .fields
            .iter()
            .enumerate()
            .filter(|(at, _)| fields.contains(*at))
            .map(|(_, field)| field.name)
            .collect();
        let read = |read: &Read, key: &str| -> Option<Map<String, Value>> {
            let mut record: Map<String, Value> = serde_json::from_str(read.get(schema.name)?.records.get(key)?).ok()?;
            record.retain(|name, _| names.contains(&name.as_str()));
            Some(record)
        };
        for key in target.get(schema.name).into_iter().flat_map(|read| read.records.keys()) {
            let (said, held) = (read(&source, key), read(&target, key));
            if said != held {
                let text = |record: Option<Map<String, Value>>| {
                    record.map_or_else(|| "nothing".to_owned(), |record| Value::Object(record).to_string())
                };
                let model = schema.name;
                return Err(format!(
                    "of the {model} {key} the source says\n{}\nand the target\n{}",
                    text(said),
                    text(held)
                )
                .into());
            }
        }
    }
    Ok(())
}

/// A read that is complete and has something.
async fn whole(bench: &Bench<'_>, side: Side) -> Result<Read, BoxError> {
    let read = bench.read(side, &bench.settings).await?;
    for (model, one) in &read {
        if let Some(reason) = &one.partial {
            return Err(format!("the {side} reads `{model}` in part: {reason}").into());
        }
        // What is wrong in a real system is the system's; the connector says what it is.
        if bench.lab.reads_only() {
            continue;
        }
        if let Some(rejected) = one.rejected.first() {
            return Err(format!("the {side} cannot take over a record of `{model}`: {rejected}").into());
        }
        if one.duplicates > 0 {
            return Err(format!("the {side} reads {} records of `{model}` twice", one.duplicates).into());
        }
    }
    if read.values().all(|one| one.records.is_empty()) {
        if bench.lab.reads_only() {
            return Err(Untried(format!("the {side} of the real system has no record: name one that has some")).into());
        }
        return Err(format!("the {side} reads no record: the lab starts a system that has some").into());
    }
    Ok(read)
}

/// That two reads say the same.
fn same(first: &Read, second: &Read, what: &str) -> Result<(), BoxError> {
    for (model, one) in first {
        let other = second.get(model).ok_or_else(|| format!("{what}: `{model}` was not read"))?;
        if let Some(reason) = &other.partial {
            return Err(format!("{what}: `{model}` is read in part: {reason}").into());
        }
        if other.duplicates > one.duplicates {
            return Err(format!("{what}: {} records of `{model}` come twice", other.duplicates).into());
        }
        let missing = one.records.iter().find(|(key, record)| other.records.get(*key) != Some(record));
        let added = other.records.iter().find(|(key, _)| !one.records.contains_key(*key));
        if let Some((key, record)) = missing.or(added) {
            let (count, before) = (other.records.len(), one.records.len());
            return Err(
                format!("{what}: {count} records of `{model}` in the place of {before}; first {key} {record}").into()
            );
        }
    }
    Ok(())
}

/// That no model which is said to be complete has less than it should, or something else. A field that is left out says nothing, nor does
/// a member that a set lacks which only ever adds.
fn never_less(good: &Read, read: &Read, what: &str) -> Result<(), BoxError> {
    let complete = read.iter().filter(|(_, one)| one.partial.is_none() && one.rejected.is_empty());
    for (model, one) in complete {
        let Some(good) = good.get(model) else { continue };
        if !good.records.keys().eq(one.records.keys()) {
            let (count, before) = (one.records.len(), good.records.len());
            return Err(format!(
                "{what} ends as complete for `{model}`, with {count} records in the place of {before}"
            )
            .into());
        }
        for (key, record) in &one.records {
            let said: Map<String, Value> = serde_json::from_str(record)?;
            let whole: Map<String, Value> = serde_json::from_str(&good.records[key])?;
            if let Some((field, value)) = said.iter().find(|(field, value)| !is_said(model, field, value, &whole)) {
                return Err(format!("{what} says of the {model} {key} that `{field}` is {value}").into());
            }
        }
    }
    Ok(())
}

/// Whether a value is what a whole record says, or a part of it that claims nothing about the rest.
fn is_said(model: &str, field: &str, value: &Value, whole: &Map<String, Value>) -> bool {
    let adds = models::by_name(model)
        .and_then(|schema| schema.field(field))
        .is_some_and(|field| matches!(field.kind, FieldKind::References(_)) && !field.exact);
    match (value, whole.get(field)) {
        (Value::Array(some), Some(Value::Array(all))) if adds => some.iter().all(|member| all.contains(member)),
        (value, all) => all == Some(value),
    }
}
