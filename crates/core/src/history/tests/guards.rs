//! What guards ask.

use super::{everywhere, new_run, started};
use crate::event::Side;
use crate::history::{ModelRecord, NewRun, ReadRecord, RunResult, RunStatus};
use crate::models::ModelMode;

#[tokio::test]
async fn only_complete_reads_of_completed_runs_are_evidence() {
    everywhere(async |place| {
        let history = place.open().await;
        let new = new_run(&history, "sites").await;
        let other = new_run(&history, "others").await;
        let completed = RunResult::completed();
        let failed = RunResult { status: RunStatus::Failed, error: None };
        let runs = [
            (&new, 10, None, &completed),
            (&new, 3, Some("page 2 was cut short"), &completed),
            (&new, 4, None, &failed),
            (&other, 5, None, &completed),
            (&new, 20, None, &completed),
            (&new, 30, None, &completed),
        ];
        for (new, records, partial, result) in runs {
            let run = started(&history, new).await;
            let source = ReadRecord { records, partial: partial.map(str::to_owned), ..ReadRecord::default() };
            let record = ModelRecord {
                model: "site".to_owned(),
                mode: ModelMode::Sync,
                source: Some(source),
                desired: (records == 30).then_some(25),
                target: None,
                diff: None,
            };
            history.record_model(run, &record).await.unwrap();
            history.finish_run(run, result).await.unwrap();
        }
        let counts = async |side, n| history.record_counts_of_last_complete("sites", "site", side, n).await.unwrap();
        assert_eq!(counts(Side::Source, 5).await, [25, 20, 10], "what the target was to keep, where that is known");
        assert_eq!(counts(Side::Source, 2).await, [25, 20]);
        assert!(counts(Side::Target, 5).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_first_run_lasts_until_a_real_one_completes() {
    everywhere(async |place| {
        let history = place.open().await;
        let new = new_run(&history, "sites").await;
        let has_completed = async |hash: &str| history.has_completed("sites", hash).await.unwrap();
        assert!(!history.has_completed("unknown", "d1").await.unwrap());
        let runs = [
            (NewRun { dry: true, ..new.clone() }, RunStatus::Completed),
            (new.clone(), RunStatus::Failed),
            (new.clone(), RunStatus::Cancelled),
        ];
        for (new, status) in runs {
            let run = started(&history, &new).await;
            history.finish_run(run, &RunResult { status, error: None }).await.unwrap();
            assert!(!has_completed("d1").await);
        }
        let run = started(&history, &new).await;
        history.finish_run(run, &RunResult::completed()).await.unwrap();
        assert!(has_completed("d1").await);
        assert!(!has_completed("d2").await, "another mapping is a first run again");
    })
    .await;
}
