#!/usr/bin/env python3
"""Drives a NetBox with pynetbox and checks what it answers.

Usage: pynetbox_check.py URL TOKEN

Creates objects of every kind that Syncline writes, reads them by every road that pynetbox has (get, filter, all,
count), changes them one by one and in lists, deletes them again, and provokes the usual refusals. Works on the
simulator and on a real NetBox alike; leaves nothing behind. Exit code 0 means that all of it went as expected.
"""

import sys
import uuid

import pynetbox


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def refused(status, text, call):
    """The call must end with this status and this text in the error."""
    try:
        call()
    except pynetbox.RequestError as error:
        expect(error.req.status_code == status, f"status {error.req.status_code} instead of {status}: {error.error}")
        expect(text in str(error.error), f"{text!r} is not in {error.error!r}")
        return
    raise AssertionError(f"the server took what it should have refused with {text!r}")


class Trail:
    """Everything that was created, to delete it in the opposite order."""

    def __init__(self):
        self.records = []

    def keep(self, created):
        self.records.extend(created if isinstance(created, list) else [created])
        return created

    def clean(self):
        for record in reversed(self.records):
            try:
                record.delete()
            except pynetbox.RequestError as error:
                if error.req.status_code != 404:
                    raise


def organisation(api, trail, name):
    site = trail.keep(api.dcim.sites.create(name=name, slug=name, status="planned", description="by pynetbox"))
    expect(site.status.value == "planned" and str(site) == name, "the site is not what was created")
    expect(api.dcim.sites.get(site.id).slug == name, "a site by its id")
    expect(api.dcim.sites.get(slug=name).id == site.id, "a site by its slug")
    expect(api.dcim.sites.get(slug="no-" + name) is None, "a site that is not there")
    refused(400, "site with this name already exists.", lambda: api.dcim.sites.create(name=name, slug=name + "x"))
    refused(400, "This field is required.", lambda: api.dcim.sites.create(name=name + "x"))
    refused(400, "is not a valid choice", lambda: api.dcim.sites.create(name=name + "x", slug=name + "x", status="no"))
    maker = trail.keep(api.dcim.manufacturers.create(name=name, slug=name))
    kind = trail.keep(api.dcim.device_types.create(manufacturer=maker.id, model=name, slug=name, u_height=1.5))
    expect(kind.manufacturer.name == name and kind.u_height == 1.5, "the device type is not what was created")
    role = trail.keep(api.dcim.device_roles.create(name=name, slug=name, color="ff0000"))
    platform = trail.keep(api.dcim.platforms.create(name=name, slug=name, manufacturer={"slug": name}))
    tag = trail.keep(api.extras.tags.create(name=name, slug=name))
    refused(409, "dependent objects were found", maker.delete)
    return site, kind, role, platform, tag


def devices(api, trail, name, parts):
    site, kind, role, platform, tag = parts
    common = {"site": site.id, "device_type": kind.id, "role": role.id}
    bodies = [{"name": f"{name}-{number}", "serial": f"S{number}", **common} for number in range(1, 6)]
    made = trail.keep(api.dcim.devices.create(bodies))
    expect([device.name for device in made] == [body["name"] for body in bodies], "devices in the order sent")
    found = list(api.dcim.devices.filter(site_id=site.id))
    expect(len(found) == 5 and api.dcim.devices.count(site_id=site.id) == 5, "the devices of the site")
    paged = [device.id for device in api.dcim.devices.filter(site_id=site.id, limit=2)]
    expect(sorted(paged) == sorted(device.id for device in made), "the same devices page by page")
    names = {device.name for device in api.dcim.devices.filter(name=[f"{name}-1", f"{name}-3"])}
    expect(names == {f"{name}-1", f"{name}-3"}, "two devices by name")
    first = api.dcim.devices.get(name=f"{name}-1")
    first.platform = platform.id
    first.tags = [{"slug": name}]
    expect(first.save(), "a changed device is saved")
    again = api.dcim.devices.get(first.id)
    expect(again.platform.name == name and again.tags[0].id == tag.id, "the change is there")
    expect(not again.save(), "nothing to save")
    expect(again.update({"comments": "updated"}) and api.dcim.devices.get(first.id).comments == "updated", "update")
    changed = api.dcim.devices.update([{"id": device.id, "status": "staged"} for device in made])
    expect({device.status.value for device in changed} == {"staged"}, "devices changed as a list")
    expect(api.dcim.devices.filter(site_id=site.id).update(description="all"), "devices changed as a set")
    expect({device.description for device in api.dcim.devices.filter(site_id=site.id)} == {"all"}, "all changed")
    refused(400, "Device name must be unique per site.",
            lambda: api.dcim.devices.create(name=f"{name}-1".upper(), **common))
    refused(400, "Related object not found",
            lambda: api.dcim.devices.create(name="x", site={"slug": "no-" + name}, device_type=kind.id, role=role.id))
    return made


