//! GraphQL: names, filters, pages and errors.

use serde_json::json;

use super::super::Kind;
use super::{Client, Fixture};

#[test]
fn values_have_the_shapes_of_the_real_schema() {
    let Fixture { sim, interfaces, .. } = Fixture::new();
    let client = Client::new(&sim);
    let of = interfaces[0];
    let body = json!({"address": "192.0.2.1/24", "assigned_object_type": "dcim.interface", "assigned_object_id": of});
    client.post("/api/ipam/ip-addresses/", body);
    let data = client.graphql(
        "{ip_address_list{id address status role family{value label} \
         assigned_object{__typename ... on InterfaceType{id name device{name}} ... on FHRPGroupType{id}}}}",
    );
    assert_eq!(
        data,
        json!({"data": {"ip_address_list": [{"id": "1", "address": "192.0.2.1/24", "status": "active", "role": null,
            "family": {"value": 4, "label": "IPv4"},
            "assigned_object": {"__typename": "InterfaceType", "id": of.to_string(), "name": "Gi0/10",
                "device": {"name": "dev-1"}}}]}})
    );
    let data =
        client.graphql("{device_type_list{u_height device_count instances{name} default_platform{id} owner{id}}}");
    assert_eq!(
        data["data"]["device_type_list"],
        json!([{"u_height": "1.0", "device_count": 2, "instances": [{"name": "dev-1"}, {"name": "dev-2"}],
            "default_platform": null, "owner": null}])
    );
    let data = client.graphql("{site_list{last_updated}}");
    assert!(data["data"]["site_list"][0]["last_updated"].as_str().unwrap().ends_with("+00:00"));
}

#[test]
fn every_query_that_reads_a_kind_in_full_is_understood() {
    let Fixture { sim, .. } = Fixture::new();
    let client = Client::new(&sim);
    let common = "id created last_updated description comments tags{id} custom_fields owner{id}";
    for (list, fields) in [
        (
            "site",
            "name slug status facility time_zone physical_address shipping_address latitude longitude region{id} group{id} tenant{id} asns{id}",
        ),
        ("manufacturer", "name slug"),
        (
            "device_type",
            "model slug part_number u_height exclude_from_utilization is_full_depth subdevice_role airflow weight weight_unit manufacturer{id} default_platform{id}",
        ),
        ("device_role", "name slug color vm_role level parent{id} config_template{id}"),
        ("platform", "name slug level parent{id} manufacturer{id} config_template{id}"),
        (
            "device",
            "name serial asset_tag status face position airflow vc_position vc_priority latitude longitude local_context_data device_type{id} role{id} tenant{id} platform{id} site{id} location{id} rack{id} cluster{id} virtual_chassis{id} primary_ip4{id} primary_ip6{id} oob_ip{id} config_template{id}",
        ),
        ("virtual_chassis", "name domain member_count master{id}"),
        ("mac_address", "mac_address assigned_object{__typename ... on InterfaceType{id} ... on VMInterfaceType{id}}"),
        ("vlan", "vid name status qinq_role site{id} group{id} tenant{id} role{id} qinq_svlan{id}"),
        ("vrf", "name rd enforce_unique tenant{id} import_targets{id} export_targets{id}"),
        (
            "prefix",
            "prefix status is_pool mark_utilized family{value} _depth _children vrf{id} tenant{id} vlan{id} role{id} scope{__typename ... on SiteType{id} ... on LocationType{id}}",
        ),
        (
            "ip_address",
            "address status role dns_name family{value} vrf{id} tenant{id} nat_inside{id} assigned_object{__typename ... on InterfaceType{id}}",
        ),
    ] {
        let query = format!(
            "query($s:Int!,$lt:ID!){{{list}_list(filters:{{id:{{lt:$lt}}}},pagination:{{start:$s,limit:1000}}){{{common} {fields}}}}}"
        );
        let body = json!({"query": query, "variables": {"s": 1, "lt": "100000"}});
        let answer = client.send("POST", "/graphql/", Some(&body)).json();
        assert_eq!(answer.get("errors"), None, "{list}: {answer}");
    }
    let interface = "id name label type enabled mgmt_only mtu speed duplex mode wwn rf_role rf_channel rf_channel_frequency rf_channel_width tx_power poe_mode poe_type mark_connected cable_end device{id} module{id} parent{id} bridge{id} lag{id} vrf{id} untagged_vlan{id} tagged_vlans{id} qinq_svlan{id} primary_mac_address{id} cable{id}";
    let answer = client.graphql(&format!("{{interface_list{{{interface}}}}}"));
    assert_eq!(answer["data"]["interface_list"].as_array().map(Vec::len), Some(3), "{answer}");
}

