//! `syncline connectors`: what this build can talk to.

use std::fmt::Write as _;

use serde::Serialize;
use syncline_core::describe::{ConfigItem, DataMapping};
use syncline_core::event::{Events, Side};
use syncline_core::registry::Registry;
use syncline_core::target::Capabilities;
use syncline_web::routes::connectors::{Connector, ConnectorDetail};

use crate::cli::console::{DIM, NAME, clean, paint};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::view::connector::{settings, settings_table};
use crate::cli::view::table::Columns;
use crate::config::Configuration;

/// All about one connector.
#[derive(Debug, Serialize)]
struct Full {
    #[serde(flatten)]
    detail: ConnectorDetail,
    /// With `--connect`: what was learned from the sides that a sync of the configuration uses.
    connected: Vec<Connected>,
}

/// What a connected side tells about itself.
#[derive(Debug, Serialize)]
struct Connected {
    sync: String,
    side: &'static str,
    connection: String,
    capabilities: Option<Capabilities>,
    configuration: Vec<ConfigItem>,
    data_mappings: Vec<DataMapping>,
}

/// What a connector can be, in words.
fn roles(connector: &Connector) -> String {
    let roles = [(connector.source, "source"), (connector.target, "target")];
    let roles: Vec<_> = roles.iter().filter(|role| role.0).map(|role| role.1).collect();
    roles.join(", ")
}

/// Lists the connectors as `[{id, label, description, icon, package, version, source, target}]`.
pub fn list(session: &Session) -> Result<Exit, Failure> {
    let connectors: Vec<_> = crate::registry()?.iter().map(Connector::of).collect();
    session.console.show(&connectors, |connectors| {
        let mut columns = Columns::new(&["connector", "name", "can be", "what it is"]);
        for connector in connectors {
            let texts = [connector.id.to_owned(), connector.label.to_owned(), roles(connector)];
            let [id, label, roles] = texts;
            columns.row(&[id, label, roles, connector.description.to_owned()]);
        }
        columns.text()
    })?;
    Ok(Exit::Done)
}

/// Tells all about one connector: the list's fields, the schemas of its settings, and what connecting taught.
pub async fn one(session: &Session, id: &str, connect: bool) -> Result<Exit, Failure> {
    let registry = crate::registry()?;
    let connector = registry.get(id)?;
    let connected = if connect {
        connected(session, &registry, connector.id, &session.configuration()?).await?
    } else {
        Vec::new()
    };
    let full = Full { detail: ConnectorDetail::of(connector), connected };
    session.console.show(&full, text)?;
    if !connect {
        session.console.note(&paint(
            DIM,
            "--connect adds capabilities and data mappings, as a sync of the configuration sees them",
        ));
    }
    Ok(Exit::Done)
}

async fn connected(
    session: &Session,
    registry: &Registry,
    connector: &str,
    configuration: &Configuration,
) -> Result<Vec<Connected>, Failure> {
    let events = Events::new();
    let mut sides = Vec::new();
    let (mut source_known, mut target_known) = (false, false);
    for name in configuration.syncs.keys() {
        let sync = configuration.definition(name)?;
        if !source_known && sync.source.connector == connector {
            source_known = true;
            let source = registry.connect_source(&sync.source, &events).await?;
            let described = registry.describe(Side::Source, &sync.source)?;
            sides.push(Connected {
                sync: name.clone(),
                side: "source",
                connection: sync.source.connection_name,
                capabilities: described.capabilities,
                configuration: source.config_information(),
                data_mappings: described.data_mappings,
            });
        }
        if !target_known && sync.target.connector == connector {
            target_known = true;
            let target = registry.connect_target(&sync.target, &events).await?;
            let described = registry.describe(Side::Target, &sync.target)?;
            sides.push(Connected {
                sync: name.clone(),
                side: "target",
                connection: sync.target.connection_name,
                capabilities: described.capabilities,
                configuration: target.config_information(),
                data_mappings: described.data_mappings,
            });
        }
    }
    if sides.is_empty() {
        session.console.note(&format!("no sync of the configuration uses the connector `{connector}`"));
    }
    Ok(sides)
}

fn text(full: &Full) -> String {
    let ConnectorDetail { connector, .. } = &full.detail;
    let mut text = format!("{} {}\n", paint(NAME, connector.label), paint(DIM, &format!("({})", connector.id)));
    let _ = writeln!(text, "{}", connector.description);
    let _ = writeln!(text, "Can be: {}. Package: {} {}.", roles(connector), connector.package, connector.version);
    let schemas = [
        ("Connection", Some(&full.detail.connection_schema)),
        ("Source parameters", full.detail.source_parameters_schema.as_ref()),
        ("Target parameters", full.detail.target_parameters_schema.as_ref()),
    ];
    for (title, schema) in schemas {
        let settings = schema.map(settings).unwrap_or_default();
        if !settings.is_empty() {
            let _ = write!(text, "\n{}\n{}", paint(NAME, title), settings_table(&settings));
        }
    }
    for side in &full.connected {
        let title = format!("As the {} of `{}`, connection `{}`", side.side, side.sync, side.connection);
        let _ = writeln!(text, "\n{}", paint(NAME, &title));
        for item in &side.configuration {
            let _ = writeln!(text, "  {}: {}", item.name, clean(&item.value));
        }
        if let Some(capabilities) = &side.capabilities {
            text += &capabilities_text(capabilities);
        }
        text += &mappings_table(&side.data_mappings);
    }
    text
}

fn capabilities_text(capabilities: &Capabilities) -> String {
    let yes = |able| if able { "yes" } else { "no" };
    format!(
        "  Batches: up to {} changes, {} at once. Deletes: {}. Preconditions: {}. Staging: {}.\n",
        capabilities.batch_size,
        capabilities.concurrency,
        yes(capabilities.deletes),
        yes(capabilities.preconditions),
        yes(capabilities.staging),
    )
}

fn mappings_table(mappings: &[DataMapping]) -> String {
    let mut columns = Columns::new(&["model", "field", "in the system", "note"]);
    for mapping in mappings {
        columns.row(&[
            mapping.model.to_owned(),
            mapping.field.to_owned(),
            mapping.native.clone(),
            mapping.note.clone(),
        ]);
    }
    if mappings.is_empty() { String::new() } else { columns.text() }
}
