//! How a connector crate makes itself known.
//!
//! ```
//! use syncline_core::connector::{Connector, ConnectSource, ConnectContext};
//! use syncline_core::settings::{NoSettings, Problem};
//! # use syncline_core::{describe::*, fields::ModelFields, read::ReadRequest, snapshot::SnapshotSink, source::DataSource};
//!
//! /// How to reach the example.
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Connection { url: String }
//!
//! struct Example;
//!
//! impl Connector for Example {
//!     const ID: &'static str = "example";
//!     const LABEL: &'static str = "Example";
//!     const DESCRIPTION: &'static str = "A system for examples.";
//!     type Connection = Connection;
//! }
//!
//! # struct ExampleSource;
//! # #[async_trait::async_trait]
//! # impl DataSource for ExampleSource {
//! #     fn knows(&self) -> ModelFields { ModelFields::new() }
//! #     async fn check(&self) -> syncline_core::Result<CheckReport> { Ok(CheckReport::default()) }
//! #     async fn load(&self, _: &ReadRequest, _: &SnapshotSink) -> syncline_core::Result<()> { Ok(()) }
//! #     fn config_information(&self) -> Vec<ConfigItem> { Vec::new() }
//! # }
//! #[async_trait::async_trait]
//! impl ConnectSource for Example {
//!     type Parameters = NoSettings;
//!     type Source = ExampleSource;
//!
//!     fn source_mappings(_: &NoSettings) -> Vec<DataMapping> {
//!         vec![DataMapping::model("site", "places"), DataMapping::field("site", "name", "places.name")]
//!     }
//!
//!     async fn connect_source(_: Connection, _: NoSettings, _: ConnectContext) -> syncline_core::Result<ExampleSource> {
//!         Ok(ExampleSource)
//!     }
//! }
//!
//! syncline_core::register_connector!(Example, source);
//! # let registry = syncline_core::registry::Registry::linked().unwrap();
//! # assert!(registry.get("example").unwrap().target.is_none());
//! ```

use std::fmt;

use async_trait::async_trait;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::describe::{DataMapping, Icon, SideDescription};
use crate::event::Events;
use crate::requests::RequestCounter;
use crate::settings::{self, Problem, Settings};
use crate::source::DataSource;
use crate::surroundings::Surroundings;
use crate::target::{Capabilities, DataTarget};
use crate::{Error, ErrorKind, Result};

/// A connector: the facts and the settings that its source and its target share.
pub trait Connector: 'static {
    /// Name in configuration and history: `netbox`.
    const ID: &'static str;
    /// Name for people: `NetBox`.
    const LABEL: &'static str;
    /// What the system is, in a sentence.
    const DESCRIPTION: &'static str;
    /// The symbol that the dashboard shows beside the name. Of its own making: most logos are trade marks. Without one, it is a plain box.
    const ICON: Option<Icon> = None;

    /// How to reach the system: URL, credential reference, TLS. Shared by the syncs that use it.
    type Connection: Settings;

    /// Finds what is wrong with a connection without any I/O.
    fn validate(connection: &Self::Connection) -> Vec<Problem> {
        let _ = connection;
        Vec::new()
    }
}

/// What the host hands to a connector that connects.
#[derive(Debug, Clone, Default)]
pub struct ConnectContext {
    /// The stream of the run's events.
    pub events: Events,
    /// Counts what is asked of the system: for the HTTP client.
    pub requests: RequestCounter,
    /// What the side is opened in. The HTTP client takes the way of its requests from it; a connector whose records depend on the time
    /// asks it for that ([`Surroundings::now`]).
    pub surroundings: Surroundings,
}

/// A connector whose system can be read as truth.
#[async_trait]
pub trait ConnectSource: Connector {
    /// What one sync asks of the source: scope, which stored state to read.
    type Parameters: Settings;
    /// The source.
    type Source: DataSource + 'static;

    /// Finds what is wrong with the parameters without any I/O.
    fn validate_source(parameters: &Self::Parameters) -> Vec<Problem> {
        let _ = parameters;
        Vec::new()
    }

