//! What every connector must prove, as one test a promise: K1 to K15.
//!
//! A connector crate says in a [`Lab`] how a system for tests is started and with which settings it is reached, and calls
//! [`conformance!`] in a test program. Each promise becomes a test. What cannot be proven is skipped with a reason, which stands in the
//! connector's row of the capability matrix.
//!
//! The kit speaks to the connector as the engine does, and to the system through a proxy that cuts answers, loses them and counts
//! what is written. What it writes are the records of a small network with all that is awkward in real ones ([`Network::sample`]).

mod bench;
mod check;
mod checks;
mod given;
mod lab;
mod network;
mod real;
mod report;

use crate::real::OnReal;

use std::sync::{PoisonError, RwLock};

pub use check::Check;
pub use lab::{BoxError, Broken, Lab, Settings, Skip, System};
pub use network::{Edit, Network};
pub use real::{Real, Secret};
pub use report::{Proof, Untried, Verdict};

/// Makes a test of every promise for a [`Lab`]: `syncline_conformance::conformance!(MyLab);`
#[macro_export]
macro_rules! conformance {
    ($lab:expr) => {
        $crate::conformance! { @ $lab,
            k1_settings Settings, k2_connection Connection, k3_repeated_reads RepeatedReads, k4_cut_reads CutReads,
            k5_round_trip RoundTrip, k6_deletes Deletes, k7_lost_answers LostAnswers, k8_refused_records RefusedRecords,
            k9_preconditions Preconditions, k10_pacing Pacing, k11_dry_runs DryRuns, k12_exact_matches ExactMatches,
            k13_normalisation Normalisation, k14_memory Memory, k15_skips Skips,
        }
    };
    (@ $lab:expr, $($name:ident $check:ident,)+) => {$(
        #[test]
        fn $name() {
            $crate::prove(&$lab, $crate::Check::$check);
        }
    )+};
}

/// The memory of the process is measured while nothing else is tried in it.
static ALONE: RwLock<()> = RwLock::new(());

/// Tries whether a connector keeps a promise, and writes down what came of it: each verdict is a file in the folder that
/// `CONFORMANCE_REPORTS` names, `netbox/K5.json`, or `netbox-real/K5.json` where the environment names a real system ([`Real`]).
///
/// # Panics
///
/// Where it does not keep the promise: it is the body of a test.
#[expect(clippy::panic, clippy::print_stdout, reason = "it is the body of a test")]
pub fn prove(lab: &dyn Lab, check: Check) {
    let (name, verdict) = match Real::of(lab.connector()) {
        Ok(None) if check == Check::Memory => {
            let _alone = ALONE.write().unwrap_or_else(PoisonError::into_inner);
            (lab.connector().to_owned(), blocking(lab, check))
        }
        Ok(None) => {
            let _beside = ALONE.read().unwrap_or_else(PoisonError::into_inner);
            (lab.connector().to_owned(), blocking(lab, check))
        }
        Ok(Some(real)) => (format!("{}-real", lab.connector()), on_real(lab, real, check)),
        Err(error) => (lab.connector().to_owned(), Verdict::Broken(error.to_string())),
    };
    report::keep(&name, check, &verdict);
    match verdict {
        Verdict::Proven(_) | Verdict::NotMeant(_) | Verdict::Skipped(_) => println!("{check}: {verdict}"),
        Verdict::Broken(why) => panic!("{name} breaks {check}\n{why}"),
    }
}

/// What came of one promise with a real system, which no two checks ask at once.
fn on_real(lab: &dyn Lab, real: Real, check: Check) -> Verdict {
    let is_target = bench::descriptor(lab.connector()).is_ok_and(|connector| connector.target.is_some());
    match real.skips(check, is_target) {
        Some(why) if lab.skips().iter().all(|skip| skip.check != check) => return Verdict::Skipped(why),
        _ => {}
    }
    match real.alone() {
        Ok(_alone) => blocking(&OnReal { lab, real }, check),
        Err(error) => Verdict::Broken(format!("the lock of the real system was not taken: {error}")),
    }
}

fn blocking(lab: &dyn Lab, check: Check) -> Verdict {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(judge(lab, check)),
        Err(error) => Verdict::Broken(error.to_string()),
    }
}

/// What came of one promise.
pub async fn judge(lab: &dyn Lab, check: Check) -> Verdict {
    let skip = lab.skips().iter().find(|skip| skip.check == check);
    match skip {
        Some(skip) if skip.reason.trim().is_empty() => {
            Verdict::Broken(format!("{check} is skipped without a reason: say why it cannot be proven"))
        }
        Some(skip) => Verdict::Skipped(skip.reason.to_owned()),
        None => match checks::run(lab, check).await {
            Ok(Proof::Shown(what)) => Verdict::Proven(what),
            Ok(Proof::NotMeant(why)) => Verdict::NotMeant(why.to_owned()),
            Err(error) => match error.downcast::<Untried>() {
                Ok(untried) => Verdict::Skipped(untried.to_string()),
                Err(error) => Verdict::Broken(error.to_string()),
            },
        },
    }
}
