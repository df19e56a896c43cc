//! How long a run will take, by what the last ones took.

use std::time::Duration;

use syncline_core::Result;
use syncline_core::history::{History, Purpose, RunFilter, RunStatus};

use super::form::link;
use super::show::Took;

/// Of so many runs is told how long they took.
const RUNS: u64 = 5;

/// How long the last runs of a kind took.
#[derive(Debug)]
pub struct Estimate {
    /// `The last 5 dry runs took 12.00 s to 14.00 s`.
    pub text: String,
    /// The list of such runs.
    pub href: String,
}

/// How long the last dry and the last real runs of a sync took that completed and were about all of it, without the time that they
/// waited; nothing of a kind of which there was none.
pub async fn estimates(history: &History, sync: &str) -> Result<Vec<Estimate>> {
    let mut estimates = Vec::new();
    for (dry, kind) in [(true, "dry"), (false, "real")] {
        let filter = RunFilter {
            sync: Some(sync.to_owned()),
            status: vec![RunStatus::Completed],
            purpose: Some(Purpose::Sync),
            dry: Some(dry),
            ..RunFilter::default()
        };
        let runs = history.runs(&filter, None, RUNS).await?.items;
        let phases = history.phases_of(runs.iter().map(|run| run.id)).await?;
        let took = runs
            .iter()
            .filter_map(|run| run.worked(run.waited(phases.get(&run.id).map(Vec::as_slice).unwrap_or_default())));
        let took: Vec<_> = took.collect();
        if let Some(text) = told(kind, &took) {
            let purpose = Purpose::Sync.as_str();
            let dry = dry.to_string();
            let query = [("sync", sync), ("dry", &*dry), ("purpose", purpose), ("status", "completed")];
            estimates.push(Estimate { text, href: link("/runs", query) });
        }
    }
    Ok(estimates)
}

/// What some runs took, from the shortest to the longest.
fn told(kind: &str, took: &[Duration]) -> Option<String> {
    let (shortest, longest) = (Took(*took.iter().min()?), Took(*took.iter().max()?));
    let which = match took.len() {
        1 => format!("The last {kind} run"),
        number => format!("The last {number} {kind} runs"),
    };
    let (shortest, longest) = (shortest.to_string(), longest.to_string());
    Some(if shortest == longest {
        format!("{which} took {longest}")
    } else {
        format!("{which} took {shortest} to {longest}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_goes_from_the_shortest_to_the_longest() {
        let seconds = |seconds: &[u64]| seconds.iter().map(|seconds| Duration::from_secs(*seconds)).collect::<Vec<_>>();
        assert_eq!(told("dry", &[]), None);
        insta::assert_snapshot!(told("dry", &seconds(&[13, 12, 14])).unwrap(), @"The last 3 dry runs took 12.00 s to 14.00 s");
        insta::assert_snapshot!(told("real", &seconds(&[60])).unwrap(), @"The last real run took 1 min 0 s");
        insta::assert_snapshot!(told("real", &seconds(&[60, 60])).unwrap(), @"The last 2 real runs took 1 min 0 s");
    }
}
