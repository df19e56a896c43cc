//! K5: what was written is there: each record, and each field alone.

use std::collections::BTreeSet;

use syncline_core::history::OutcomeKind;
use syncline_core::run::RunRequest;
use syncline_model::{FieldKind, models};

use super::{NO_TARGET, Proof, Shown, edits, some_of, wanted};
use crate::bench::Bench;
use crate::lab::{BoxError, Lab};
use crate::network::{Edit, Network};

/// So many words of a field are tried.
const WORDS: u64 = 5;

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
    let words = if makes_its_own { Words::default() } else { words(&bench, network, &edits).await? };
    let Words { taken, refused } = words;
    let refusals = if refused > 0 { format!(", {refused} refused") } else { String::new() };
    Ok(Proof::Shown(format!(
        "{created} records created and read again, {} fields changed one by one; {taken} words written and read again{refusals}",
        edits.len()
    )))
}

/// How many words of fields with a choice of them were written, and how many the system does not have.
#[derive(Default)]
struct Words {
    taken: u64,
    refused: u64,
}

/// Each word that a field may have is there when it was written, or it is refused: one that silently becomes another is written again
/// with every run.
async fn words(bench: &Bench<'_>, mut network: Network, edits: &[Edit]) -> Result<Words, BoxError> {
    let (mut words, mut tried) = (Words::default(), BTreeSet::new());
    for edit in edits {
        let field = models::by_name(&edit.model).and_then(|schema| schema.field(&edit.field));
        let Some(FieldKind::Choice(all)) = field.map(|field| field.kind) else { continue };
        if !tried.insert((&edit.model, &edit.field)) {
            continue;
        }
        let some = some_of(all.len() as u64, WORDS).into_iter().filter_map(|at| all.get(usize::try_from(at).ok()?));
        for word in some.filter(|word| edit.value.as_str() != Some(word)) {
            let what = format!("{}.{} as `{word}`", edit.model, edit.field);
            let with_it = network.with(&Edit { value: (*word).into(), ..edit.clone() })?;
            let report = bench.run(&with_it, RunRequest::default()).await?;
            if bench.outcomes(&report, &[OutcomeKind::Failed]).await?.is_empty() {
                bench.ensure_done(&report).await.map_err(|error| format!("{what}: {error}"))?;
                bench.ensure_agreed(&with_it).await.map_err(|error| format!("{what}: {error}"))?;
                network = with_it;
                words.taken += 1;
            } else {
                words.refused += 1;
            }
        }
    }
    Ok(words)
}
