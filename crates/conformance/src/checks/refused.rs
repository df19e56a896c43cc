//! K8: one record that is refused takes no other with it, and is named.

use syncline_core::history::OutcomeKind;
use syncline_core::run::RunRequest;
use syncline_model::models;

use super::{NO_TARGET, Proof, Shown};
use crate::bench::Bench;
use crate::lab::Lab;

pub async fn alone(lab: &dyn Lab) -> Shown {
    let bench = Bench::new(lab).await?;
    if bench.connector.target.is_none() {
        return Ok(Proof::NotMeant(NO_TARGET));
    }
    let (model, record) = bench
        .system
        .refused()
        .ok_or("the lab names no record that the system refuses: `System::refused`, or skip K8 with the reason")?;
    let schema = models::by_name(model).ok_or_else(|| format!("there is no model `{model}`"))?;
    let parts: serde_json::Value = schema.key_fields().map(|field| record[field.name].clone()).collect();
    let key = schema.key_from_json(&parts)?;
    let network = lab.network();
    let with_it = network.clone().and(model, &record);
    let report = bench.run(&with_it, RunRequest::default()).await?;
    let failed = bench.outcomes(&report, &[OutcomeKind::Failed, OutcomeKind::Skipped, OutcomeKind::Stale]).await?;
    let named = failed.iter().filter(|line| line.contains(&key.to_string())).count();
    if failed.len() != 1 || named != 1 {
        return Err(format!(
            "the {model} {key} should have been refused, and it alone; not done are\n{}",
            failed.join("\n")
        )
        .into());
    }
    if failed[0].trim_end().ends_with(':') {
        return Err(format!(
            "nobody is told why: {} (nothing); say it in the system's own words, or what it answered",
            failed[0]
        )
        .into());
    }
    let planned = bench.planned(&with_it).await?;
    if planned.len() != 1 {
        return Err(format!("beside the {model} that was refused, the next run would\n{}", planned.join("\n")).into());
    }
    Ok(Proof::Shown(format!(
        "{} records went through beside one that was refused: {}",
        report.total().applied,
        failed[0]
    )))
}
