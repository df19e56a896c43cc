//! Host interfaces.

use serde_json::{Value as Json, json};

use super::{World, agent, snmp, with};

#[test]
fn rules() {
    let arguments = "-32602 Incorrect arguments passed to function.";
    let same = |interfaces: Json, said: &'static str| (json!({"interfaces": interfaces}), said, said);
    let changed = |more: Json| json!([with(agent(), more)]);
    let details = |details: Json| json!([with(snmp(), json!({"details": details}))]);
    let mut cases = vec![
        same(json!([agent(), snmp()]), ""),
        same(agent(), ""),
        same(json!("x"), arguments),
        same(changed(json!({"type": 9})), ""),
        same(changed(json!({"main": 0})), "-32602 No default interface for \"agent\" type on \"HOST\"."),
        same(
            json!([agent(), with(agent(), json!({"ip": "10.0.0.9"}))]),
            "-32602 Host cannot have more than one default interface of the same type.",
        ),
        same(changed(json!({"ip": "10.0.0.1/24"})), "-32602 Invalid IP address \"10.0.0.1/24\"."),
        same(changed(json!({"ip": "2001:db8::1"})), ""),
        same(changed(json!({"ip": "{$IP}"})), ""),
        same(changed(json!({"ip": ""})), "-32602 IP and DNS cannot be empty for host interface."),
        same(
            changed(json!({"useip": 0})),
            "-32602 Interface with IP \"10.0.0.1\" cannot have empty DNS name while having \"Use DNS\" property on \"HOST\".",
        ),
        same(changed(json!({"useip": 0, "dns": "a_b.c"})), ""),
        same(changed(json!({"dns": "a b"})), "-32602 Incorrect interface DNS parameter \"a b\" provided."),
        same(changed(json!({"port": 0})), ""),
        same(changed(json!({"port": "65536"})), "-32602 Incorrect interface port \"65536\" provided."),
        same(changed(json!({"port": ""})), "-32602 Port cannot be empty for host interface."),
        (json!({"interfaces": changed(json!({"foo": 1}))}), "", arguments),
        same(details(json!({"version": 2})), arguments),
        same(details(json!({"version": 4, "community": "c"})), arguments),
        same(details(json!({"version": 2, "community": "c", "bulk": 2})), "-32602 Incorrect bulk value for interface."),
        same(details(json!({"version": 3, "securityname": "u", "securitylevel": 2})), ""),
        same(details(json!({"version": 3, "securitylevel": 3})), arguments),
        (json!({"interfaces": details(json!({"version": 2, "community": "c", "max_repetitions": 0}))}), "", arguments),
    ];
    for name in ["type", "main", "useip", "ip", "dns", "port"] {
        let mut incomplete = agent();
        incomplete.as_object_mut().unwrap().remove(name);
        cases.push(same(json!([incomplete]), arguments));
    }
    for world in World::both() {
        world.refused(&cases);
    }
}

#[test]
fn details_are_those_of_the_version() {
    for world in World::both() {
        let details = json!({"version": 2, "community": "c", "max_repetitions": 20, "foo": 1});
        let id = world.host("h", json!({"interfaces": [with(snmp(), json!({"details": details})), agent()]}));
        let shown = || world.sim.host("h").unwrap()["interfaces"].clone();
        let mut wanted = json!({"version": "2", "bulk": "1", "community": "c"});
        if !world.is_old() {
            wanted["max_repetitions"] = "20".into();
        }
        assert_eq!(shown()[0]["details"], wanted);
        assert_eq!(shown()[1]["details"], json!([]), "an empty list, as PHP has it");
        let interface = shown()[0]["interfaceid"].clone();
        world.ok("hostinterface.update", json!({"interfaceid": interface, "details": {"version": 3}}));
        let details = shown()[0]["details"].clone();
        assert_eq!((&details["securityname"], details.get("community")), (&json!(""), None));
        assert_eq!(world.ok("hostinterface.get", json!({"hostids": id}))[0]["details"], details);
    }
}

