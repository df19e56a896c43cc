//! A Nautobot: a real one, which is put back to what it was when it was installed, or a simulated one.

use std::env;
use std::process::Command;

use serde_json::{Value, json};
use syncline_testkit::nautobot::{NautobotOptions, NautobotSim};

/// A Nautobot that the tests may fill.
pub struct Server {
    pub url: String,
    pub token: String,
    client: Client,
    /// None where it is a real one.
    sim: Option<NautobotSim>,
}

type Client = syncline_http::Client;

impl Server {
    /// The real server that the variables of a name are about, emptied; none when none of them is set.
    pub async fn real(name: &str) -> Option<Self> {
        let variable = |of: &str| env::var(format!("SYNCLINE_NAUTOBOT_{of}")).ok().filter(|value| !value.is_empty());
        let names = ["TOKEN".to_owned(), format!("{name}URL"), format!("{name}RESET")];
        let [token, url, reset] = match names.each_ref().map(|name| variable(name)) {
            [None, None, None] => return None,
            [Some(token), Some(url), Some(reset)] => [token, url, reset],
            _ => panic!("real servers take SYNCLINE_NAUTOBOT_ with each of {}", names.join(", ")),
        };
        let status = Command::new("sh").arg("-c").arg(&reset).status().unwrap();
        assert!(status.success(), "`{reset}` ended with {status}");
        Some(Self::at(url, token, None).await)
    }

    /// A simulated server.
    pub async fn simulated() -> Self {
        let sim = NautobotSim::start(NautobotOptions::default()).unwrap();
        Self::at(sim.url().to_owned(), sim.token().to_owned(), Some(sim)).await
    }

    async fn at(url: String, token: String, sim: Option<NautobotSim>) -> Self {
        let settings = serde_json::from_value(json!({"url": url, "http": {"proxy": "off"}})).unwrap();
        let client = Client::new(&settings, syncline_http::Credential::token(token.clone().into())).unwrap();
        let server = Self { url, token, client, sim };
        // What people make once: the type of the locations that are sites.
        if server.find("dcim/location-types", "name", "Site").await.is_empty() {
            let content_types = ["dcim.device", "ipam.prefix", "ipam.vlan"];
            server.post("dcim/location-types", json!({"name": "Site", "content_types": content_types})).await;
        }
        server
    }

    pub fn is_simulated(&self) -> bool {
        self.sim.is_some()
    }

    fn path(list: &str) -> syncline_http::Path {
        list.split('/').fold(syncline_http::Path::from("api"), syncline_http::Path::segment).slash()
    }

    /// Creates an object, whose answer is returned.
    pub async fn post(&self, list: &str, body: Value) -> Value {
        self.client.post(Self::path(list)).json(&body).send().await.unwrap().json().unwrap()
    }

    /// The data of a query.
    pub async fn graphql(&self, query: &str) -> Value {
        self.post("graphql", json!({"query": query})).await["data"].take()
    }

    async fn get(&self, list: &str, id: &str) -> Value {
        self.client.get(Self::path(&format!("{list}/{id}"))).send().await.unwrap().json().unwrap()
    }

    /// Objects of a list whose field has a value.
    pub async fn find(&self, list: &str, field: &str, value: &str) -> Vec<Value> {
        let request = self.client.get(Self::path(list)).query(field, value).query("depth", 0);
        let answer: Value = request.send().await.unwrap().json().unwrap();
        answer["results"].as_array().unwrap().clone()
    }

    /// Lets devices of a type come with an interface.
    pub async fn give_interface(&self, manufacturer: &str, model: &str, name: &str) {
        let maker = self.post("dcim/manufacturers", json!({"name": manufacturer})).await["id"].clone();
        let device_type = self.post("dcim/device-types", json!({"manufacturer": maker, "model": model})).await;
        match &self.sim {
            Some(sim) => sim.give_interfaces(&[name]),
            None => {
                let template = json!({"device_type": device_type["id"], "name": name, "type": "other"});
                self.post("dcim/interface-templates", template).await;
            }
        }
    }

    /// Adds objects that no source knows, each with its list.
    pub async fn add_what_is_not_ours(&self) -> Vec<(String, Value)> {
        let site = self.post(
            "dcim/locations",
            json!({"name": "Annexe", "location_type": {"name": "Site"}, "status": {"name": "Active"}}),
        );
        let site = site.await["id"].clone();
        let maker = self.post("dcim/manufacturers", json!({"name": "Handmade"})).await["id"].clone();
        let device_type = json!({"manufacturer": maker, "model": "Box"});
        let device_type = self.post("dcim/device-types", device_type).await["id"].clone();
        let role = json!({"name": "Spare", "content_types": ["dcim.device"]});
        let role = self.post("extras/roles", role).await["id"].clone();
        let device = json!({
            "name": "spare-1", "location": site, "device_type": device_type, "role": role, "status": {"name": "Planned"}, "serial": "H-1",
        });
        let device = self.post("dcim/devices", device).await["id"].clone();
        let prefix = json!({"prefix": "203.0.113.0/24", "status": {"name": "Reserved"}});
        let prefix = self.post("ipam/prefixes", prefix).await["id"].clone();
        let ids = [("dcim/locations", site), ("dcim/devices", device), ("ipam/prefixes", prefix)];
        self.what_is_not_ours(&ids.map(|(list, id)| (list.to_owned(), json!({"id": id})))).await
    }

    /// The same objects as they are now.
    pub async fn what_is_not_ours(&self, objects: &[(String, Value)]) -> Vec<(String, Value)> {
        let mut now = Vec::new();
        for (list, object) in objects {
            now.push((list.clone(), self.get(list, object["id"].as_str().unwrap()).await));
        }
        now
    }
}
