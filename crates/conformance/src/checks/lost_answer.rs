//! K7: a lost answer makes no second record.

use std::sync::Arc;

use syncline_core::event::Side;
use syncline_core::run::RunRequest;
use syncline_testkit::fault_proxy::{FaultKind, Strike};

use super::{NO_HTTP, NO_TARGET, Proof, Shown, some_of};
use crate::bench::Bench;
use crate::lab::Lab;

/// How many of the writes of a run lose their answer, one in each run.
const LOST: u64 = 6;

pub async fn makes_no_second_record(lab: &dyn Lab) -> Shown {
    let rehearsal = Bench::new(lab).await?;
    if rehearsal.connector.target.is_none() {
        return Ok(Proof::NotMeant(NO_TARGET));
    }
    let Some(proxy) = &rehearsal.proxy else { return Ok(Proof::NotMeant(NO_HTTP)) };
    let network = lab.network();
    proxy.watch();
    let report = rehearsal.run(&network, RunRequest::default()).await?;
    rehearsal.ensure_done(&report).await?;
    let writes = proxy.seen().iter().filter(|seen| rehearsal.system.is_write(seen)).count() as u64;
    let expected = rehearsal.read(Side::Target, &rehearsal.settings).await?;
    let lost = some_of(writes, LOST);
    for after in &lost {
        let bench = Bench::new(lab).await?;
        let Some(proxy) = &bench.proxy else { return Ok(Proof::NotMeant(NO_HTTP)) };
        let system = Arc::clone(&bench.system);
        proxy.strike(Strike::all(FaultKind::ResetAfter).of(move |seen| system.is_write(seen)).after(*after).times(1));
        let what = format!("after the answer to write {} was lost", after + 1);
        // The system did what it was asked: whoever looks again finds it, and goes on.
        let report = bench.run(&network, RunRequest::default()).await?;
        bench.ensure_done(&report).await.map_err(|error| format!("{what}: {error}"))?;
        proxy.watch();
        bench.ensure_agreed(&network).await.map_err(|error| format!("{what}: {error}"))?;
        for (model, read) in bench.read(Side::Target, &bench.settings).await? {
            let count = expected.get(model).map(|read| read.records.len()).unwrap_or_default();
            if read.duplicates > 0 || read.records.len() != count {
                let found = read.records.len() as u64 + read.duplicates;
                return Err(format!("{what}: there are {found} records of `{model}` in the place of {count}").into());
            }
        }
    }
    Ok(Proof::Shown(format!(
        "the answers to {} of {writes} writes were lost, one a run, and nothing was there twice",
        lost.len()
    )))
}
