//! What is asked of a Nautobot.

use serde_json::json;
use syncline_core::event::Level;
use syncline_core::prelude::*;
use syncline_core::table::each;
use syncline_core::version::{Known, Version};
use syncline_http::django::Lists;
use syncline_http::{Client as Http, ClientSettings, Credential};
use syncline_model::Model as _;
use syncline_model::models::{DeviceRole, Site};

use crate::settings::Connection;
use crate::tables::Table;

/// The releases that this connector knows: 2.4 is the last of the second line.
pub(crate) const KNOWN: Known = Known { system: "Nautobot", oldest: (2, 4), newest: (3, 2) };

/// A Nautobot, to be asked.
#[derive(Clone)]
pub(crate) struct Client {
    pub lists: Lists,
    /// How it is reached.
    pub connection: Connection,
    /// Its release.
    pub version: Version,
    /// Whether it keeps the speed of interfaces, as releases since 2.4.22 do.
    pub has_speed: bool,
}

impl Client {
    /// Connects: finds out which release it is.
    pub async fn connect(connection: Connection, context: &ConnectContext) -> Result<Self> {
        let Connection { url, tls, http, token, .. } = connection.clone();
        let http = Http::for_run(&ClientSettings { url, tls, http }, Credential::token(token.resolve()?), context)?;
        let lists = Lists { client: http, system: "Nautobot", folder: "api" };
        let status = lists.get("status", &[]).await?;
        let version = KNOWN.read(status["nautobot-version"].as_str().unwrap_or_default())?;
        KNOWN.warning(version).into_iter().for_each(|warning| context.events.message(Level::Warning, warning));
        let mut client = Self { lists, connection, version, has_speed: false };
        let known = client.lists.graphql("{__type(name:\"InterfaceType\"){fields{name}}}").await?;
        client.has_speed = each(&known["__type"]["fields"]).any(|field| field["name"] == "speed");
        Ok(client)
    }

    /// The same, for what is written as long as the run may.
    pub fn on_condition(mut self, permit: &WritePermit) -> Self {
        let validity = permit.validity().clone();
        self.lists.client = self.lists.client.on_condition(move || validity.ensure());
        self
    }

    /// Objects of a list of GraphQL, each with its id, when it was changed, and these fields.
    pub fn list(&self, list: &str, arguments: &str, fields: &str) -> impl Future<Output = Result<Vec<Value>>> + use<> {
        self.lists.objects(list, arguments, &format!("id last_updated {fields}"))
    }

    /// The location type that sites have, with what may stand at its locations.
    pub async fn location_type(&self) -> Result<Value> {
        let types = self.list("location_types", "limit:1000", "name parent{id} content_types{model}").await?;
        let name = &self.connection.location_type;
        let known: Vec<_> = types.iter().map(|kind| kind["name"].to_string()).collect();
        types.iter().find(|kind| kind["name"] == **name).cloned().ok_or_else(|| {
            let words = "make one with the content types device, prefix and VLAN, or name another as `location_type`";
            let known = if known.is_empty() { "none: it may lack the right".to_owned() } else { known.join(", ") };
            let message = format!("Nautobot has no location type `{name}`: {words}. The token sees {known}");
            Error::new(ErrorKind::Settings, message)
        })
    }

    /// The id of the location below which sites are made; null where they are at the top.
    pub async fn location_parent(&self) -> Result<Value> {
        let Some(name) = &self.connection.location_parent else { return Ok(Value::Null) };
        let found = self.list("locations", &format!("name:{}", json!([name])), "").await?;
        let [one] = found.as_slice() else {
            let message =
                format!("`location_parent` has to name one location, and {} are called `{name}`", found.len());
            return Err(Error::new(ErrorKind::Settings, message));
        };
        Ok(one["id"].clone())
    }

    /// Whether an object of a list is a record of the model: not each location is a site, and not each role one of devices.
    pub fn is_record(&self, table: &Table, object: &Value) -> bool {
        match table.schema.name {
            Site::NAME => object["location_type"]["name"] == *self.connection.location_type,
            DeviceRole::NAME => each(&object["content_types"]).any(|of| of["model"] == "device"),
            _ => true,
        }
    }
}
