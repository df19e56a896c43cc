//! Records that a plan deletes and that stay all the same, because of what was decided after the plan was made.

use std::collections::HashMap;

use syncline_model::{AnyKey, ModelSchema};

use super::Journal;
use crate::Result;
use crate::bindings::hash;
use crate::change::{Action, Change};
use crate::fields::ModelFields;
use crate::outcome::Outcome;
use crate::plan::{PlanReader, wholes_of};

/// How many deletes are asked about at once.
const TOGETHER: usize = 500;

/// Deletes of a plan that are not done after all, with the reasons, by hash of model and key.
#[derive(Debug, Default)]
pub struct Stays {
    reasons: HashMap<u128, String>,
}

impl Stays {
    /// Asks the journal about every delete of a plan. What belongs to a record that stays stays with it, as in a plan that was made
    /// now.
    pub async fn ask(plan: &PlanReader, fields: &ModelFields, journal: &mut dyn Journal) -> Result<Self> {
        let mut stays = Self::default();
        let mut asked: Vec<Change> = Vec::new();
        for change in plan.changes()? {
            let change = change?;
            if change.action != Action::Delete || change.hold.is_some() {
                continue;
            }
            if asked.len() >= TOGETHER || asked.last().is_some_and(|last| last.model != change.model) {
                stays.take(&asked, journal).await?;
                asked.clear();
            }
            asked.push(change);
        }
        stays.take(&asked, journal).await?;
        stays.spread(plan, fields)?;
        Ok(stays)
    }

    async fn take(&mut self, deletes: &[Change], journal: &mut dyn Journal) -> Result<()> {
        let Some(first) = deletes.first() else { return Ok(()) };
        for (key, reason) in journal.objections(&first.model, deletes).await? {
            self.reasons.insert(hash(&first.model, key.as_str()), reason);
        }
        Ok(())
    }

    /// Lets what belongs to records that stay, stay too. A plan has the children first, so it takes a look for each level.
    fn spread(&mut self, plan: &PlanReader, fields: &ModelFields) -> Result<()> {
        let mut before = 0;
        while self.reasons.len() > before {
            before = self.reasons.len();
            for change in plan.changes()? {
                let change = change?;
                let own = hash(&change.model, change.key.as_str());
                if change.action != Action::Delete || change.hold.is_some() || self.reasons.contains_key(&own) {
                    continue;
                }
                let Some(schema) = fields.schema(&change.model) else { continue };
                if let Some(reason) = self.with_its_whole(schema, &change, fields) {
                    self.reasons.insert(own, reason);
                }
            }
        }
        Ok(())
    }

    fn with_its_whole(&self, schema: &ModelSchema, change: &Change, fields: &ModelFields) -> Option<String> {
        wholes_of(schema, change, fields).find_map(|(whole, key)| {
            let reason = self.reasons.get(&hash(whole.name, key.as_str()))?;
            Some(format!("its {} `{key}` stays: {reason}", whole.label))
        })
    }

    /// Why a record stays; none when it goes.
    #[cfg(feature = "runtime")]
    pub fn reason(&self, model: &str, key: &AnyKey) -> Option<&str> {
        self.reasons.get(&hash(model, key.as_str())).map(String::as_str)
    }

    /// What becomes of a change because a record stays; none when it goes on. An update of such a record, and one that lets it go
    /// in another record, is there for its delete alone.
    pub fn outcome(&self, schema: &ModelSchema, change: &Change) -> Option<Outcome> {
        if self.reasons.is_empty() || change.action == Action::Create {
            return None;
        }
        let reason = match self.reasons.get(&hash(schema.name, change.key.as_str())) {
            Some(reason) => reason.clone(),
            None if change.action == Action::Update => self.let_go(schema, change)?,
            None => return None,
        };
        Some(Outcome::Held { reason })
    }

    /// Why a reference to a record that stays is not cleared.
    fn let_go(&self, schema: &ModelSchema, change: &Change) -> Option<String> {
        change.lets_go(schema).find_map(|(model, field)| {
            let key = AnyKey::from_value(&field.before)?;
            let reason = self.reasons.get(&hash(model, key.as_str()))?;
            Some(format!("what it refers to (`{}`) stays: {reason}", field.name))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use syncline_model::models::by_name;

    use super::*;
    use crate::change::FieldChange;

    #[test]
    fn what_only_prepares_a_delete_is_not_done_either() {
        let (device, address) = (by_name("device").unwrap(), by_name("ip_address").unwrap());
        let key = |key: Value| AnyKey::from_value(&key).unwrap();
        let (one, ip) = (key(json!(["atl", "a"])), key(json!([null, "10.0.0.1"])));
        let stays = Stays { reasons: [(hash(address.name, ip.as_str()), "kept by kim".to_owned())].into() };
        let says = |action, record: &AnyKey, schema: &'static ModelSchema, fields: Vec<FieldChange>| {
            let change = Change::new(schema.name, record.clone(), action, None, fields);
            stays.outcome(schema, &change).map(|outcome| outcome.reason().unwrap_or_default().to_owned())
        };
        let clears = |after: Value| vec![FieldChange::new("primary_ip4", ip.to_value(), after)];
        assert_eq!(says(Action::Delete, &ip, address, Vec::new()).unwrap(), "kept by kim");
        let cleared = says(Action::Update, &one, device, clears(Value::Null));
        assert_eq!(cleared.unwrap(), "what it refers to (`primary_ip4`) stays: kept by kim");
        assert_eq!(says(Action::Update, &one, device, clears(json!([null, "10.0.0.2"]))), None);
        assert_eq!(says(Action::Delete, &one, device, Vec::new()), None);
        assert_eq!(says(Action::Create, &ip, address, Vec::new()), None);
    }
}
