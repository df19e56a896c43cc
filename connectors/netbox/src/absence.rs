//! Why a record is not in what was read: NetBox has it no more, or the sync reads only some.

use std::collections::BTreeSet;

use serde::Deserialize;
use syncline_core::Result;
use syncline_core::source::Absence;
use syncline_model::{AnyKey, Text};

use crate::client::ReadClient;
use crate::tables;

#[derive(Debug, Deserialize)]
struct Found {
    slug: Option<String>,
    name: Option<String>,
    site: Option<Site>,
}

#[derive(Debug, Deserialize)]
struct Site {
    slug: String,
}

/// Asks NetBox for the records without the sync's restrictions. One that is there all the same was left out by them, or by the
/// read itself.
pub(crate) async fn explain(
    client: &ReadClient,
    is_restricted: bool,
    model: &str,
    keys: &[AnyKey],
) -> Result<Vec<Absence>> {
    let (filter, field) = match model {
        "site" => ("slug", "slug"),
        "device" => ("name__ie", "name"),
        "virtual_chassis" => ("name", "name"),
        _ => return Ok(vec![Absence::Unknown; keys.len()]),
    };
    let Some(table) = tables::by_name(model) else { return Ok(vec![Absence::Unknown; keys.len()]) };
    let position = usize::from(model == "device");
    let wanted = |key: &AnyKey| key.parts().get(position).and_then(serde_json::Value::as_str).map(str::to_owned);
    let filters: Vec<_> = keys.iter().filter_map(wanted).map(|value| vec![(filter, value)]).collect();
    let fields = if model == "device" { format!("id,{field},site") } else { format!("id,{field}") };
    let found: Vec<Found> = client.list_by(table, &[("fields", fields)], &filters).await?;
    let there: BTreeSet<String> = found
        .into_iter()
        .filter_map(|row| match model {
            "site" => row.slug,
            "device" => Some(device_key(&row.site?.slug, &row.name?)),
            _ => row.name,
        })
        .collect();
    let left_out = if is_restricted { Absence::OutOfScope } else { Absence::Filtered };
    let explain = |key: &AnyKey| {
        let Some(value) = wanted(key) else { return Absence::Unknown };
        let key = match key.parts().first().and_then(|site| site.get(0)).and_then(serde_json::Value::as_str) {
            Some(site) if model == "device" => device_key(site, &value),
            _ => value,
        };
        if there.contains(&key) { left_out } else { Absence::Gone }
    };
    Ok(keys.iter().map(explain).collect())
}

/// A device's site and name, which no two have together.
fn device_key(site: &str, name: &str) -> String {
    let name = Text::new(name).map(|name| name.casefold().to_string()).unwrap_or_default();
    format!("{site}\n{name}")
}
