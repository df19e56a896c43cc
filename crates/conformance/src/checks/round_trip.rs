//! K5: what was written is there: each record, and each field alone.

use syncline_core::run::RunRequest;

use super::{NO_TARGET, Proof, Shown, edits, wanted};
use crate::bench::Bench;
use crate::lab::Lab;

pub async fn written_is_there(lab: &dyn Lab) -> Shown {
    let bench = Bench::new(lab).await?;
    if bench.connector.target.is_none() {
        return Ok(Proof::NotMeant(NO_TARGET));
    }
    let mut network = lab.network();
    let created = bench.write(&network).await?.total().applied;
    let known = wanted(&bench).await?;
    if created == 0 && network.records.keys().any(|model| known.has(model)) {
        return Err("nothing of the network was written, although the target holds models of it".into());
    }
    let makes_its_own = bench.target(&bench.settings).await?.needs().is_some();
    let edits = edits(&bench).await?;
    for edit in &edits {
        let field = format!("{}.{} of {}", edit.model, edit.field, edit.key);
        network = network.with(edit)?;
        let report = bench.run(&network, RunRequest::default()).await?;
        bench.ensure_done(&report).await.map_err(|error| format!("{field}: {error}"))?;
        let applied = report.total().applied;
        if applied != 1 && !makes_its_own {
            return Err(format!("one field, {field}, is changed by {applied} writes").into());
        }
        bench.ensure_agreed(&network).await.map_err(|error| format!("{field}: {error}"))?;
    }
    Ok(Proof::Shown(format!("{created} records created and read again, {} fields changed one by one", edits.len())))
}
