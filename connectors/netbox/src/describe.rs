//! What people see of the connector: mappings, configuration, links.

use syncline_core::describe::{ConfigItem, DataMapping, ObjectLink};
use syncline_core::fields::ModelFields;
use syncline_core::native::Native;
use syncline_model::{AnyKey, FieldSet};
use url::Url;

use crate::read::Role;
use crate::settings::Connection;
use crate::tables::{self, Kind, TABLES};

/// Every field of every model: what a source reads.
pub(crate) fn read() -> ModelFields {
    TABLES.iter().fold(ModelFields::new(), |fields, table| fields.insert(table.schema, FieldSet::ALL))
}

/// What a target keeps.
pub(crate) fn written() -> ModelFields {
    let written = TABLES.iter().filter(|table| table.written);
    written.fold(ModelFields::new(), |fields, table| fields.insert(table.schema, table.written_fields()))
}

/// What becomes what.
pub(crate) fn mappings(role: Role) -> Vec<DataMapping> {
    let mut mappings = Vec::new();
    for table in TABLES.iter().filter(|table| table.written || role == Role::Source) {
        let model = table.schema.name;
        let whole = DataMapping::model(model, table.object_type);
        mappings.push(match model {
            "device" => whole.with_note("a device without a name is left out"),
            "mac_address" => {
                whole.with_note("one that is assigned to something else than an interface of a device is left out")
            }
            "vlan" => {
                whole.with_note("several with one number in a site, for example in two groups, are ambiguous and held")
            }
            _ => whole,
        });
        for column in table.columns.iter().filter(|column| column.is_written() || role == Role::Source) {
            let native = match column.kind {
                Kind::AssignedInterface | Kind::SiteScope => format!("{0}_type, {0}_id", column.native),
                _ => column.native.to_owned(),
            };
            let note = match column.kind {
                Kind::Json => "read by REST, and only where it is asked for",
                Kind::Tags if role == Role::Source => "",
                Kind::AssignedInterface if model == "ip_address" => {
                    "what is assigned to something else than an interface of a device is null and stays"
                }
                Kind::SiteScope => "a region, a group of sites or a location is null and stays",
                Kind::Tags => "added to those that are there",
                _ => "",
            };
            mappings.push(DataMapping::field(model, column.field, native).with_note(note));
        }
    }
    mappings
}

/// The connection without its secret.
pub(crate) fn connection(connection: &Connection) -> Vec<ConfigItem> {
    vec![
        ConfigItem::new("Base URL", &connection.url),
        ConfigItem::new("Token", &connection.token),
        ConfigItem::new("Certificate checked", if connection.tls.verify { "yes" } else { "no" }),
        ConfigItem::new("Page size", connection.page_size),
        ConfigItem::new("Read connections", connection.read_connections),
        ConfigItem::new("Write connections", connection.write_connections),
        ConfigItem::new("Batch size", connection.batch_size),
    ]
}

/// A list for people, or what its being empty means.
pub(crate) fn list_or(items: &[String], empty: &str) -> String {
    if items.is_empty() { empty.to_owned() } else { items.join(", ") }
}

/// Where NetBox shows a record: its own page, or the list that is searched for its name.
pub(crate) fn link(base: &str, model: &str, key: &AnyKey, native: Option<&Native>) -> Option<ObjectLink> {
    let table = tables::by_name(model)?;
    let [app, list] = table.path;
    let page = format!("{base}/{app}/{list}/");
    let label = key.to_string();
    if let Some(native) = native {
        return Some(ObjectLink { label, url: Url::parse(&format!("{page}{}/", native.id)).ok()? });
    }
    let parts = key.parts();
    let name = parts.iter().rev().find(|part| part.is_string() || part.is_number())?;
    let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
    let mut url = Url::parse(&page).ok()?;
    url.query_pairs_mut().append_pair("q", &name);
    Some(ObjectLink { label, url })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_a_page_or_a_search() {
        let key = AnyKey::parse(r#"[["atl","sw 1"],"Eth1/1"]"#).unwrap();
        let page = link("https://nb.example/x", "interface", &key, Some(&Native::new(7))).unwrap();
        assert_eq!(page.url.as_str(), "https://nb.example/x/dcim/interfaces/7/");
        assert_eq!(page.label, "atl / sw 1 / Eth1/1");
        let search = link("https://nb.example", "interface", &key, None).unwrap();
        assert_eq!(search.url.as_str(), "https://nb.example/dcim/interfaces/?q=Eth1%2F1");
        assert!(link("https://nb.example", "host", &key, None).is_none());
    }

    #[test]
    fn every_field_is_explained() {
        let fields: usize = TABLES.iter().map(|table| table.columns.len() + 1).sum();
        assert_eq!(mappings(Role::Source).len(), fields);
        assert!(mappings(Role::Target).len() < fields);
    }
}
