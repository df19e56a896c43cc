//! K9: what somebody changed since it was read is not overwritten.

use syncline_core::change::{Action, Change};
use syncline_core::history::OutcomeKind;
use syncline_core::plan::PlanReader;
use syncline_core::run::RunRequest;

use super::{NO_TARGET, Proof, Shown, edits};
use crate::bench::Bench;
use crate::lab::Lab;

pub async fn holds(lab: &dyn Lab) -> Shown {
    let bench = Bench::new(lab).await?;
    if bench.connector.target.is_none() {
        return Ok(Proof::NotMeant(NO_TARGET));
    }
    if !bench.target(&bench.settings).await?.capabilities().preconditions {
        return Ok(Proof::NotMeant("the target declares that it checks no precondition; people are told so"));
    }
    let network = lab.network();
    bench.write(&network).await?;
    let mut found = None;
    // A target that makes its own records changes none for some edits.
    for edit in edits(&bench).await? {
        let edited = network.with(&edit)?;
        let plan = bench.dry_plan(&edited).await?;
        let mut changes = PlanReader::open(&plan)?.changes()?;
        let is_update =
            |change: &Result<Change, _>| change.as_ref().is_ok_and(|change| change.action == Action::Update);
        if let Some(change) = changes.find(is_update) {
            found = Some((edited, plan, change?));
            break;
        }
    }
    let (edited, plan, change) =
        found.ok_or("the target knows no field of which the network has an edit that makes an update")?;
    let native = change.native.ok_or("the change of a record that was read has no handle")?;
    bench.system.meddle(&change.model, &native).await?;
    let report = bench.apply(&edited, &plan).await?;
    let stale = bench.outcomes(&report, &[OutcomeKind::Stale]).await?;
    if stale.len() != 1 || report.total().applied != 0 {
        let left = bench.not_done(&report).await?;
        let applied = report.total().applied;
        return Err(format!(
            "the {} {} was changed by somebody else after the plan was made, and {applied} changes were applied all the same\n{}",
            change.model,
            change.key,
            left.join("\n")
        )
        .into());
    }
    // Where nobody comes between, the same goes through: what is refused whoever came is no precondition.
    let again = bench.run(&edited, RunRequest::default()).await?;
    if again.total().applied == 0 {
        let left = bench.not_done(&again).await?;
        let (model, key) = (&change.model, &change.key);
        return Err(
            format!("the {model} {key} cannot be changed although nobody came between\n{}", left.join("\n")).into()
        );
    }
    Ok(Proof::Shown(stale.join("; ")))
}