    /// What of the system becomes what of the models with these parameters, down to fields, for people.
    fn source_mappings(parameters: &Self::Parameters) -> Vec<DataMapping>;

    /// Which one state of the system the parameters ask for, when it is always the same: a sync that runs again and again
    /// would read the same again and again, and people are warned.
    fn pinned_source(parameters: &Self::Parameters) -> Option<String> {
        let _ = parameters;
        None
    }

    /// Opens the source. May talk to the system.
    async fn connect_source(
        connection: Self::Connection,
        parameters: Self::Parameters,
        context: ConnectContext,
    ) -> Result<Self::Source>;
}

/// A connector whose system can be made to agree.
#[async_trait]
pub trait ConnectTarget: Connector {
    /// What one sync asks of the target.
    type Parameters: Settings;
    /// The target.
    type Target: DataTarget + 'static;

    /// Finds what is wrong with the parameters without any I/O.
    fn validate_target(parameters: &Self::Parameters) -> Vec<Problem> {
        let _ = parameters;
        Vec::new()
    }

    /// What of the models becomes what of the system with these parameters, down to fields, for people.
    fn target_mappings(parameters: &Self::Parameters) -> Vec<DataMapping>;

    /// What the target can do with these settings. The [`DataTarget`] that is opened with them says the same.
    fn target_capabilities(connection: &Self::Connection, parameters: &Self::Parameters) -> Capabilities;

    /// Opens the target's reading half. May talk to the system.
    async fn connect_target(
        connection: Self::Connection,
        parameters: Self::Parameters,
        context: ConnectContext,
    ) -> Result<Self::Target>;
}

/// One side of a connector, with its types erased.
pub struct SideDescriptor<T: ?Sized + 'static> {
    /// The JSON schema of the parameters.
    pub parameters_schema: fn() -> Value,
    /// Finds what is wrong with the parameters without any I/O.
    pub validate: fn(Value) -> Vec<Problem>,
    /// Which one state of the system the parameters ask for; none when every run sees the present one.
    pub pinned: fn(Value) -> Option<String>,
    /// What the side is by its settings alone: connection, parameters.
    pub describe: fn(Value, Value) -> Result<SideDescription>,
    /// Reads the settings and opens the side: connection, parameters, context.
    pub connect: fn(Value, Value, ConnectContext) -> BoxFuture<'static, Result<Box<T>>>,
}

/// What the host knows of a linked connector.
pub struct ConnectorDescriptor {
    /// Name in configuration and history.
    pub id: &'static str,
    /// Name for people.
    pub label: &'static str,
    /// What the system is.
    pub description: &'static str,
    /// Its symbol; none for the plain box.
    pub icon: Option<Icon>,
    /// The crate that registered it.
    pub package: &'static str,
    /// The crate's version.
    pub version: &'static str,
    /// The JSON schema of the connection.
    pub connection_schema: fn() -> Value,
    /// Finds what is wrong with a connection without any I/O.
    pub validate: fn(Value) -> Vec<Problem>,
    /// The source, if the system can be one.
    pub source: Option<SideDescriptor<dyn DataSource>>,
    /// The target, if the system can be one.
    pub target: Option<SideDescriptor<dyn DataTarget>>,
}

inventory::collect!(ConnectorDescriptor);

impl fmt::Debug for ConnectorDescriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorDescriptor")
            .field("id", &self.id)
            .field("package", &self.package)
            .finish_non_exhaustive()
    }
}

/// What [`register_connector!`](crate::register_connector) is made of.
#[doc(hidden)]
pub mod erased {
    use super::{
        BoxFuture, ConnectSource, ConnectTarget, Connector, DataSource, DataTarget, Error, ErrorKind, Problem, Result,
        Settings, SideDescription, SideDescriptor, Value, settings,
    };
    pub use inventory;

    /// Reads settings and finds what is wrong with them, before anything is connected to.
    fn valid<S: Settings>(what: &str, value: Value, validate: impl FnOnce(&S) -> Vec<Problem>) -> Result<S> {
        let refused = |problems: &[Problem]| {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            Error::new(ErrorKind::Settings, format!("{what}: {}", problems.join("; ")))
        };
        let settings = settings::parse(value).map_err(|problem| refused(&[problem]))?;
        let problems = validate(&settings);
        if problems.is_empty() { Ok(settings) } else { Err(refused(&problems)) }
    }

