#!/usr/bin/env python3
"""The estate of crates/core/benches/engine.rs through diffsync: two sides loaded, then compared.

Usage: diffsync_bench.py tree|flat|wide RECORDS

Prints one line of JSON. Same records, same names, same differences as in the engine's benchmark: of a hundred records
one is only in the source, one only in the target, five differ in a field. Sites are on both sides, since a missing
parent would take all its children out of the comparison. The two differ in nothing else: a child of a missing device is
missing itself in both. Loading is done as integrations do it: build the model, `add` it, `add_child` at its parent.
Logging is filtered before anything is formatted, the cheapest that diffsync can be.
"""

import gc
import json
import logging
import sys
import time
from typing import List, Optional

import structlog
from diffsync import Adapter, DiffSyncModel

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


class Interface(DiffSyncModel):
    _modelname = "interface"
    _identifiers = ("device", "name")
    _attributes = ("type", "enabled", "mtu", "speed", "description", "lag", "mode", "untagged_vlan")
    device: str
    name: str
    type: str
    enabled: bool
    mtu: Optional[int]
    speed: Optional[int]
    description: Optional[str]
    lag: Optional[str] = None
    mode: Optional[str] = None
    untagged_vlan: Optional[int] = None
    pk: Optional[int] = None


class Device(DiffSyncModel):
    _modelname = "device"
    _identifiers = ("site", "name")
    _attributes = ("device_type", "role", "platform", "status", "serial", "virtual_chassis", "vc_position")
    _children = {"interface": "interfaces"}
    site: str
    name: str
    device_type: str
    role: str
    status: str
    serial: Optional[str]
    platform: Optional[str] = None
    virtual_chassis: Optional[str] = None
    vc_position: Optional[int] = None
    pk: Optional[int] = None
    interfaces: List[str] = []


class Site(DiffSyncModel):
    _modelname = "site"
    _identifiers = ("slug",)
    _attributes = ("name", "status", "physical_address")
    _children = {"device": "devices"}
    slug: str
    name: str
    status: str
    physical_address: Optional[str] = None
    pk: Optional[int] = None
    devices: List[str] = []


class Address(DiffSyncModel):
    _modelname = "address"
    _identifiers = ("vrf", "host")
    _attributes = ("mask_length", "status", "role", "interface", "description")
    vrf: Optional[str]
    host: str
    mask_length: int
    status: str
    role: Optional[str] = None
    interface: Optional[str] = None
    description: Optional[str] = None
    pk: Optional[int] = None


class Tree(Adapter):
    site = Site
    device = Device
    interface = Interface
    top_level = ["site"]


class Flat(Adapter):
    address = Address
    top_level = ["address"]


def load(side, shape, total):
    """One side, as an adapter."""
    source = side == "source"
    absent = 8 if source else 7
    adapter = Flat(name=side) if shape == "flat" else Tree(name=side)

    def here(number):
        return number % 100 != absent

    def differs(number):
        return source and number % 20 == 3

    def native(number):
        return None if source else number

    if shape == "flat":
        for number in range(total):
            if here(number):
                value = 0x0A000001 + number
                host = f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"
                mask = 25 if differs(number) else 24
                adapter.add(Address(vrf=None, host=host, mask_length=mask, status="active", pk=native(number)))
        return adapter

    sites, devices = (1, 1) if shape == "wide" else (total // 1000, total // 100)
    site_of, device_of = [], {}
    for number in range(sites):
        status = "planned" if differs(number) else "active"
        slug = f"site-{number:05}"
        site = Site(slug=slug, name=slug, status=status, pk=native(number))
        adapter.add(site)
        site_of.append(site)
    for number in range(devices):
        if here(number) or shape == "wide":
            site = site_of[number % sites]
            serial = f"FDO{number:08}" + ("X" if differs(number) else "")
            device = Device(site=site.slug, name=f"dev-{number:06}", device_type="n9k-c93180yc-ex", role="switch",
                            status="active", serial=serial, pk=native(number))
            adapter.add(device)
            site.add_child(device)
            device_of[number] = device
    for number in range(total - sites - devices):
        device = device_of.get(number % devices)
        if here(number) and device is not None:
            interface = Interface(device=device.name, name=f"Ethernet{number // 48 % 32}/{number}", type="10gbase-t",
                                  enabled=True, mtu=9216 if differs(number) else 1500, speed=10_000_000,
                                  description=f"to spine {number % 7} port {number % 48}", pk=native(number))
            adapter.add(interface)
            device.add_child(interface)
    return adapter


def timed(call):
    """The result, and its CPU-seconds."""
    gc.collect()
    start = time.process_time()
    result = call()
    return result, round(time.process_time() - start, 2)


def peak_bytes():
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def main(shape, total):
    source, load_source = timed(lambda: load("source", shape, total))
    target, load_target = timed(lambda: load("target", shape, total))
    diff, compare = timed(lambda: source.diff_to(target))
    counts = diff.summary()
    print(json.dumps({
        "read": [len(source), len(target)],
        "changes": [counts["create"], counts["update"], counts["delete"]],
        "load_cpu_s": round(load_source + load_target, 2),
        "diff_cpu_s": compare,
        "rss_peak_bytes": peak_bytes(),
    }))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("tree", "flat", "wide"):
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]))
