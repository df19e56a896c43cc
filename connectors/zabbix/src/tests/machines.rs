//! Virtual machines, and what NetBox knows beyond devices: clusters, tenants, custom fields, config contexts.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use syncline_core::history::RunStatus;
use syncline_testkit::netbox::Kind;

use super::lab::{Lab, tags};

/// A device and a virtual machine in a cluster of a tenant, each with an address it is managed by.
async fn lab() -> Lab {
    let mut lab = Lab::new("7.0.9").await;
    lab.seed(Kind::TenantGroup, &json!({"name": "Customers", "slug": "customers"}));
    lab.seed(Kind::Tenant, &json!({"name": "Acme", "slug": "acme", "group": 1}));
    lab.seed(Kind::ClusterType, &json!({"name": "VMware", "slug": "vmware"}));
    lab.seed(Kind::Cluster, &json!({"name": "c1", "type": 1, "scope_type": "dcim.site", "scope_id": 1}));
    lab.netbox.define_custom_field("tier", &[Kind::Device, Kind::VirtualMachine]).unwrap();
    let context = json!({"zabbix": {"templates": ["ICMP Ping", "Linux by Zabbix agent"]}});
    lab.device("esx1");
    lab.netbox.edit(Kind::Device, 1, &json!({"tenant": 1, "cluster": 1})).unwrap();
    lab.seed(Kind::Interface, &json!({"device": 1, "name": "mgmt", "type": "virtual"}));
    let web = json!({
        "name": lab.named("web1"), "cluster": 1, "device": 1, "tenant": 1, "vcpus": 2, "memory": 4096,
        "custom_fields": {"tier": "gold"}, "local_context_data": context,
    });
    lab.seed(Kind::VirtualMachine, &web);
    lab.seed(Kind::VmInterface, &json!({"virtual_machine": 1, "name": "eth0"}));
    let address =
        |address: &str, kind: &str| json!({"address": address, "assigned_object_type": kind, "assigned_object_id": 1});
    lab.seed(Kind::IpAddress, &address("192.0.2.1/24", "dcim.interface"));
    lab.seed(Kind::IpAddress, &address("192.0.2.2/24", "virtualization.vminterface"));
    lab.netbox.edit(Kind::Device, 1, &json!({"primary_ip4": 1})).unwrap();
    lab.netbox.edit(Kind::VirtualMachine, 1, &json!({"primary_ip4": 2})).unwrap();
    let group = |name: &str| json!({"name": format!("{}/{name}", lab.mark)});
    let hosts = json!({
        "origin": lab.mark,
        "virtual_machines": true,
        "groups": [
            group("Tenants/{{ tenant.group }}/{{ tenant.name }}"), group("Clusters/{{ cluster.type }}/{{ cluster.name }}"),
            group("Kinds/{{ kind }}"),
        ],
        "templates": [
            {"template": "{{ config_context.zabbix.templates | join('\n') }}"},
            {"template": "ICMP Ping", "when": "not config_context.zabbix.templates"},
        ],
        "managed_templates": ["Linux by Zabbix agent"],
        "interfaces": [{"type": "agent"}],
        "tags": [{"tag": "tier", "value": "{{ custom_fields.tier | default('none') }}"}],
        "inventory": {"fields": {"model": "{{ vcpus }} vCPU, {{ memory }} MB", "location": "{{ device }}"}},
    });
    lab.sync.target.parameters = json!({ "hosts": hosts });
    lab
}

fn templates(host: &Value) -> BTreeSet<&str> {
    host["parentTemplates"].as_array().unwrap().iter().map(|template| template["host"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn virtual_machines_become_hosts() {
    let lab = lab().await;
    let report = lab.run().await;
    assert_eq!(report.status, RunStatus::Completed, "{:?} {:?}", report.error, report.outcomes);
    let web = lab.host("web1").await.unwrap();
    let groups: Vec<_> = lab.groups(&web).into_iter().collect();
    assert_eq!(groups, ["Clusters/VMware/c1", "Kinds/virtual_machine", "Tenants/Customers/Acme"]);
    assert_eq!(templates(&web), BTreeSet::from(["ICMP Ping", "Linux by Zabbix agent"]));
    assert_eq!(web["interfaces"][0]["ip"], "192.0.2.2");
    assert!(tags(&web).contains("tier=gold"), "{:?}", tags(&web));
    assert_eq!(web["inventory"]["model"], "2 vCPU, 4096 MB");
    assert_eq!(web["inventory"]["location"], lab.named("esx1").to_lowercase());

    let esx = lab.host("esx1").await.unwrap();
    assert_eq!(esx["interfaces"][0]["ip"], "192.0.2.1");
    assert_eq!(templates(&esx), BTreeSet::from(["ICMP Ping"]), "nothing in its context");
    assert!(tags(&esx).contains("tier=none"), "{:?}", tags(&esx));

    let again = lab.run().await;
    assert_eq!((again.status, again.summary.to_apply()), (RunStatus::Completed, 0), "{:?}", again.summary);
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_that_cannot_be_read_lose_no_host() {
    let lab = lab().await;
    lab.run().await;
    lab.netbox.deny(Kind::VirtualMachine);
    let report = lab.run().await;
    assert!(lab.host("web1").await.is_some());
    assert_eq!(report.summary.to_apply(), 0, "{:?}", report.summary);
}

/// A virtual machine that comes by takes no host's name, whatever its id.
#[tokio::test(flavor = "multi_thread")]
async fn a_virtual_machine_takes_no_name_from_a_host_that_is_there() {
    let mut lab = lab().await;
    // Zabbix 6.0 has no simple checks on a host without an interface.
    lab.sync.target.parameters["hosts"]["templates"] = json!([]);
    for name in ["x1", "x2", "both"] {
        lab.device(name);
    }
    lab.sync.target.parameters["hosts"]["virtual_machines"] = json!(false);
    lab.run().await;
    let before = lab.host("both").await.unwrap();
    lab.seed(Kind::VirtualMachine, &json!({"name": lab.named("both"), "cluster": 1}));
    lab.sync.target.parameters["hosts"]["virtual_machines"] = json!(true);
    let report = lab.approved().await;
    assert_eq!(report.status, RunStatus::Completed, "{:?}", report.error);
    assert_eq!(lab.host("both").await.unwrap()["hostid"], before["hostid"]);
    assert!(lab.host("both_2").await.is_some(), "{:?}", report.outcomes);
    // A machine that was there first keeps its name from a device that comes later, too.
    lab.seed(Kind::VirtualMachine, &json!({"name": lab.named("later"), "cluster": 1}));
    lab.approved().await;
    let before = lab.host("later").await.unwrap();
    lab.device("later");
    lab.approved().await;
    assert_eq!(lab.host("later").await.unwrap()["hostid"], before["hostid"]);
}
