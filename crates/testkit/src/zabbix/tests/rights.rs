//! Accounts that may not do everything.

use serde_json::json;

use super::super::{Access, Role, UserSeed};
use super::{World, agent};

fn user(world: &World, name: &str, role: Role, access: Access) -> String {
    let groups = vec![(world.group.clone(), access)];
    let password = "secret".to_owned();
    world.sim.add_user(UserSeed { name: name.to_owned(), password, role, groups, template_groups: Vec::new() })
}

#[test]
fn an_admin_sees_its_groups_only() {
    for world in World::both() {
        let other = world.sim.seed_group(json!({"name": "Sim/B"})).unwrap();
        let token = user(&world, "adm", Role::Admin, Access::Write);
        let own = world.host("own", json!({"interfaces": [agent()]}));
        let all = json!({"output": ["host"]});
        assert_eq!(world.call_as(&token, "host.get", &all)["result"], json!([{"hostid": own, "host": "own"}]));
        assert_eq!(world.call_as(&token, "template.get", &all)["result"], json!([]));
        assert_eq!(world.call_as(&token, "hostgroup.get", &json!({"countOutput": true}))["result"], "1");
        let said = |method: &str, params| world.error_as(&token, method, &params);
        let collision = world.new_host("Zabbix server", json!({}));
        assert_eq!(said("host.create", collision), "-32602 Host with the same name \"Zabbix server\" already exists.");
        let no = "No permissions to referred object or it does not exist!";
        let wanted = |old: &str, new: &str| if world.is_old() { old.to_owned() } else { new.to_owned() };
        let path = |path: &str| {
            format!("-32500 Invalid parameter \"{path}\": object does not exist, or you have no permissions to it.")
        };
        let elsewhere = json!({"host": "x", "groups": [{"groupid": other}]});
        assert_eq!(said("host.create", elsewhere), wanted(&format!("-32500 {no}"), &path("/1/groups/1")));
        let hidden = json!({"hostid": "10084", "description": "x"});
        assert_eq!(said("host.update", hidden), wanted(&format!("-32602 {no}"), &format!("-32500 {no}")));
        assert_eq!(said("host.delete", json!(["10084"])), format!("-32500 {no}"));
        let linked = json!({"hostid": own, "templates": world.template("ICMP Ping")});
        assert_eq!(said("host.update", linked), wanted(&format!("-32500 {no}"), &path("/1/templates/1")));
        let denied = |method: &str| {
            wanted(
                &format!("-32602 No permissions to call \"{method}\"."),
                &format!("-32500 No permissions to call \"{method}\"."),
            )
        };
        assert_eq!(said("hostgroup.create", json!({"name": "x"})), denied("hostgroup.create"));
        let long = said("host.create", world.new_host("long", json!({"name": "x".repeat(129)})));
        match world.is_old() {
            true => assert!(long.starts_with("-32500 Value")),
            false => assert_eq!(long, "-32603 System error occurred. Please contact Zabbix administrator."),
        }
        assert!(world.call_as(&token, "host.create", &world.new_host("mine", json!({}))).get("result").is_some());
    }
}

#[test]
fn what_an_admin_does_not_see_survives_its_changes() {
    for world in World::both() {
        let hidden = world.sim.seed_group(json!({"name": "Sim/B"})).unwrap();
        let token = user(&world, "adm", Role::Admin, Access::Write);
        let own = json!({"groupid": world.group});
        let ping = world.template("ICMP Ping");
        let both = json!([own, {"groupid": hidden}]);
        let id = world.host("h", json!({"interfaces": [agent()], "groups": both, "templates": ping}));
        let update = |change| world.call_as(&token, "host.update", &super::with(json!({"hostid": id}), change));
        assert!(update(json!({"groups": [own], "templates": []})).get("result").is_some());
        let groups = if world.is_old() { "groups" } else { "hostgroups" };
        let host = world.sim.host("h").unwrap();
        assert_eq!(
            (host[groups].as_array().map(Vec::len), host["parentTemplates"][0]["host"].as_str()),
            (Some(2), Some("ICMP Ping"))
        );
        let named = update(json!({"groups": both}))["error"]["data"].clone();
        let cleared = update(json!({"templates_clear": ping}));
        if world.is_old() {
            assert_eq!(named, "No permissions to referred object or it does not exist!");
            assert!(cleared.get("result").is_some());
        } else {
            let nobody = |path: &str| {
                format!("Invalid parameter \"{path}\": object does not exist, or you have no permissions to it.")
            };
            assert_eq!(named, nobody("/1/groups/2"));
            assert_eq!(cleared["error"]["data"], nobody("/1/templates_clear/1"));
        }
    }
}

#[test]
fn a_reader_changes_nothing() {
    for world in World::both() {
        let token = user(&world, "ro", Role::User, Access::Read);
        world.host("h", json!({}));
        let get = |editable: bool| {
            let options = json!({"output": ["host"], "editable": editable, "countOutput": true});
            world.call_as(&token, "host.get", &options)["result"].clone()
        };
        assert_eq!((get(false), get(true)), (json!("1"), json!("0")));
        let code = if world.is_old() { -32602 } else { -32500 };
        for method in ["host.create", "host.update", "host.delete", "maintenance.create", "hostgroup.update"] {
            assert_eq!(
                world.error_as(&token, method, &json!({})),
                format!("{code} No permissions to call \"{method}\".")
            );
        }
        assert!(world.call_as(&token, "proxy.get", &json!({}))["result"].is_array());
        let own = world.call_as(&token, "token.get", &json!({"output": ["name"]}));
        assert_eq!(own["result"], json!([{"name": "token of ro"}]));
    }
}

#[test]
fn tokens_end() {
    for world in World::both() {
        let token = user(&world, "u", Role::Admin, Access::Write);
        let said = || world.error_as(&token, "host.get", &json!({}));
        world.sim.expire_token(&token);
        assert_eq!(said(), "-32500 API token expired.");
        world.sim.disable_token(&token);
        assert_eq!(said(), "-32602 Not authorized.");
    }
}

#[test]
fn accounts_can_be_made_over_the_api() {
    for world in World::both() {
        let list = if world.is_old() { "rights" } else { "hostgroup_rights" };
        let group = json!({"name": "g", list: [{"id": world.group, "permission": 3}]});
        let group = world.ok("usergroup.create", group)["usrgrpids"][0].clone();
        let user = json!({"username": "u", "passwd": "p", "roleid": "2", "usrgrps": [{"usrgrpid": group}]});
        let user = world.ok("user.create", user)["userids"][0].clone();
        let id = world.ok("token.create", json!({"name": "t", "userid": user}))["tokenids"][0].clone();
        let token = world.ok("token.generate", json!([id]))[0]["token"].as_str().unwrap().to_owned();
        assert!(world.call_as(&token, "host.create", &world.new_host("h", json!({}))).get("result").is_some());
        world.ok("token.update", json!({"tokenid": id, "expires_at": 1000}));
        assert_eq!(world.error_as(&token, "host.get", &json!({})), "-32500 API token expired.");
    }
}
