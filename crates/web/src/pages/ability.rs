//! What a side of a sync can do, as its connector says of its settings.

use serde_json::Value;
use syncline_core::describe::{DataMapping, SideDescription};
use syncline_render::words;

use super::settings::Setting;
use super::show::Count;

/// What a side can do, one line for each thing.
pub fn abilities(described: &SideDescription, connection: &Value) -> Vec<Setting> {
    let models = models(&described.data_mappings);
    let models = if models.is_empty() { "nothing".to_owned() } else { models.join(", ") };
    let yes = |able: bool| if able { "yes" } else { "no" }.to_owned();
    let mut lines = vec![("Reads", models), ("Reads only what changed", "no, every run reads all of it".to_owned())];
    match &described.capabilities {
        None => lines.push(("Creates, updates, deletes", "no, as a source it is only read".to_owned())),
        Some(can) => lines.extend([
            ("Creates and updates", yes(true)),
            ("Deletes", yes(can.deletes)),
            ("Checks before a write that the record is as it was read", yes(can.preconditions)),
            ("Stages writes for review", yes(can.staging)),
            ("Changes in a batch, at most", Count(can.batch_size as u64).to_string()),
            ("Batches at once, at most", Count(can.concurrency as u64).to_string()),
        ]),
    }
    let pace = connection.pointer("/http/requests_per_minute").and_then(Value::as_u64);
    lines.extend(pace.map(|pace| ("Requests in a minute, at most", Count(pace).to_string())));
    lines.into_iter().map(|(key, value)| Setting { key: key.to_owned(), value }).collect()
}

/// The same in few words: `reads, creates, updates, deletes`.
pub fn in_short(described: &SideDescription) -> String {
    let mut able = vec!["reads"];
    if let Some(can) = &described.capabilities {
        let more = [
            ("creates", true),
            ("updates", true),
            ("deletes", can.deletes),
            ("checks before it writes", can.preconditions),
            ("stages writes for review", can.staging),
        ];
        able.extend(more.into_iter().filter(|(_, able)| *able).map(|(word, _)| word));
    }
    able.join(", ")
}

/// The models that are mapped, for people, in their order.
fn models(mappings: &[DataMapping]) -> Vec<String> {
    let mut models = Vec::new();
    for mapping in mappings {
        let model = words::plural_of(mapping.model);
        if !models.contains(&model) {
            models.push(model);
        }
    }
    models
}
