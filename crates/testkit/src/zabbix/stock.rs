//! What a fresh server has: groups, a handful of the templates that it ships with, its own host, an administrator.
//! Templates carry some of their items only; keys, types, inventory links and ids are the shipped ones.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::access::{Role, Token, User, secret};
use super::dialect::Dialect;
use super::methods::Ctx;
use super::refusal::Refusal;
use super::state::{Group, Inventory, State};
use super::{hosts, macros, templates};

/// The account that every server starts with.
pub(super) const ADMIN: (&str, &str) = ("Admin", "zabbix");

const HOST_GROUPS: [(u64, &str); 5] =
    [(2, "Linux servers"), (4, "Zabbix servers"), (5, "Discovered hosts"), (6, "Virtual machines"), (7, "Hypervisors")];
const NEW_HOST_GROUPS: [(u64, &str); 2] = [(19, "Applications"), (20, "Databases")];
const TEMPLATE_GROUPS: [(u64, &str); 10] = [
    (1, "Templates"),
    (9, "Templates/Network devices"),
    (10, "Templates/Operating systems"),
    (11, "Templates/Server hardware"),
    (12, "Templates/Applications"),
    (13, "Templates/Databases"),
    (14, "Templates/Virtualization"),
    (15, "Templates/Telephony"),
    (16, "Templates/SAN"),
    (18, "Templates/Power"),
];
/// The group that network discovery uses.
const DISCOVERED: u64 = 5;

/// The state of a fresh server, and the token of its administrator.
pub(super) fn fresh(dialect: &Dialect, now: i64) -> Result<(State, String), Refusal> {
    let mut state = State::default();
    for (table, last) in [
        ("groups", 21),
        ("hosts", 10_650),
        ("interfaces", 30),
        ("items", 48_000),
        ("triggers", 23_900),
        ("macros", 7_100),
        ("users", 2),
        ("user_groups", 13),
        ("hosts_groups", 600),
        ("hosts_templates", 400),
        ("tokens", 1),
    ] {
        state.begin_ids(table, last);
    }
    groups(&mut state, dialect);
    let (name, password) = ADMIN;
    let admin =
        User { id: 1, name: name.to_owned(), password: password.to_owned(), role: Role::SuperAdmin, ..User::default() };
    let guest = User { id: 2, name: "guest".to_owned(), disabled: true, ..User::default() };
    state.users = BTreeMap::from([(1, admin.clone()), (2, guest)]);
    let token = secret(0x5eed, 64);
    state.tokens.insert(
        1,
        Token {
            id: 1,
            secret: token.clone(),
            name: "simulator".to_owned(),
            user: 1,
            disabled: false,
            expires_at: 0,
            created_at: now,
            last_access: 0,
        },
    );
    macros::add_global(&mut state, &serde_json::json!({"macro": "{$SNMP_COMMUNITY}", "value": "public"}));
    let mut ctx = Ctx { state: &mut state, dialect, user: admin, secret: String::new(), now };
    for template in shipped(dialect) {
        templates::seed(&mut ctx, &template)?;
    }
    ctx.state.begin_ids("hosts", 10_083);
    hosts::create(&mut ctx, &server())?;
    ctx.state.begin_ids("hosts", 10_650);
    if dialect.modern
        && let Some(host) = state.hosts.get_mut(&10_084)
    {
        std::sync::Arc::make_mut(host).inventory = Some(Inventory { automatic: true, ..Inventory::default() });
    }
    state.written = 0;
    Ok((state, token))
}

fn groups(state: &mut State, dialect: &Dialect) {
    let group = |id: u64, name: &str| Group { name: name.to_owned(), uuid: secret(id, 32), internal: id == DISCOVERED };
    let map = |list: &[(u64, &str)]| -> BTreeMap<u64, Group> {
        list.iter().map(|(id, name)| (*id, group(*id, name))).collect()
    };
    state.groups = map(&HOST_GROUPS);
    if dialect.split_groups {
        state.groups.extend(map(&NEW_HOST_GROUPS));
        state.template_groups = map(&TEMPLATE_GROUPS);
    } else {
        state.groups.extend(map(&TEMPLATE_GROUPS));
        state.groups.extend(map(&[(8, "Templates/Modules")]));
    }
}

fn server() -> Json {
    json!({
        "host": "Zabbix server", "groups": [{"groupid": "4"}],
        "interfaces": [{"type": 1, "main": 1, "useip": 1, "ip": "127.0.0.1", "dns": "", "port": "10050"}],
        "templates": [{"templateid": "10001"}, {"templateid": "10047"}],
    })
}

/// An item: key, name, type, value type, inventory link.
type ItemLine = (&'static str, &'static str, u8, u8, u8);

