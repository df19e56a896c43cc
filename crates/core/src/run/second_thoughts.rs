//! What people decided, and other runs saw, about the records that a plan deletes, since it was made.

use std::collections::HashMap;

use syncline_model::{AnyKey, DeletionClass};

use crate::Result;
use crate::change::Change;
use crate::history::{History, Purpose, Quarantined, RunId, SyncId};
use crate::plan::PlanHeader;
use crate::quarantine::{Decision, State, Verdict};

/// The quarantine of a sync, asked about the deletes of one of its plans.
pub struct SecondThoughts {
    history: History,
    /// The sync; none when the history does not know it, and so nothing of its absent records.
    sync: Option<SyncId>,
    /// The run that made the plan.
    made_by: Option<i64>,
    /// The plan takes back what a run did: what is absent or not does not matter to it.
    undoes: bool,
    /// Whether the run that made the plan wrote down what it did not find.
    is_noted: bool,
}

impl SecondThoughts {
    /// Finds out what is known of a plan.
    pub async fn about(history: &History, plan: &PlanHeader) -> Result<Self> {
        let made_by = match plan.run {
            Some(number) => history.run(RunId::new(number)).await?,
            None => None,
        };
        Ok(Self {
            history: history.clone(),
            sync: history.sync(&plan.sync).await?.map(|sync| sync.id),
            made_by: plan.run,
            undoes: plan.undoes.is_some(),
            is_noted: made_by.is_some_and(|run| !run.dry && run.purpose == Purpose::Sync),
        })
    }

    /// Why records of a model are not to be deleted after all. Those that may go are not in the answer.
    pub async fn objections(&self, model: &str, deletes: &[Change]) -> Result<HashMap<AnyKey, String>> {
        let Some(sync) = self.sync else { return Ok(HashMap::new()) };
        let known = self.history.absent(sync, model, deletes.iter().map(|delete| &delete.key)).await?;
        let objections = deletes.iter().filter_map(|delete| {
            let id = delete.native.as_ref().map(|native| &*native.id);
            // Another id is another object, of which nothing was decided.
            let known = known.get(&delete.key).filter(|known| known.native_id.as_deref() == id);
            Some((delete.key.clone(), self.objection(model, known)?))
        });
        Ok(objections.collect())
    }

    fn objection(&self, model: &str, known: Option<&Quarantined>) -> Option<String> {
        let Some(known) = known else {
            // Parts go with what they belong to, without a word of their own.
            return (stands_alone(model) && self.is_noted && !self.undoes).then(|| NO_MORE.to_owned());
        };
        let decided = known.streak.decision.as_ref();
        let words = |what: &str, Decision { by, reason, .. }: &Decision| format!("{what} by {by}: {reason}");
        match (known.state, decided) {
            (State::Kept, Some(decision)) => Some(words("kept", decision)),
            _ if self.undoes => None,
            (State::Returned, _) => Some(NO_MORE.to_owned()),
            (State::Waiting, Some(decision)) if decision.verdict == Verdict::Restore => {
                Some(words("restored to its full wait", decision))
            }
            (State::Waiting, _) if self.waits_anew(model, known) => {
                let why = known.streak.evidence.words().unwrap_or("it was seen in between");
                Some(format!("it waits anew, as a run found after the plan was made: {why}"))
            }
            _ => None,
        }
    }
}

impl SecondThoughts {
    /// Whether a run after the plan let a record wait: when the plan was made, it was due or released by its policy, or went along with
    /// what it belongs to.
    fn waits_anew(&self, model: &str, known: &Quarantined) -> bool {
        // What goes along may have waited by itself before, and is counted by no run since.
        let last = if stands_alone(model) { Some(known.seen_by.number()) } else { known.streak.counted_by };
        last > self.made_by
    }
}

fn stands_alone(model: &str) -> bool {
    syncline_model::models::by_name(model).is_some_and(|schema| schema.deletion == DeletionClass::Standalone)
}

/// What is said of a record that a later run found again.
const NO_MORE: &str = "it is absent no more, as a run saw after the plan was made";
