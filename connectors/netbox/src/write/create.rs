//! Creating: what is there already is found, and what NetBox names in a list is sorted out.

use std::collections::HashSet;
use std::sync::PoisonError;

use serde_json::Value;
use syncline_core::change::Change;
use syncline_core::outcome::Outcome;
use syncline_core::target::{BatchError, Written};
use syncline_http::Method;

use super::answer::{Beyond, differing, id_of, native_of};
use super::items::{self, Item};
use super::payload::{self, Body};
use super::{Answered, Writer, add_tags, confirm, lookup, ours};
use crate::error::{Refused, says_it_exists};
use crate::tables::Table;

impl Writer {
    pub(super) async fn create(&self, table: &'static Table, items: &mut [Item<'_>]) -> Result<(), BatchError> {
        let tags = self.tags_of(table);
        for item in items.iter_mut().filter(|item| item.done.is_none()) {
            add_tags(&mut item.body, &tags);
        }
        if !table.unique {
            self.adopt(table, items).await?;
        }
        if items.iter().any(|item| item.change.image.is_some()) {
            self.add_images(table, items).await.map_err(BatchError::looking)?;
        }
        let sent = self.send_creates(table, items).await;
        if items.iter().any(|item| item.change.image.is_some()) {
            self.mend_references(table, items).await;
        }
        sent
    }

    async fn send_creates(&self, table: &'static Table, items: &mut [Item<'_>]) -> Result<(), BatchError> {
        // A second try is for what is left when those that NetBox named, or has by now, are settled.
        for may_sort_out in [true, false] {
            let (positions, bodies) = items::outgoing(items, self.message.as_deref());
            if bodies.is_empty() {
                break;
            }
            match self.send(Method::POST, table, &bodies).await {
                Ok(answered) => {
                    self.confirm_created(table, items, &positions, &answered);
                    break;
                }
                Err(refused) if may_sort_out => self.sort_out(table, items, &positions, refused).await?,
                Err(refused) => return Err(ours(table, refused.error)),
            }
        }
        Ok(())
    }

    /// Settles those creates of a refused list that are at fault. An error when it is not known which they are.
    async fn sort_out(
        &self,
        table: &'static Table,
        items: &mut [Item<'_>],
        positions: &[usize],
        refused: Refused,
    ) -> Result<(), BatchError> {
        let exists = match (&refused.error, &refused.each) {
            (_, Some(each)) => each.iter().flatten().any(|refusal| says_it_exists(&refusal.words)),
            (BatchError::Refused { error, .. }, None) => says_it_exists(error.message()),
            _ => false,
        };
        if exists {
            self.adopt(table, items).await?;
        }
        let each = refused.each.filter(|each| each.len() == positions.len());
        for (at, refusal) in positions.iter().zip(each.into_iter().flatten()) {
            if let (Some(refusal), None) = (refusal, &items[*at].done) {
                let field = refusal.field.map(|field| payload::our_field(table, &field));
                items[*at].settle(Outcome::Failed { field, reason: refusal.words });
            }
        }
        let nothing_settled = positions.iter().all(|at| items[*at].done.is_none());
        if nothing_settled { Err(ours(table, refused.error)) } else { Ok(()) }
    }

    /// Settles creates of what NetBox has by now. Nothing is created a second time.
    async fn adopt(&self, table: &'static Table, items: &mut [Item<'_>]) -> Result<(), BatchError> {
        let open: Vec<_> = (0..items.len()).filter(|at| items[*at].done.is_none()).collect();
        let bodies: Vec<_> = open.iter().map(|at| &items[*at].body).collect();
        let found = lookup::existing(&self.reader, table, &bodies).await.map_err(BatchError::looking)?;
        let mut brought_along = Vec::new();
        for (at, found) in open.into_iter().zip(found) {
            let item = &mut items[at];
            match found.as_slice() {
                [] => {}
                [object] if differing(&item.body, object, Beyond::Anything).next().is_none() => {
                    item.done = Some(Written { native: native_of(object), ..Written::not_written(Outcome::Unchanged) });
                }
                [object] if self.is_brought_along(table, &item.body) => {
                    item.id = id_of(object);
                    let differing = differing(&item.body, object, Beyond::Anything);
                    item.body = differing.map(|(name, value)| (name.clone(), value.clone())).collect();
                    brought_along.push(at);
                }
                [object] => {
                    let id = id_of(object).unwrap_or_default();
                    let reason = format!("it was created after the plan was made, with other values (id {id})");
                    item.settle(Outcome::Stale { reason });
                }
                several => {
                    let ids: Vec<_> = several.iter().filter_map(id_of).map(|id| id.to_string()).collect();
                    let reason = format!("NetBox has {} with this key: ids {}", table.schema.plural, ids.join(", "));
                    item.settle(Outcome::Failed { field: None, reason });
                }
            }
        }
        if brought_along.is_empty() {
            return Ok(());
        }
        let bodies: Vec<_> = brought_along.iter().map(|at| self.patch_body(&items[*at])).collect();
        let answered = self.send(Method::PATCH, table, &bodies).await.map_err(|refused| ours(table, refused.error))?;
        for at in brought_along {
            confirm(table, &mut items[at], &answered, Beyond::Anything);
        }
        Ok(())
    }

    /// Takes over what an earlier writer of the run created.
    pub(super) fn remember_created(&self, table: &'static Table, change: &Change, id: u64) {
        if table.schema.name == "device" {
            self.created().insert(id);
        }
        self.recall_image(table, change, id);
    }

    /// Whether an object came with a device that this run created: its type has templates for interfaces.
    fn is_brought_along(&self, table: &Table, body: &Body) -> bool {
        let device = body.get("device").and_then(Value::as_u64);
        table.schema.name == "interface" && device.is_some_and(|device| self.created().contains(&device))
    }

    fn created(&self) -> std::sync::MutexGuard<'_, HashSet<u64>> {
        self.created.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn confirm_created(&self, table: &'static Table, items: &mut [Item<'_>], positions: &[usize], answered: &Answered) {
        // NetBox answers a list of creates in its order; that it did shows in the comparison.
        for (at, object) in positions.iter().zip(&answered.objects) {
            items[*at].confirm(table, object, Beyond::Anything, answered.request_id.as_deref());
            if table.schema.name == "device" {
                self.created().extend(id_of(object));
            }
        }
    }
}