const PING: [ItemLine; 3] = [
    ("icmpping", "ICMP ping", 3, 3, 0),
    ("icmppingloss", "ICMP loss", 3, 0, 0),
    ("icmppingsec", "ICMP response time", 3, 0, 0),
];
const SNMP: [ItemLine; 9] = [
    ("snmptrap.fallback", "SNMP traps (fallback)", 17, 2, 0),
    ("system.contact[sysContact.0]", "System contact details", 20, 1, 0),
    ("system.descr[sysDescr.0]", "System description", 20, 1, 0),
    ("system.hw.uptime[hrSystemUptime.0]", "Uptime (hardware)", 20, 3, 0),
    ("system.location[sysLocation.0]", "System location", 20, 1, 0),
    ("system.name", "System name", 20, 1, 0),
    ("system.net.uptime[sysUpTime.0]", "Uptime (network)", 20, 3, 0),
    ("system.objectid[sysObjectID.0]", "System object ID", 20, 1, 0),
    ("zabbix[host,snmp,available]", "SNMP agent availability", 5, 3, 0),
];
const CISCO: [ItemLine; 3] = [
    ("system.hw.model", "Hardware model name", 20, 1, 29),
    ("system.hw.serialnumber", "Hardware serial number", 20, 1, 8),
    ("system.sw.os[sysDescr.0]", "Operating system", 20, 1, 5),
];
const AGENT: [ItemLine; 4] = [
    ("agent.hostname", "Host name of Zabbix agent running", 0, 1, 0),
    ("agent.ping", "Zabbix agent ping", 0, 3, 0),
    ("agent.version", "Version of Zabbix agent running", 0, 1, 0),
    ("zabbix[host,agent,available]", "Zabbix agent availability", 5, 3, 0),
];
const LINUX: [ItemLine; 8] = [
    ("vm.memory.size[total]", "Total memory", 0, 3, 0),
    ("system.cpu.load[all,avg1]", "Load average (1m avg)", 0, 0, 0),
    ("system.cpu.num", "Number of CPUs", 0, 3, 0),
    ("system.cpu.util", "CPU utilization", 18, 0, 0),
    ("system.hostname", "System name", 0, 1, 3),
    ("system.sw.os", "Operating system", 0, 1, 5),
    ("system.uptime", "System uptime", 0, 3, 0),
    ("vm.memory.utilization", "Memory utilization", 18, 0, 0),
];
const WINDOWS: [ItemLine; 4] = [
    ("system.hostname", "System name", 0, 1, 3),
    ("system.sw.arch", "Operating system architecture", 0, 1, 0),
    ("system.uname", "System description", 0, 1, 5),
    ("vm.memory.util", "Memory utilization", 15, 0, 0),
];
const ACTIVE: [ItemLine; 4] = [
    ("agent.hostname", "Host name of Zabbix agent running", 7, 1, 0),
    ("system.hostname", "System name", 7, 1, 3),
    ("system.localtime", "System local time", 7, 3, 0),
    ("system.uptime", "System uptime", 7, 3, 0),
];
const JMX: [ItemLine; 2] = [
    ("jmx[\"java.lang:type=ClassLoading\",\"LoadedClassCount\"]", "ClassLoading: Loaded class count", 16, 3, 0),
    ("jmx[\"java.lang:type=Runtime\",\"Uptime\"]", "Runtime: JVM uptime", 16, 3, 0),
];
const IPMI: [ItemLine; 1] = [("ipmi.get", "Get IPMI sensors", 12, 4, 0)];
const SERVER: [ItemLine; 2] =
    [("zabbix[wcache,values]", "Number of processed values per second", 5, 0, 0), ("zabbix[queue]", "Queue", 5, 3, 0)];

fn items(lines: &[&[ItemLine]]) -> Vec<Json> {
    let item = |(key, name, kind, value_type, link): &ItemLine| json!({"key_": key, "name": name, "type": kind, "value_type": value_type, "inventory_link": link});
    lines.iter().copied().flatten().map(item).collect()
}

/// The discovery of network interfaces.
fn network_rule() -> Json {
    json!({"key_": "net.if.discovery", "name": "Network interfaces discovery", "type": 20, "itemprototypes": [
        {"key_": "net.if.in[ifHCInOctets.{#SNMPINDEX}]", "name": "Interface {#IFNAME}: Bits received", "type": 20},
        {"key_": "net.if.out[ifHCOutOctets.{#SNMPINDEX}]", "name": "Interface {#IFNAME}: Bits sent", "type": 20},
    ]})
}