#[test]
fn a_stale_id_costs_all_interfaces() {
    for world in World::both() {
        let id = world.host("h", json!({"interfaces": [agent()]}));
        let other = world.host("other", json!({"interfaces": [agent()]}));
        let foreign = world.ok("hostinterface.get", json!({"hostids": other}))[0]["interfaceid"].clone();
        for stale in [json!("99999"), foreign] {
            world.ok("host.update", json!({"hostid": id, "interfaces": [agent()]}));
            world
                .ok("host.update", json!({"hostid": id, "interfaces": [with(agent(), json!({"interfaceid": stale}))]}));
            assert_eq!(world.sim.host("h").unwrap()["interfaces"], json!([]));
        }
        let partial = json!({"hostid": id, "interfaces": [{"interfaceid": "99999"}]});
        assert_eq!(
            world.error("host.update", partial),
            "-32500 No permissions to referred object or it does not exist!"
        );
    }
}

#[test]
fn an_interface_in_use_stays() {
    for world in World::both() {
        let item = if world.is_old() { "ICMP response time" } else { "ICMP ping" };
        let linked = format!("-32602 Interface is linked to item \"{item}\" on \"h\".");
        let id = world.host("h", json!({"interfaces": [agent(), snmp()], "templates": world.template("ICMP Ping")}));
        let ids = world.ok("hostinterface.get", json!({"hostids": id, "output": ["type"], "sortfield": "interfaceid"}));
        let (used, free) = (ids[0]["interfaceid"].clone(), ids[1]["interfaceid"].clone());
        let update = |interfaces: Json| json!({"hostid": id, "interfaces": interfaces});
        assert_eq!(
            world.error("host.update", update(json!([agent(), snmp()]))),
            linked,
            "without ids they are new ones"
        );
        assert_eq!(world.error("host.update", update(json!([{"interfaceid": free}]))), linked);
        let retyped = json!([with(agent(), json!({"interfaceid": used, "type": 4})), {"interfaceid": free}]);
        assert_eq!(world.error("host.update", update(retyped)), linked);
        assert_eq!(world.error("hostinterface.delete", json!([used])), linked);
        let moved =
            json!([{"interfaceid": used, "ip": "10.9.9.9"}, with(agent(), json!({"interfaceid": free, "type": 4}))]);
        world.ok("host.update", update(moved));
        let shown = world.sim.host("h").unwrap()["interfaces"].clone();
        assert_eq!(
            (&shown[0]["ip"], &shown[1]["type"], &shown[1]["details"]),
            (&json!("10.9.9.9"), &json!("4"), &json!([]))
        );
        world.ok("hostinterface.delete", json!([free]));
        assert_eq!(world.ok("item.get", json!({"interfaceids": used, "countOutput": true})), "3");
    }
}

#[test]
fn the_main_flag_moves_in_one_call() {
    for world in World::both() {
        let second = with(agent(), json!({"ip": "10.0.0.9", "main": 0}));
        let id = world.host("h", json!({"interfaces": [agent(), second]}));
        let ids = world.ok("hostinterface.get", json!({"hostids": id, "output": [], "sortfield": "interfaceid"}));
        let [one, two] = [0, 1].map(|at| ids[at]["interfaceid"].clone());
        let alone = world.error("hostinterface.update", json!({"interfaceid": one, "main": 0}));
        assert_eq!(alone, "-32602 No default interface for \"agent\" type on \"h\".");
        let both = json!([{"interfaceid": one, "main": 0}, {"interfaceid": two, "main": 1}]);
        world.ok("hostinterface.update", both);
        assert_eq!(world.sim.host("h").unwrap()["interfaces"][1]["main"], "1");
        assert_eq!(
            world.error("hostinterface.create", with(agent(), json!({"hostid": id}))),
            "-32602 Host cannot have more than one default interface of the same type."
        );
        let other = world.host("other", json!({}));
        let switched = json!({"interfaceid": one, "hostid": other});
        assert_eq!(world.error("hostinterface.update", switched), "-32602 Cannot switch host for interface.");
        let many = json!({"hosts": [{"hostid": other}], "interfaces": [agent()]});
        assert!(world.ok("hostinterface.massadd", many)["interfaceids"]["interfaceids"].is_array());
    }
}
