//! Virtual machines, tenants, custom fields and config contexts: read where a sync asks for them.

use serde_json::{Value, json};
use syncline_core::connector::ConnectContext;
use syncline_core::fields::ModelFields;
use syncline_http::{Client, ClientSettings, Credential, Path};
use syncline_model::models::{
    Cluster, ClusterGroup, ClusterType, Device, Site, Tag, Tenant, TenantGroup, VirtualMachine, Vrf,
};
use syncline_testkit::netbox::{Kind, NetBoxOptions, NetBoxSim};

use super::real::real;
use super::support::{Access, Read, access, read, read_fields};
use crate::client::ReadClient;
use crate::read::Role;
use crate::settings::{Connection, SourceParameters};

struct World {
    /// None when a real one is used.
    sim: Option<NetBoxSim>,
    reader: ReadClient,
    /// What tells this test's objects from those of others.
    mark: String,
    api: Client,
    /// What was made, newest last.
    made: Vec<(&'static str, u64)>,
    /// Keeps the token's file.
    access: Option<Access>,
}

impl World {
    /// A simulated NetBox with a site with a cluster of one device and two virtual machines, one of them with an address, and a
    /// machine of the same name elsewhere.
    async fn simulated(version: &str) -> Self {
        let sim = NetBoxSim::start(NetBoxOptions { version: version.to_owned(), ..NetBoxOptions::default() }).unwrap();
        let access = access(sim.url(), sim.token());
        let mut world = Self::of(&access.connection, "t").await;
        (world.sim, world.access) = (Some(sim), Some(access));
        world.fill().await;
        world
    }

    async fn of(connection: &Connection, mark: &str) -> Self {
        let settings =
            ClientSettings { url: connection.url.clone(), tls: connection.tls.clone(), http: connection.http.clone() };
        let api = Client::new(&settings, Credential::token(connection.token.resolve().unwrap())).unwrap();
        let reader = ReadClient::connect(connection, &ConnectContext::default()).await.unwrap();
        Self { sim: None, reader, mark: mark.to_owned(), api, made: Vec::new(), access: None }
    }

    fn sim(&self) -> &NetBoxSim {
        self.sim.as_ref().unwrap()
    }

    async fn make(&mut self, path: &'static str, body: Value) -> u64 {
        let made: Value = self.api.post(list(path)).json(&body).send().await.unwrap().json().unwrap();
        let id = made["id"].as_u64().unwrap();
        self.made.push((path, id));
        id
    }

    async fn change(&self, path: &str, id: u64, body: Value) {
        self.api.patch(list(path).segment(id.to_string()).slash()).json(&body).send().await.unwrap();
    }

