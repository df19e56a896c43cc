//! K12: names that are almost the same are not taken for one another.

use std::collections::BTreeSet;

use syncline_core::event::Side;
use syncline_core::run::RunRequest;
use syncline_model::{AnyRecord, FieldSet, models};

use super::{NO_TARGET, Proof, Shown, edits};
use crate::bench::Bench;
use crate::lab::Lab;

pub async fn one_and_no_other(lab: &dyn Lab) -> Shown {
    let bench = Bench::new(lab).await?;
    if bench.connector.target.is_none() {
        return Ok(Proof::NotMeant(NO_TARGET));
    }
    let network = lab.network();
    bench.write(&network).await?;
    let holds = bench.target(&bench.settings).await?.holds();
    let before = bench.read(Side::Target, &bench.settings).await?;
    let mut keys = 0;
    for (model, records) in network.records.iter().filter(|(model, _)| holds.has(model)) {
        let schema = models::by_name(model).ok_or_else(|| format!("there is no model `{model}`"))?;
        let read = before.get(schema.name).ok_or_else(|| format!("`{model}` was not read"))?;
        for record in records {
            let record = AnyRecord::from_json(schema, record, FieldSet::EMPTY)?;
            if !read.records.contains_key(record.key().as_str()) {
                let known: Vec<_> = read.records.keys().map(String::as_str).collect();
                return Err(format!(
                    "the {model} {} is known as something else: there are {}",
                    record.key().as_str(),
                    known.join(", ")
                )
                .into());
            }
            keys += 1;
        }
    }
    // One record changes, whatever is called almost like it.
    let mut edited = BTreeSet::new();
    for edit in edits(&bench).await?.into_iter().filter(|edit| holds.has(&edit.model)) {
        if !edited.insert(edit.model.clone()) {
            continue;
        }
        let schema = models::by_name(&edit.model).ok_or_else(|| format!("there is no model `{}`", edit.model))?;
        let key = schema.key_from_json(&edit.key)?;
        let report = bench.run(&network.with(&edit)?, RunRequest::default()).await?;
        bench.ensure_done(&report).await?;
        let after = bench.read(Side::Target, &bench.settings).await?;
        let (old, new) = (&before[schema.name].records, &after[schema.name].records);
        let changed: Vec<_> =
            old.iter().filter(|(key, record)| new.get(*key) != Some(record)).map(|(key, _)| key.as_str()).collect();
        if changed != [key.as_str()] {
            return Err(format!("{} {key} was changed, and what differs are {changed:?}", edit.model).into());
        }
        let report = bench.run(&network, RunRequest::default()).await?;
        bench.ensure_done(&report).await?;
    }
    Ok(Proof::Shown(format!(
        "{keys} keys are read as they were written; changes in {} models met one record each",
        edited.len()
    )))
}
