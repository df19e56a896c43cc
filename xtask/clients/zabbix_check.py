#!/usr/bin/env python3
"""Drives a Zabbix with zabbix_utils and checks what it answers.

Usage: zabbix_check.py URL TOKEN

Creates groups, hosts with interfaces, tags, macros, inventory and templates, and a maintenance; reads them by every road
that a synchronisation takes, changes them one by one and in lists, deletes them again, and provokes the usual refusals.
Works on the simulator and on a real Zabbix from 6.0 on alike; the token must be a super admin's. Leaves nothing behind.
Exit code 0 means that all of it went as expected.
"""

import sys
import uuid

import zabbix_utils
from zabbix_utils import APIRequestError, ZabbixAPI


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def refused(text, call):
    """The call must end with an error that has this text in it."""
    try:
        call()
    except APIRequestError as error:
        expect(text in str(error), f"{text!r} is not in {error}")
        return
    raise AssertionError(f"the server took what it should have refused with {text!r}")


class Trail:
    """Everything that was created, to delete it in the opposite order."""

    def __init__(self, api):
        self.api = api
        self.made = []

    def keep(self, kind, answer):
        ids = next(iter(answer.values()))
        self.made.append((kind, ids))
        return ids

    def forget(self, kind, ids):
        self.made = [(known, [one for one in left if known != kind or one not in ids]) for known, left in self.made]

    def clean(self):
        for kind, ids in reversed(self.made):
            if ids:
                getattr(self.api, kind).delete(*ids)


def agent(address, **more):
    return {"type": 1, "main": 1, "useip": 1, "ip": address, "dns": "", "port": "10050", **more}


def snmp(address, **more):
    details = {"version": 2, "bulk": 1, "community": "{$SNMP_COMMUNITY}"}
    return {"type": 2, "main": 1, "useip": 1, "ip": address, "dns": "", "port": "161", "details": details, **more}


def groups(api, trail, name):
    made = trail.keep("hostgroup", api.hostgroup.create([{"name": f"{name}/A"}, {"name": f"{name}/B"}]))
    found = api.hostgroup.get(output=["groupid", "name"], filter={"name": [f"{name}/A", f"{name}/B"]}, sortfield="name")
    expect([group["groupid"] for group in found] == made, "two groups in the order sent")
    refused("already exists", lambda: api.hostgroup.create(name=f"{name}/A"))
    refused("invalid host group name", lambda: api.hostgroup.create(name=f"{name}/"))
    expect(api.hostgroup.get(countOutput=True, groupids=made) == "2", "a number as text")
    return made


def template(api, name):
    found = api.template.get(output=["host"], filter={"host": [name]})
    expect(len(found) == 1, f"one template {name!r}")
    return {"templateid": found[0]["templateid"]}


def select_groups(api):
    return ("selectHostGroups", "hostgroups") if api.version >= 6.2 else ("selectGroups", "groups")


def hosts(api, trail, name, group_ids):
    ping = template(api, "ICMP Ping")
    group = [{"groupid": group_ids[0]}]
    bodies = [
        {
            "host": f"{name}-{number}",
            "name": f"Host {number} of {name}",
            "groups": group,
            "interfaces": [agent(f"198.51.100.{number}"), snmp(f"198.51.100.{number}")],
            "tags": [{"tag": "check", "value": name}, {"tag": "number", "value": str(number)}],
            "macros": [{"macro": "{$TEXT}", "value": "seen"}, {"macro": "{$SECRET}", "value": "unseen", "type": 1}],
            "inventory_mode": 0,
            "inventory": {"os": "ios"},
            "templates": [ping],
        }
        for number in range(1, 6)
    ]
    made = trail.keep("host", api.host.create(bodies))
    select, key = select_groups(api)
    read = {"output": ["host", "name"], "tags": [{"tag": "check", "value": name, "operator": 1}], "sortfield": "hostid",
            "selectInterfaces": "extend", "selectTags": ["tag", "value"], "selectMacros": "extend",
            "selectInventory": ["os", "type"], "selectParentTemplates": ["templateid"], select: ["groupid"]}
    found = api.host.get(**read)
    expect([host["hostid"] for host in found] == made, "five hosts by their tag, in the order sent")
    first = found[0]
    expect([one["groupid"] for one in first[key]] == group_ids[:1], "its group")
    expect([one["templateid"] for one in first["parentTemplates"]] == [ping["templateid"]], "its template")
    expect(first["inventory"] == {"os": "ios", "type": ""}, "its inventory")
    macros = {macro["macro"]: macro for macro in first["macros"]}
    expect(macros["{$TEXT}"]["value"] == "seen" and "value" not in macros["{$SECRET}"], "secrets are not told")
    interfaces = {interface["type"]: interface for interface in first["interfaces"]}
    expect(interfaces["1"]["details"] == [], "no details are an empty list")
    expect(interfaces["2"]["details"]["community"] == "{$SNMP_COMMUNITY}", "the community is told")
    items = api.item.get(hostids=made[0], output=["key_", "interfaceid"], sortfield="key_")
    expect([item["key_"] for item in items] == ["icmpping", "icmppingloss", "icmppingsec"], "the items of the template")
    expect(api.host.get(hostids=["0"], preservekeys=True) == [], "no object is an empty list")
    refused("already exists", lambda: api.host.create(host=f"{name}-1", groups=group))
    refused("Incorrect characters used for host name", lambda: api.host.create(host=f"{name}/1", groups=group))
    refused("exist", lambda: api.host.create(host=f"{name}-x", groups=[{"groupid": "999999"}]))
    refused("interface", lambda: api.host.create(host=f"{name}-x", groups=group, templates=[template(api, "Zabbix agent")]))
    pair = [{"host": f"{name}-x", "groups": group}, {"host": f"{name}-x", "name": "other", "groups": group}]
    refused("Duplicate host", lambda: api.host.create(pair))
    expect(api.host.get(filter={"host": f"{name}-x"}) == [], "nothing of a refused list is there")
    return made, first, interfaces, macros