    fn problems<S: Settings>(value: Value, validate: impl FnOnce(&S) -> Vec<Problem>) -> Vec<Problem> {
        match settings::parse(value) {
            Ok(settings) => validate(&settings),
            Err(problem) => vec![problem],
        }
    }

    /// Reads settings that are only talked about: what is wrong with them in other ways is told where they are used.
    fn read<S: Settings>(what: &str, value: Value) -> Result<S> {
        valid(what, value, |_| Vec::new())
    }

    pub fn validate<C: Connector>(value: Value) -> Vec<Problem> {
        problems(value, C::validate)
    }

    pub const fn source<C: ConnectSource>() -> SideDescriptor<dyn DataSource> {
        SideDescriptor {
            parameters_schema: settings::schema::<C::Parameters>,
            validate: |value| problems(value, C::validate_source),
            describe: |_, parameters| {
                let parameters = read("source parameters", parameters)?;
                Ok(SideDescription { data_mappings: C::source_mappings(&parameters), capabilities: None })
            },
            pinned: |value| settings::parse(value).ok().and_then(|parameters| C::pinned_source(&parameters)),
            connect: |connection, parameters, context| -> BoxFuture<'static, Result<Box<dyn DataSource>>> {
                Box::pin(async move {
                    let connection = valid("connection", connection, C::validate)?;
                    let parameters = valid("source parameters", parameters, C::validate_source)?;
                    let source = C::connect_source(connection, parameters, context).await?;
                    Ok(Box::new(source) as Box<dyn DataSource>)
                })
            },
        }
    }

    pub const fn target<C: ConnectTarget>() -> SideDescriptor<dyn DataTarget> {
        SideDescriptor {
            parameters_schema: settings::schema::<C::Parameters>,
            validate: |value| problems(value, C::validate_target),
            describe: |connection, parameters| {
                let (connection, parameters) =
                    (read("connection", connection)?, read("target parameters", parameters)?);
                let capabilities = Some(C::target_capabilities(&connection, &parameters));
                Ok(SideDescription { data_mappings: C::target_mappings(&parameters), capabilities })
            },
            pinned: |_| None,
            connect: |connection, parameters, context| -> BoxFuture<'static, Result<Box<dyn DataTarget>>> {
                Box::pin(async move {
                    let connection = valid("connection", connection, C::validate)?;
                    let parameters = valid("target parameters", parameters, C::validate_target)?;
                    let target = C::connect_target(connection, parameters, context).await?;
                    Ok(Box::new(target) as Box<dyn DataTarget>)
                })
            },
        }
    }
}

/// Registers a connector: `register_connector!(NetBox, source, target)`. The crate needs no dependency for it.
#[macro_export]
macro_rules! register_connector {
    ($connector:ty, source) => {
        $crate::register_connector!(@ $connector, Some($crate::connector::erased::source::<$connector>()), None);
    };
    ($connector:ty, target) => {
        $crate::register_connector!(@ $connector, None, Some($crate::connector::erased::target::<$connector>()));
    };
    ($connector:ty, source, target) => {
        $crate::register_connector!(
            @ $connector,
            Some($crate::connector::erased::source::<$connector>()),
            Some($crate::connector::erased::target::<$connector>())
        );
    };
    (@ $connector:ty, $source:expr, $target:expr) => {
        $crate::connector::erased::inventory::submit! {
            $crate::connector::ConnectorDescriptor {
                id: <$connector as $crate::connector::Connector>::ID,
                label: <$connector as $crate::connector::Connector>::LABEL,
                description: <$connector as $crate::connector::Connector>::DESCRIPTION,
                icon: <$connector as $crate::connector::Connector>::ICON,
                package: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
                connection_schema:
                    $crate::settings::schema::<<$connector as $crate::connector::Connector>::Connection>,
                validate: $crate::connector::erased::validate::<$connector>,
                source: $source,
                target: $target,
            }
        }
    };
}