#[test]
fn pages_begin_at_an_id_or_an_offset() {
    let Fixture { sim, .. } = Fixture::new();
    let client = Client::new(&sim);
    let names = |query: &str| {
        let data = client.graphql(query);
        let rows = data["data"]["interface_list"].as_array().unwrap_or_else(|| panic!("{data}"));
        rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("{interface_list{name}}"), ["Gi0/2", "Gi0/10", "Gi0/1"]);
    assert_eq!(names("{interface_list(pagination:{start:2,limit:1}){name}}"), ["Gi0/2"]);
    assert_eq!(names("{interface_list(pagination:{offset:1,limit:5}){name}}"), ["Gi0/10", "Gi0/1"]);
    assert_eq!(
        names("{interface_list(filters:{id:{gte:1,lt:\"3\"}},pagination:{start:0}){name}}"),
        ["Gi0/10", "Gi0/2"]
    );
    let both = client.graphql("{interface_list(pagination:{offset:1,start:1}){name}}");
    assert_eq!(
        both["errors"][0],
        json!({"message": "Cannot specify both `start` and `offset` in pagination.",
            "locations": [{"line": 1, "column": 2}], "path": ["interface_list"]})
    );
}

#[test]
fn filters_combine() {
    let Fixture { sim, site, devices, .. } = Fixture::new();
    let client = Client::new(&sim);
    let count = |list: &str, filters: &str| {
        let data = client.graphql(&format!("{{{list}(filters:{{{filters}}}){{id}}}}"));
        data["data"][list].as_array().unwrap_or_else(|| panic!("{filters}: {data}")).len()
    };
    assert_eq!(count("device_list", "name:{exact:\"dev-1\"}"), 1);
    assert_eq!(count("device_list", "name:{i_contains:\"EV-\"}"), 2);
    assert_eq!(count("device_list", &format!("site_id:\"{site}\",NOT:{{name:{{exact:\"dev-1\"}}}}")), 1);
    assert_eq!(count("device_list", "name:{exact:\"dev-1\"},OR:{name:{exact:\"dev-2\"}}"), 2);
    assert_eq!(count("device_list", "site:{slug:{in_list:[\"site-00\"]}},status:{exact:STATUS_ACTIVE}"), 2);
    assert_eq!(count("interface_list", &format!("device_id:{},type:{{exact:TYPE_1000BASE_T}}", devices[0])), 2);
    assert_eq!(count("interface_list", "device:{name:{exact:\"dev-2\"}},enabled:{exact:true}"), 1);
    assert_eq!(count("device_list", "vc_position:{filter_lookup:{exact:1}}"), 0);
    assert_eq!(count("site_list", "last_updated:{gte:\"2020-01-01T00:00:00+00:00\"}"), 1);
}

#[test]
fn errors_read_as_those_of_the_real_server() {
    let Fixture { sim, .. } = Fixture::new();
    let client = Client::new(&sim);
    let wrong = |query: &str, message: &str, column: u64| {
        let answer = client.graphql(query);
        assert_eq!(answer["data"], json!(null));
        assert_eq!(
            answer["errors"][0],
            json!({"message": message, "locations": [{"line": 1, "column": column}]}),
            "{query}"
        );
    };
    wrong("{site_list{nosuch}}", "Cannot query field 'nosuch' on type 'SiteType'.", 12);
    wrong("{site_list(filters:{nosuch:{exact:\"x\"}}){id}}", "Field 'nosuch' is not defined by type 'SiteFilter'.", 21);
    wrong("{site_list(filters:{name:{exact:5}}){id}}", "String cannot represent a non string value: 5", 33);
    wrong(
        "{site_list(filters:{status:{exact:STATUS_BOGUS}}){id}}",
        "Value 'STATUS_BOGUS' does not exist in 'SiteStatusEnum' enum.",
        35,
    );
    wrong("{site_list(nosuch:1){id}}", "Unknown argument 'nosuch' on field 'Query.site_list'.", 12);
    wrong(
        "{site_list{id region}}",
        "Field 'region' of type 'RegionType' must have a selection of subfields. Did you mean 'region { ... }'?",
        15,
    );
    wrong(
        "{site_list{id name{x}}}",
        "Field 'name' must not have a selection since type 'String!' has no subfields.",
        19,
    );
    wrong("{site_list{id ", "Syntax Error: Expected Name, found <EOF>.", 15);
    wrong(
        "query($l:Int!){site_list(pagination:{limit:$l}){id}}",
        "Variable '$l' of required type 'Int!' was not provided.",
        7,
    );
    let eleven: Vec<String> = (0..11).map(|n| format!("a{n}:site_list{{id}}")).collect();
    let answer = client.graphql(&format!("{{{}}}", eleven.join(" ")));
    assert_eq!(answer["errors"], json!([{"message": "11 aliases found. Allowed: 10"}]));
    let anonymous = client.with("Authorization", "").with("Accept", "application/json");
    let answer = anonymous.send("POST", "/graphql/", Some(&json!({"query": "{site_list{id}}"})));
    assert_eq!((answer.status, answer.body.as_str()), (403, "No credentials provided."));
}

#[test]
fn nested_lists_end_at_a_page() {
    let fixture = Fixture::with(super::NetBoxOptions { max_page: 1, ..super::NetBoxOptions::default() });
    let client = Client::new(&fixture.sim);
    let data = client.graphql("{device_list(filters:{name:{exact:\"dev-1\"}}){interfaces{name}}}");
    assert_eq!(data["data"]["device_list"][0]["interfaces"], json!([{"name": "Gi0/2"}]));
    assert_eq!(fixture.sim.count(Kind::Interface), 3);
}
