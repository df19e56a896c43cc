//! Which of Forward's stored network states ("Forward snapshots") a run reads.

use serde::Deserialize;

use crate::client::{Api, Network, json};
use crate::error::{Error, Problem};
use crate::settings::Identifier;

/// How many processed Forward snapshots `latestCollected` looks at.
pub(crate) const LOOKED_AT: usize = 10;

/// One Forward snapshot, as the listing has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ForwardSnapshot {
    pub id: Identifier,
    #[serde(default)]
    pub state: String,
    pub created_at: Option<String>,
    pub processed_at: Option<String>,
    pub processing_trigger: Option<String>,
    #[serde(default)]
    is_draft: bool,
    #[serde(default)]
    is_predicted: bool,
    change_set_id: Option<Identifier>,
}

#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    snapshots: Vec<ForwardSnapshot>,
}

/// How the collection of a Forward snapshot went. A count that is missing is unknown, never 0.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Metrics {
    #[serde(rename = "numSuccessfulDevices")]
    pub successful: Option<u64>,
    #[serde(rename = "numCollectionFailureDevices")]
    pub not_collected: Option<u64>,
    #[serde(rename = "numProcessingFailureDevices")]
    pub not_processed: Option<u64>,
}

impl ForwardSnapshot {
    fn is_processed(&self) -> bool {
        self.state == "PROCESSED"
    }

    /// Whether it is the network as it was, and not as it would be. One that was processed again is.
    fn is_real(&self) -> bool {
        let trigger = self.processing_trigger.as_deref();
        !self.is_draft && !self.is_predicted && self.change_set_id.is_none() && trigger != Some("PREDICT")
    }

    /// The newest has the greatest. The listing's own order means nothing.
    fn age(&self) -> (Option<&str>, Option<&str>, Option<u64>, &str) {
        let number = self.id.0.parse().ok();
        (self.processed_at.as_deref(), self.created_at.as_deref(), number, &self.id.0)
    }
}

impl Metrics {
    /// What to tell people when the collection got too little to be taken for the network.
    pub fn concern(&self) -> Option<String> {
        let collected = self.successful?;
        let failed = self.not_collected.unwrap_or(0) + self.not_processed.unwrap_or(0);
        let all = collected + failed;
        (all > 0 && collected * 2 < all).then(|| {
            format!(
                "only {collected} of {all} devices were collected for the Forward snapshot: what is missing in it may well exist"
            )
        })
    }
}

/// The Forward snapshots of a network.
pub(crate) async fn list(api: &Api, network: &Network) -> Result<Vec<ForwardSnapshot>, Error> {
    // Without a limit: the order of the listing is undefined, so a limit could cut off the newest.
    let listing: Listing = json(api.get(["networks", &network.id.0, "snapshots"])).await?;
    Ok(listing.snapshots)
}

/// Those that can stand for the network, newest first.
pub(crate) fn candidates(snapshots: Vec<ForwardSnapshot>) -> Vec<ForwardSnapshot> {
    let mut real: Vec<_> =
        snapshots.into_iter().filter(|snapshot| snapshot.is_processed() && snapshot.is_real()).collect();
    real.sort_by(|a, b| b.age().cmp(&a.age()));
    real
}

/// The newest one that can stand for the network.
pub(crate) fn latest(snapshots: Vec<ForwardSnapshot>, network: &Network) -> Result<ForwardSnapshot, Error> {
    let listed = snapshots.len();
    candidates(snapshots).into_iter().next().ok_or_else(|| none(network, listed))
}

/// The error for a network without one that can stand for it.
pub(crate) fn none(network: &Network, listed: usize) -> Error {
    let problem = match listed {
        0 => format!("the network `{}` has none; collect it in Forward first", network.name),
        _ => format!(
            "none of the {listed} of the network `{}` is both processed and no prediction; wait until one is processed",
            network.name
        ),
    };
    Problem::NoSnapshot(problem).into()
}