def changes(api, name, group_ids, made, first, interfaces, macros):
    host = made[0]
    api.host.update(hostid=host, inventory={"type": "switch"}, tags=[{"tag": "check", "value": name}])
    read = api.host.get(hostids=host, output=["name"], selectInventory=["os", "type"], selectTags=["tag"])[0]
    expect(read["inventory"] == {"os": "ios", "type": "switch"} and len(read["tags"]) == 1, "merged and replaced")
    api.host.update(hostid=host, host=f"{name}-renamed")
    expect(api.host.get(hostids=host, output=["name"])[0]["name"] == f"{name}-renamed", "the visible name follows")
    api.host.update([{"hostid": one, "status": 1} for one in made])
    disabled = api.host.get(hostids=made, output=["host"], filter={"status": "1"}, countOutput=True)
    expect(disabled == "5", "five hosts changed as a list")
    secret = macros["{$SECRET}"]["hostmacroid"]
    api.host.update(hostid=host, macros=[{"hostmacroid": secret}, {"macro": "{$NEW}", "value": "1"}])
    names = sorted(macro["macro"] for macro in api.usermacro.get(hostids=host, output=["macro"]))
    expect(names == ["{$NEW}", "{$SECRET}"], "a macro kept by its id")
    # Interfaces that are left out of the list go, unless an item uses them.
    agent_id, snmp_id = interfaces["1"]["interfaceid"], interfaces["2"]["interfaceid"]
    refused("Interface is linked to item", lambda: api.host.update(hostid=host, interfaces=[{"interfaceid": snmp_id}]))
    api.host.update(hostid=host, interfaces=[{"interfaceid": agent_id, "ip": "203.0.113.1"}])
    left = api.hostinterface.get(hostids=host, output=["ip"])
    expect([interface["ip"] for interface in left] == ["203.0.113.1"], "one interface changed, the other gone")
    made_interface = api.hostinterface.create(hostid=host, **snmp("203.0.113.2"))["interfaceids"]
    refused("more than one default interface", lambda: api.hostinterface.create(hostid=host, **snmp("203.0.113.3")))
    api.hostinterface.delete(*made_interface)
    ping = template(api, "ICMP Ping")
    api.host.update(hostid=host, templates=[])
    expect(api.item.get(hostids=host, countOutput=True, inherited=False) == "3", "unlinking leaves the items")
    api.host.update(hostid=host, templates=[ping])
    api.host.update(hostid=host, templates=[], templates_clear=[ping])
    expect(api.item.get(hostids=host, countOutput=True) == "0", "clearing does not")
    api.hostgroup.massadd(groups=[{"groupid": group_ids[1]}], hosts=[{"hostid": one} for one in made])
    api.hostgroup.massremove(groupids=[group_ids[0]], hostids=made)
    refused("cannot be without host group", lambda: api.hostgroup.massremove(groupids=[group_ids[1]], hostids=made))
    expect(first["hostid"] == host, "the same host")


def maintenance(api, trail, name, made):
    window = {"name": name, "active_since": 1800000030, "active_till": 1800086455, "hosts": [{"hostid": made[0]}],
              "timeperiods": [{"timeperiod_type": 0, "start_date": 1800000035, "period": 3661}]}
    ids = trail.keep("maintenance", api.maintenance.create(**window))
    read = api.maintenance.get(maintenanceids=ids, selectTimeperiods="extend", selectHosts=["hostid"])[0]
    expect(read["active_since"] == "1800000000" and read["timeperiods"][0]["period"] == "3660", "whole minutes")
    refused("must contain at least one host or host group", lambda: api.host.delete(*made))
    refused("already exists", lambda: api.maintenance.create(**window))
    refused("At least one host group or host", lambda: api.maintenance.update(maintenanceid=ids[0], hosts=[]))
    api.maintenance.delete(*ids)
    trail.forget("maintenance", ids)


def main(url, token):
    api = ZabbixAPI(url=url)
    refused("Not authorized", lambda: ZabbixAPI(url=url, token="0" * 64).host.get(limit=1))
    api.login(token=token)
    expect(api.check_auth(), "the token is good")
    name = "py-" + uuid.uuid4().hex[:10]
    trail = Trail(api)
    try:
        group_ids = groups(api, trail, name)
        made, first, interfaces, macros = hosts(api, trail, name, group_ids)
        changes(api, name, group_ids, made, first, interfaces, macros)
        maintenance(api, trail, name, made)
        refused("Incorrect method", lambda: api.host.frobnicate())
    finally:
        trail.clean()
    expect(api.host.get(tags=[{"tag": "check", "value": name, "operator": 1}]) == [], "nothing is left behind")
    print(f"zabbix_utils {zabbix_utils.version.__version__} with Zabbix {api.version}: as expected")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