def interfaces(api, trail, name, hosts):
    host = hosts[0]
    bodies = [{"device": host.id, "name": f"Ethernet1/{number}", "type": "1000base-t"} for number in range(1, 61)]
    made = trail.keep(api.dcim.interfaces.create(bodies))
    listed = [interface.name for interface in api.dcim.interfaces.filter(device_id=host.id)]
    expect(listed == [body["name"] for body in bodies], "60 interfaces in natural order, over two pages")
    lag = trail.keep(api.dcim.interfaces.create(device=host.id, name="Port-channel1", type="lag"))
    expect(made[0].update({"lag": lag.id, "mtu": 9000}), "an interface joins a LAG")
    expect(api.dcim.interfaces.get(made[0].id).lag.name == "Port-channel1", "the LAG is there")
    refused(400, "Interface with this Device and Name already exists.",
            lambda: api.dcim.interfaces.create(device=host.id, name="Ethernet1/1", type="virtual"))
    # A record keeps what was refused, so the refused change goes through one of its own.
    refused(400, "Ensure this value is greater than or equal to 1",
            lambda: api.dcim.interfaces.get(made[1].id).update({"mtu": 0}))
    assigned = {"assigned_object_type": "dcim.interface", "assigned_object_id": made[0].id}
    mac = trail.keep(api.dcim.mac_addresses.create(mac_address="02:00:00:00:0a:0b", **assigned))
    expect(mac.mac_address == "02:00:00:00:0A:0B", "a MAC address in capital letters")
    expect(made[0].update({"primary_mac_address": mac.id}), "a primary MAC address")
    expect(api.dcim.interfaces.get(made[0].id).mac_address == mac.mac_address, "it shows at the interface")
    expect(api.dcim.interfaces.delete([interface.id for interface in made[50:]]), "ten interfaces deleted as a list")
    expect(api.dcim.interfaces.count(device_id=host.id) == 51, "51 interfaces are left")
    return made


def addresses(api, trail, name, site, host, ports):
    vrf = trail.keep(api.ipam.vrfs.create(name=name, rd=name[:21]))
    vlan = trail.keep(api.ipam.vlans.create(vid=10, name=name, site=site.id))
    twin = trail.keep(api.ipam.vlans.create(vid=10, name=name, site=site.id))
    expect(vlan.id != twin.id, "two VLANs of one site and number")
    prefix = trail.keep(
        api.ipam.prefixes.create(prefix="198.51.100.0/24", vrf=vrf.id, scope_type="dcim.site", scope_id=site.id,
                                 vlan=vlan.id))
    expect(prefix.scope.slug == site.slug and prefix.family.value == 4, "the prefix is not what was created")
    refused(400, "Did you mean 198.51.100.0/24?", lambda: api.ipam.prefixes.create(prefix="198.51.100.7/24"))
    assigned = {"assigned_object_type": "dcim.interface", "assigned_object_id": ports[0].id, "vrf": vrf.id}
    address = trail.keep(api.ipam.ip_addresses.create(address="198.51.100.1/24", **assigned))
    expect(address.assigned_object.name == ports[0].name, "the address is on the interface")
    refused(400, "Duplicate IP address found in VRF",
            lambda: api.ipam.ip_addresses.create(address="198.51.100.1/32", vrf=vrf.id))
    refused(400, "is a network ID", lambda: api.ipam.ip_addresses.create(address="198.51.100.0/24", **assigned))
    device = api.dcim.devices.get(host.id)
    expect(device.update({"primary_ip4": address.id}), "a primary address")
    expect(str(api.dcim.devices.get(host.id).primary_ip) == "198.51.100.1/24", "it shows at the device")
    refused(400, "Cannot reassign IP address",
            lambda: address.update({"assigned_object_type": None, "assigned_object_id": None}))
    expect([str(found) for found in api.ipam.ip_addresses.filter(device_id=host.id)] == ["198.51.100.1/24"],
           "the addresses of the device")
    expect(ports[1].update({"mode": "tagged", "tagged_vlans": [vlan.id], "untagged_vlan": twin.id}), "VLANs of a port")
    expect([vlan.vid for vlan in api.dcim.interfaces.get(ports[1].id).tagged_vlans] == [10], "they show at the port")


def chassis(api, trail, name, members):
    stack = trail.keep(api.dcim.virtual_chassis.create(name=name))
    api.dcim.devices.update([
        {"id": device.id, "virtual_chassis": stack.id, "vc_position": place} for place, device in enumerate(members, 1)
    ])
    expect(stack.update({"master": members[0].id}), "a master")
    again = api.dcim.virtual_chassis.get(stack.id)
    expect(again.member_count == len(members) and again.master.id == members[0].id, "members and master")
    refused(409, "1 dependent objects were found", members[0].delete)
    expect(stack.update({"master": None}), "no master")


def main(url, token):
    api = pynetbox.api(url, token=token)
    expect(api.status()["netbox-version"].startswith("4."), "a NetBox of version 4")
    wrong = pynetbox.api(url, token="0" * 40)
    refused(403, "Invalid v1 token", lambda: list(wrong.dcim.sites.all()))
    name = "py-" + uuid.uuid4().hex[:10]
    trail = Trail()
    try:
        parts = organisation(api, trail, name)
        hosts = devices(api, trail, name, parts)
        ports = interfaces(api, trail, name, hosts)
        addresses(api, trail, name, parts[0], hosts[0], ports)
        chassis(api, trail, name, hosts[1:3])
        changes = list(api.core.object_changes.filter(changed_object_type="dcim.device", changed_object_id=hosts[0].id))
        expect({str(change.action) for change in changes} >= {"Created", "Updated"}, "the change log")
        expect(any(site.slug == name for site in api.dcim.sites.all()), "the site among all sites")
    finally:
        trail.clean()
    expect(api.dcim.sites.get(slug=name) is None, "nothing is left behind")
    print(f"pynetbox {pynetbox.__version__}: as expected")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