/// The one of an id.
pub(crate) fn pinned(snapshots: Vec<ForwardSnapshot>, id: &str, network: &Network) -> Result<ForwardSnapshot, Error> {
    let found = snapshots.into_iter().find(|snapshot| snapshot.id.0 == id).ok_or_else(|| {
        Problem::Settings(format!(
            "the network `{}` has no Forward snapshot `{id}` (deleted or archived?): set `snapshot` to another one, or to `$last`",
            network.name
        ))
    })?;
    if found.is_processed() { Ok(found) } else { Err(Problem::SnapshotUnavailable { state: found.state }.into()) }
}

/// How its collection went; nothing when Forward does not say.
pub(crate) async fn metrics(api: &Api, snapshot: &ForwardSnapshot) -> Result<Metrics, Error> {
    let answer = json(api.get(["snapshots", &snapshot.id.0, "metrics"])).await;
    match answer {
        // The numbers are only for people: an old Forward, or not being allowed to see them, ends nothing.
        Err(error)
            if matches!(
                error.problem(),
                Problem::NotFound { .. } | Problem::NoEndpoint { .. } | Problem::Denied(_)
            ) =>
        {
            Ok(Metrics::default())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn network() -> Network {
        Network { id: Identifier("101".to_owned()), name: "Production".to_owned(), parent_id: None }
    }

    fn listing(rows: &serde_json::Value) -> Vec<ForwardSnapshot> {
        serde_json::from_value::<Listing>(json!({"id": 101, "snapshots": rows})).unwrap().snapshots
    }

    fn some() -> Vec<ForwardSnapshot> {
        listing(&json!([
            {"id": 9, "state": "PROCESSED", "createdAt": "2026-01-10", "processedAt": "2026-01-10T01"},
            {"id": "12", "state": "PROCESSED", "createdAt": "2026-01-14", "processedAt": "2026-01-14T01", "processingTrigger": "PREDICT"},
            {"id": "13", "state": "PROCESSED", "createdAt": "2026-01-15", "processedAt": "2026-01-15T01", "isDraft": true},
            {"id": "14", "state": "PROCESSED", "createdAt": "2026-01-16", "processedAt": "2026-01-16T01", "changeSetId": 3},
            {"id": "11", "state": "PROCESSED", "createdAt": "2026-01-09", "processedAt": "2026-01-13T01", "processingTrigger": "REPROCESS"},
            {"id": "10", "state": "PROCESSING", "createdAt": "2026-01-17"},
        ]))
    }

    #[test]
    fn the_newest_real_one_is_the_latest_in_any_order() {
        let mut rows = some();
        for _ in 0..rows.len() {
            rows.rotate_left(1);
            assert_eq!(latest(rows.clone(), &network()).unwrap().id.0, "11");
        }
        let order: Vec<_> = candidates(rows).into_iter().map(|snapshot| snapshot.id.0).collect();
        assert_eq!(order, ["11", "9"]);
    }

    #[test]
    fn a_pinned_one_must_be_there_and_processed() {
        assert_eq!(pinned(some(), "9", &network()).unwrap().id.0, "9");
        let told = |id: &str| pinned(some(), id, &network()).unwrap_err().to_string();
        insta::assert_snapshot!(format!("{}\n{}", told("10"), told("99")), @r"
        the Forward snapshot cannot be queried: it is PROCESSING; choose another one, or wait until it is processed
        the network `Production` has no Forward snapshot `99` (deleted or archived?): set `snapshot` to another one, or to `$last`
        ");
        let nothing = latest(Vec::new(), &network()).unwrap_err().to_string();
        insta::assert_snapshot!(nothing, @"no Forward snapshot of the network can be read: the network `Production` has none; collect it in Forward first");
    }

    #[test]
    fn a_collection_that_got_little_is_a_concern_and_unknown_counts_are_not() {
        let metrics = |good, bad| Metrics { successful: good, not_collected: bad, not_processed: None };
        assert_eq!(metrics(None, Some(10)).concern(), None);
        assert_eq!(metrics(Some(90), Some(10)).concern(), None);
        assert!(metrics(Some(0), Some(10)).concern().unwrap().starts_with("only 0 of 10 devices"));
    }
}