/// Three triggers about pings, the second and third of which depend on others.
fn ping_triggers(prefix: &str) -> Json {
    let name = |text: &str| format!("{prefix}{text}");
    let [down, loss, slow] =
        ["Unavailable by ICMP ping", "High ICMP ping loss", "High ICMP ping response time"].map(name);
    json!([
        {"description": down, "priority": 4},
        {"description": loss, "priority": 2, "depends_on": [down]},
        {"description": slow, "priority": 2, "depends_on": [down, loss]},
    ])
}

/// A template: ids in 6.0 and 7.0, name, template group, class and target tags, items, triggers.
struct Shipped {
    ids: [u64; 2],
    name: &'static str,
    group: u64,
    tags: [&'static str; 2],
    items: Vec<Json>,
    rules: Vec<Json>,
    /// What 7.0 puts before the names of the ping triggers; no such triggers without it.
    triggers: Option<&'static str>,
}

fn shipped(dialect: &Dialect) -> Vec<Json> {
    let plain =
        |ids, name, group, tags, items| Shipped { ids, name, group, tags, items, rules: Vec::new(), triggers: None };
    // Items of these two have other places in 6.0, which decide about the item that an error names.
    let mut ping = items(&[&PING]);
    let mut generic = items(&[&PING, &SNMP]);
    if !dialect.modern {
        ping.reverse();
        generic.sort_by_key(|item| (item["type"] == 3, item["key_"] != "system.name"));
    }
    let modules = if dialect.split_groups { 9 } else { 8 };
    let snmp = |more: &[ItemLine]| items(&[&PING, &SNMP, more]);
    let mut cisco = snmp(&CISCO);
    for (key, link) in
        [("system.contact[sysContact.0]", 23), ("system.location[sysLocation.0]", 24), ("system.name", 3)]
    {
        cisco.iter_mut().filter(|item| item["key_"] == key).for_each(|item| item["inventory_link"] = link.into());
    }
    let network = |ids, name, tags, items, prefix| {
        let rules = vec![network_rule()];
        Shipped { ids, name, group: 9, tags, items, rules, triggers: Some(prefix) }
    };
    let list = [
        Shipped {
            triggers: Some("ICMP Ping: "),
            ..plain([10_186, 10_564], "ICMP Ping", modules, ["network", "icmp"], ping)
        },
        Shipped {
            triggers: Some("Generic by SNMP: "),
            ..plain([10_204, 10_563], "Generic by SNMP", modules, ["network", "snmp"], generic)
        },
        network([10_218; 2], "Cisco IOS by SNMP", ["network", "cisco"], cisco.clone(), "Cisco IOS: "),
        network(
            [10_226; 2],
            "Network Generic Device by SNMP",
            ["network", "network"],
            cisco,
            "Network Generic Device: ",
        ),
        plain([10_001; 2], "Linux by Zabbix agent", 10, ["os", "linux"], items(&[&LINUX, &AGENT])),
        plain([10_081; 2], "Windows by Zabbix agent", 10, ["os", "windows"], items(&[&AGENT, &WINDOWS])),
        plain([10_343; 2], "Linux by Zabbix agent active", 10, ["os", "linux"], items(&[&ACTIVE])),
        plain([10_050, 10_561], "Zabbix agent", 12, ["software", "zabbix-agent"], items(&[&AGENT])),
        plain([10_169; 2], "Generic Java JMX", 12, ["software", "java"], items(&[&JMX])),
        plain([10_321; 2], "Chassis by IPMI", 11, ["hardware", "server"], items(&[&IPMI])),
        plain([10_047; 2], "Zabbix server health", 12, ["software", "server"], items(&[&SERVER])),
    ];
    list.into_iter().map(|template| body(template, dialect)).collect()
}

fn body(template: Shipped, dialect: &Dialect) -> Json {
    let [old, new] = template.ids;
    let [class, target] = template.tags;
    let prefix = if dialect.modern { template.triggers.unwrap_or_default() } else { "" };
    // The two modules had no tags in 6.0.
    let tags = match dialect.modern || old == new {
        true => json!([{"tag": "class", "value": class}, {"tag": "target", "value": target}]),
        false => json!([]),
    };
    let mut body = json!({
        "templateid": if dialect.modern { new } else { old }, "host": template.name,
        "groups": [{"groupid": template.group}], "items": template.items, "discoveryrules": template.rules, "tags": tags,
    });
    if template.triggers.is_some() {
        body["triggers"] = ping_triggers(prefix);
        body["macros"] = json!([
            {"macro": "{$ICMP_LOSS_WARN}", "value": "20"}, {"macro": "{$ICMP_RESPONSE_TIME_WARN}", "value": "0.15"},
        ]);
    }
    body
}