    async fn fill(&mut self) {
        let m = self.mark.clone();
        let named = |name: &str| json!({"name": format!("{m}-{name}"), "slug": format!("{m}-{name}")});
        let with = |mut body: Value, more: Value| {
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let bern = self.make("dcim/sites", named("bern")).await;
        let chur = self.make("dcim/sites", named("chur")).await;
        let customers = self.make("tenancy/tenant-groups", named("customers")).await;
        let acme = self.make("tenancy/tenants", with(named("acme"), json!({"group": customers}))).await;
        let vmware = self.make("virtualization/cluster-types", named("vmware")).await;
        let production = self.make("virtualization/cluster-groups", named("production")).await;
        let cluster = |name: &str, site: u64, group: Option<u64>| json!({"name": format!("{m}-{name}"), "type": vmware, "group": group, "scope_type": "dcim.site", "scope_id": site});
        let first = self.make("virtualization/clusters", cluster("c1", bern, Some(production))).await;
        let second = self.make("virtualization/clusters", cluster("c2", chur, None)).await;
        let dell = self.make("dcim/manufacturers", named("dell")).await;
        let r760 = json!({"manufacturer": dell, "model": format!("{m}-R760"), "slug": format!("{m}-r760")});
        let r760 = self.make("dcim/device-types", r760).await;
        let role = self.make("dcim/device-roles", named("hypervisor")).await;
        let tier = format!("{m}_tier");
        let field =
            json!({"name": tier, "type": "text", "object_types": ["dcim.device", "virtualization.virtualmachine"]});
        self.make("extras/custom-fields", field).await;
        let esx = json!({
            "name": format!("{m}-esx1"), "site": bern, "device_type": r760, "role": role, "tenant": acme, "cluster": first,
            "local_context_data": {"zabbix": {"templates": ["Linux by Zabbix agent"]}}, "custom_fields": {(&*tier): "gold"},
        });
        let esx = self.make("dcim/devices", esx).await;
        let mgmt = self.make("dcim/interfaces", json!({"device": esx, "name": "mgmt", "type": "virtual"})).await;
        let web = json!({
            "name": format!("{m}-WEB1"), "cluster": first, "device": esx, "role": role, "tenant": acme, "vcpus": 2.5,
            "memory": 4096, "custom_fields": {(&*tier): "silver"},
        });
        let web = self.make("virtualization/virtual-machines", web).await;
        let eth = self.make("virtualization/interfaces", json!({"virtual_machine": web, "name": "eth0"})).await;
        let vrf = self.make("ipam/vrfs", json!({"name": format!("{m}-mgmt")})).await;
        let address = |address: &str, kind: &str, id: u64| json!({"address": address, "vrf": vrf, "assigned_object_type": kind, "assigned_object_id": id});
        let one = self.make("ipam/ip-addresses", address("10.0.0.1/24", "dcim.interface", mgmt)).await;
        let two = self.make("ipam/ip-addresses", address("10.0.0.2/24", "virtualization.vminterface", eth)).await;
        self.change("dcim/devices", esx, json!({"primary_ip4": one})).await;
        self.change("virtualization/virtual-machines", web, json!({"primary_ip4": two})).await;
        let paused = json!({"name": format!("{m}-web2"), "cluster": first, "status": "paused"});
        self.make("virtualization/virtual-machines", paused).await;
        let other = json!({"name": format!("{m}-web1"), "cluster": second});
        self.make("virtualization/virtual-machines", other).await;
    }

    /// The records of this test.
    fn records(&self, read: &Read, model: &str) -> Vec<Value> {
        let ours = |(key, ..): &(String, Value, _)| key.contains(&format!("\"{}-", self.mark));
        read.records(model).into_iter().filter(ours).map(|(_, record, _)| record).collect()
    }

    /// What a read for monitoring tells.
    async fn ensure_all_is_known(&self) {
        let m = &self.mark;
        let found = read_fields(&self.reader, Role::Source, None, monitored()).await.unwrap();
        let [bern, acme, customers, vmware, production] =
            ["bern", "acme", "customers", "vmware", "production"].map(|name| format!("{m}-{name}"));
        let tenant = json!({"slug": acme, "name": acme, "group": [customers]});
        assert_eq!(self.records(&found, "tenant"), [tenant]);
        let c1 = format!("{m}-c1");
        let cluster = json!({"site": [bern], "group": [production], "name": c1, "type": [vmware], "status": "active"});
        assert!(self.records(&found, "cluster").contains(&cluster));
        let machines = self.records(&found, "virtual_machine");
        assert_eq!(machines.len(), 3, "one name in two clusters is two machines");
        let cluster = json!([[bern], [production], c1]);
        let tier = format!("{m}_tier");
        let address = |address: &str| json!([[format!("{m}-mgmt")], address]);
        let web = json!({
            "site": [bern], "cluster": cluster, "name": format!("{m}-WEB1"), "status": "active", "tenant": [acme],
            "vcpus": "2.5", "memory": 4096, "primary_ip4": address("10.0.0.2"), "custom_fields": {(&*tier): "silver"},
        });
        assert!(machines.contains(&web), "{machines:#?}");
        let device = &self.records(&found, "device")[0];
        assert_eq!(device["primary_ip4"], address("10.0.0.1"));
        assert_eq!((&device["tenant"], &device["cluster"]), (&json!([acme]), &cluster));
        assert_eq!(device["custom_fields"][&tier], "gold");
        assert_eq!(device["config_context"]["zabbix"]["templates"][0], "Linux by Zabbix agent");
    }
}

fn list(path: &str) -> Path {
    path.split('/').fold(Path::from("api"), Path::segment).slash()
}

/// What monitoring asks for.
fn monitored() -> ModelFields {
    ModelFields::new()
        .all::<Site>()
        .all::<TenantGroup>()
        .all::<Tenant>()
        .all::<ClusterType>()
        .all::<ClusterGroup>()
        .all::<Cluster>()
        .all::<Tag>()
        .only::<Vrf>(&["name"])
        .only::<Device>(&["status", "primary_ip4", "tenant", "cluster", "custom_fields", "config_context"])
        .only::<VirtualMachine>(&[
            "status",
            "tenant",
            "vcpus",
            "memory",
            "primary_ip4",
            "custom_fields",
            "config_context",
        ])
}

#[tokio::test(flavor = "multi_thread")]
async fn virtual_machines_are_read_with_all_that_is_known_of_them() {
    for version in ["4.2.9", "4.5.2", "4.6.8"] {
        let world = World::simulated(version).await;
        world.ensure_all_is_known().await;
        // The addresses were asked for one by one: nobody wanted the others.
        let lists = world.sim().requests().into_iter().filter(|request| {
            let by_rest = request.method == "GET" && request.path.contains("dcim/interfaces");
            by_rest || request.graphql.iter().any(|list| list == "interface_list")
        });
        assert_eq!(lists.count(), 0, "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_netbox_tells_the_same() {
    let Some(connection) = real() else { return };
    let mut world = World::of(&connection, &format!("v{}", std::process::id())).await;
    world.fill().await;
    world.ensure_all_is_known().await;
    for (path, id) in world.made.iter().rev() {
        world.api.delete(list(path).segment(id.to_string()).slash()).send().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contexts_are_made_for_those_who_ask() {
    let world = World::simulated("4.2.9").await;
    let fields = ModelFields::new().all::<Site>().only::<Device>(&["status"]);
    let found = read_fields(&world.reader, Role::Source, None, fields).await.unwrap();
    assert_eq!(world.records(&found, "device").len(), 1);
    let pages = world
        .sim()
        .requests()
        .into_iter()
        .filter(|request| request.method == "GET" && request.path == "/api/dcim/devices/");
    let pages: Vec<_> = pages.filter(|request| !request.query.contains("limit=1&")).collect();
    assert!(!pages.is_empty());
    for page in pages {
        assert!(page.query.contains("exclude=config_context"), "{}", page.query);
        assert!(!page.query.contains("custom_fields"), "{}", page.query);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_outside_the_scope_are_left_out() {
    let world = World::simulated("4.6.8").await;
    let parameters = SourceParameters { sites: vec!["t-bern".to_owned()], ..SourceParameters::default() };
    let found = read_fields(&world.reader, Role::Source, Some(&parameters), monitored()).await.unwrap();
    let machines = world.records(&found, "virtual_machine").into_iter();
    let names: Vec<_> = machines.map(|record| record["name"].clone()).collect();
    assert_eq!(names, [json!("t-WEB1"), json!("t-web2")]);
    assert_eq!(world.records(&found, "cluster").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_whose_address_cannot_be_read_proves_nothing() {
    let world = World::simulated("4.6.8").await;
    world.sim().deny(Kind::IpAddress);
    let found = read_fields(&world.reader, Role::Source, None, monitored()).await.unwrap();
    let told = format!("{:?}", found.snapshot.models["virtual_machine"].verdict);
    assert!(told.contains("the primary addresses are not known"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_keeps_tenants_and_leaves_virtual_machines_alone() {
    let world = World::simulated("4.6.8").await;
    let found = read(&world.reader, Role::Target, None).await.unwrap();
    assert!(found.snapshot.models.contains_key("tenant") && !found.snapshot.models.contains_key("virtual_machine"));
    let device = &world.records(&found, "device")[0];
    assert_eq!((&device["tenant"], device.get("custom_fields")), (&json!(["t-acme"]), None));
}
