//! K6: what is gone is deleted, in the order of references.

use syncline_core::change::Action;
use syncline_core::event::Side;
use syncline_core::history::OutcomeKind;
use syncline_core::run::RunRequest;

use super::{NO_TARGET, Proof, Shown};
use crate::bench::Bench;
use crate::lab::Lab;

pub async fn gone_is_deleted(lab: &dyn Lab) -> Shown {
    let bench = Bench::new(lab).await?;
    if bench.connector.target.is_none() {
        return Ok(Proof::NotMeant(NO_TARGET));
    }
    if !bench.target(&bench.settings).await?.capabilities().deletes {
        return Ok(Proof::NotMeant("the target declares that it deletes nothing"));
    }
    let network = lab.network();
    bench.write(&network).await?;
    let left = network.remainder();
    let plan = bench.dry_plan(&left).await?;
    let report = bench.run(&left, RunRequest::default()).await?;
    let wrong = bench.outcomes(&report, &[OutcomeKind::Failed, OutcomeKind::Skipped, OutcomeKind::Stale]).await?;
    if !wrong.is_empty() {
        return Err(format!("not everything that is gone could be deleted:\n{}", wrong.join("\n")).into());
    }
    let deleted = report.total().applied;
    if deleted == 0 {
        let held = bench.not_done(&report).await?;
        return Err(format!("nothing was deleted:\n{}", held.join("\n")).into());
    }
    let after = bench.read(Side::Target, &bench.settings).await?;
    for (model, key) in bench.applied(&report).await? {
        if after.get(&*model).is_some_and(|read| read.records.contains_key(key.as_str())) {
            return Err(format!("the {model} {key} is still there").into());
        }
    }
    // The same plan once more: all of it is gone by now.
    let again = bench.apply(&left, &plan).await?;
    let mut failed = bench.outcomes(&again, &[OutcomeKind::Failed]).await?;
    // An update of what is gone is stale, and rightly so.
    let stale = bench.outcomes(&again, &[OutcomeKind::Stale]).await?;
    failed.extend(stale.into_iter().filter(|line| line.starts_with(Action::Delete.as_str())));
    if !failed.is_empty() {
        return Err(format!("deleting what is gone already is not `Outcome::Unchanged`:\n{}", failed.join("\n")).into());
    }
    Ok(Proof::Shown(format!(
        "{deleted} records deleted, each after what refers to it; deleting them again did no harm"
    )))
}
