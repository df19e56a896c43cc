"""Runs Forward Networks' own Python SDK against the simulated Forward server.

Usage: forward_sdk_check.py URL ACCESS_KEY SECRET

Needs `forward-sdk` (PyPI) and Python 3.11. Expects the server that `simulators forward` starts: network 101 with two
processed snapshots, of which the second has a device less and one description changed. Exits with 1 at the first
surprise.
"""

import sys

from forward_sdk import ForwardClient
from forward_sdk.errors import (
    ForwardAPIError,
    ForwardAuthError,
    ForwardBadRequestError,
    ForwardExecutionError,
    ForwardNotFoundError,
    ForwardNqeQueryError,
    ForwardPaginationError,
)
from forward_sdk.nqe import PageGuards, QueryRef
from forward_sdk.nqe.query_ref import SortKey

NETWORK = "101"
UNSCOPED = {"device_tags_include": [], "device_tags_exclude": [], "sites": []}
INTERFACES = """/** syncline-query: interfaces */
@query
f(device_tags_include: List<String>, device_tags_exclude: List<String>, sites: List<String>) =
foreach device in network.devices
foreach interface in device.interfaces
select { device: device.name, name: interface.name };
"""

checks = 0


def check(condition, what):
    """Counts a check; ends the program if it does not hold."""
    global checks
    checks += 1
    if not condition:
        sys.exit(f"forward-sdk: {what}")


def raises(kind, call, what):
    """The call must fail with that kind of error, which is returned."""
    try:
        call()
    except kind as error:
        check(True, what)
        return error
    except Exception as error:  # any other kind is the surprise to report
        sys.exit(f"forward-sdk: {what}: {type(error).__name__} instead of {kind.__name__}: {error}")
    sys.exit(f"forward-sdk: {what}: no error")


def check_lists(client):
    """Networks and snapshots; returns the two real snapshots, oldest first."""
    check(client.networks.version()["version"].count(".") == 2, "version")
    networks = client.networks.list()
    check([n.id for n in networks if n.parent_id is None] == [NETWORK], "one network that is no copy of another")
    check(any(n.parent_id == NETWORK for n in networks), "a what-if network")

    rows = client.snapshots.list(NETWORK)
    states = {str(getattr(row.state, "value", row.state)) for row in rows}
    check({"PROCESSED", "PROCESSING", "FAILED", "CANCELED"} <= states, f"states {states}")
    check("ARCHIVED" not in states, "archived snapshots are not listed")
    archived = client.snapshots.list(NETWORK, include_archived=True)
    check(len(archived) == len(rows) + 1, "archived snapshots are listed on request")
    orders = {tuple(row.id for row in client.snapshots.list(NETWORK)) for _ in range(5)}
    check(len(orders) > 1, "the order of snapshots means nothing")

    real = client.snapshots.list(NETWORK, state="PROCESSED", exclude_triggers=("PREDICT", "FORK", "REPROCESS"))
    real.sort(key=lambda row: row.processed_at)
    check(len(real) == 2, f"two real snapshots, not {len(real)}")
    newest = real[-1].id
    check(client.snapshots.latest_collected_id(NETWORK) in {row.id for row in real}, "a snapshot with devices")
    metrics = client.snapshots.metrics(newest)
    check(metrics["snapshotState"] == "PROCESSED" and metrics["numSuccessfulDevices"] > 0, "metrics")
    raises(ForwardNotFoundError, lambda: client.snapshots.metrics("999999"), "metrics of no snapshot")
    return real[0].id, newest


def check_devices(client, snapshot):
    """The device list, in pages and with details."""
    devices = client.devices.list(NETWORK, snapshot_id=snapshot, with_=["tags", "locationId"])
    check(len(devices) > 5 and all(device.name for device in devices), "devices")
    check(any(device.tags for device in devices) and any(device.location_id for device in devices), "tags, locations")
    paged = []
    while page := client.devices.list(NETWORK, snapshot_id=snapshot, skip=len(paged), limit=5):
        paged += page
    check([d.name for d in paged] == [d.name for d in devices], "device pages")


def check_synchronous(client, snapshot):
    """`POST /nqe`: pages, order, filters, errors. Returns all interface rows."""
    interfaces = QueryRef.inline(INTERFACES, **UNSCOPED)
    rows, total = [], None
    while total is None or len(rows) < total:
        page = client.nqe.run(interfaces, snapshot_id=snapshot, offset=len(rows), limit=97)
        check(page.items and page.snapshot_id == snapshot, "a page")
        total = page.total_num_items
        rows += page.items
    check(len(rows) == total and len({(r["device"], r["name"]) for r in rows}) == total, "pages add up")
    check(rows == sorted(rows, key=lambda r: (r["device"], r["name"])), "pages are in order")
    past_the_end = client.nqe.run(interfaces, snapshot_id=snapshot, offset=total, limit=10)
    check(past_the_end.items == [] and past_the_end.total_num_items == total, "a page past the end")
    check(len(client.nqe.run(interfaces, snapshot_id=snapshot, limit=None).items) == min(total, 1000), "default limit")

    backwards = client.nqe.run(interfaces, snapshot_id=snapshot, sort_by={"columnName": "name", "order": "DESC"}, limit=50)
    names = [row["name"] for row in backwards.items]
    check(names == sorted(names, reverse=True), "sorted backwards")
    wanted = [{"operator": "DEFAULT", "columnName": "device", "value": rows[0]["device"]}]
    filtered = client.nqe.run(interfaces, snapshot_id=snapshot, column_filters=wanted)
    check(0 < filtered.total_num_items < total, "filtered by column")
    fast = [{"operator": "IS_BETWEEN", "columnName": "speed_mbps", "lowerBound": "10000", "upperBound": "100000"}]
    between = client.nqe.run(interfaces, snapshot_id=snapshot, column_filters=fast)
    check(all(10_000 <= row["speed_mbps"] <= 100_000 for row in between.items), "filtered by range")

    run = client.nqe.run
    raises(ForwardBadRequestError, lambda: run(interfaces, snapshot_id=snapshot, limit=10_001), "limit too high")
    raises(ForwardBadRequestError, lambda: run(interfaces, snapshot_id=snapshot, limit=0), "limit 0")
    undeclared = QueryRef.inline(INTERFACES, **UNSCOPED, more=[])
    raises(ForwardNqeQueryError, lambda: run(undeclared, snapshot_id=snapshot), "undeclared parameter")
    error = raises(ForwardNqeQueryError, lambda: run("select nonsense", snapshot_id=snapshot), "no query")
    check(error.query_errors and error.completion_type is not None, "errors have places")
    raises(ForwardNotFoundError, lambda: run(interfaces, snapshot_id="999999"), "no snapshot")
    raises(ForwardNotFoundError, lambda: run(QueryRef.by_id("Q_" + "0" * 40), snapshot_id=snapshot), "no query id")
    return rows


def check_asynchronous(client, snapshot, expected):
    """Executions: pages, streams, order, parameters, errors."""
    interfaces = QueryRef.inline(INTERFACES, **UNSCOPED)
    execution = client.nqe.execute(interfaces, snapshot_id=snapshot, sort_keys=[SortKey("device"), SortKey("name")])
    status = execution.wait(poll_interval=0.05)
    check(status.rows_produced == len(expected), "rows produced")
    check(list(execution.rows(page_size=101)) == expected, "pages of an execution")
    check(list(execution.stream()) == expected, "stream of an execution")
    page = execution.result_page(offset=3, limit=4)
    check(page.items == expected[3:7] and page.total_num_items == len(expected), "a page of an execution")
    limited = PageGuards(max_rows=10)
    raises(ForwardPaginationError, lambda: list(execution.rows(page_size=5, guards=limited)), "guard on rows")

    sites = {row["site"] for row in client.nqe.query(by_path("devices"), snapshot_id=snapshot)}
    one = sorted(sites)[0]
    scoped = client.nqe.query(by_path("devices", sites=[one]), snapshot_id=snapshot, stream=True)
    check(scoped and {row["site"] for row in scoped} == {one}, "a scope by site")
    wrong = client.nqe.execute
    raises(ForwardBadRequestError, lambda: wrong("no query", snapshot_id=snapshot), "no query to execute")
    missing = type(execution)(client.nqe, key="X_none", network_id=NETWORK)
    raises(ForwardNotFoundError, missing.status, "no such execution")
    raises((ForwardExecutionError, ForwardAPIError), lambda: missing.wait(timeout=1), "nothing to wait for")


def by_path(name, **parameters):
    return QueryRef.by_path(f"/Syncline/{name}", **{**UNSCOPED, **parameters})


def check_library(client, before, after):
    """Listings, sources, histories, and differences between snapshots."""
    listed = client.nqe.queries("/Syncline/")
    check(len(listed) == 14 and all(entry.query_id.startswith("Q_") for entry in listed), "library by folder")
    entry = client.nqe.repo.find("/Syncline/devices")
    check(entry.query_id and len(entry.commit_id) == 40, "library by commit")
    check("syncline-query: devices" in client.nqe.repo.source("/Syncline/devices"), "source text")
    check(client.nqe.repo.history(entry.query_id)[0]["id"] == entry.commit_id, "history")
    raises(ForwardNotFoundError, lambda: client.nqe.repo.find("/Syncline/none"), "no such path")
    pinned = QueryRef.by_id(entry.query_id, commit_id=entry.commit_id, **UNSCOPED)
    check(client.nqe.run(pinned, snapshot_id=after).total_num_items > 0, "a pinned query")
    for name in sorted(entry.path.rsplit("/")[-1] for entry in listed):
        rows = client.nqe.query(by_path(name), snapshot_id=after)
        check(rows, f"rows of {name}")

    diff = client.nqe.diff(QueryRef.by_path("/Syncline/devices"), before=before, after=after)
    kinds = [str(getattr(entry.type, "value", entry.type)) for entry in diff]
    check(kinds == ["DELETED"] and diff[0].before["name"] and not diff[0].after, f"device difference {kinds}")
    diff = client.nqe.diff(QueryRef.by_path("/Syncline/interfaces"), before=before, after=after, page_size=3)
    kinds = [str(getattr(entry.type, "value", entry.type)) for entry in diff]
    check(kinds.count("MODIFIED") == 1 and "ADDED" not in kinds, "interface differences")
    refused = lambda: client.nqe.diff(by_path("devices"), before=before, after=after)
    raises(ForwardBadRequestError, refused, "differences take no parameters")


def check_refusals(url, key):
    """Credentials and routes that are not there."""
    with ForwardClient(url, username=key, password="wrong", retries=1) as client:
        error = raises(ForwardAuthError, client.networks.list, "wrong secret")
        check(not error.account_locked, "not locked, only wrong")


def main():
    url, key, secret = sys.argv[1:]
    with ForwardClient(url, username=key, password=secret, network_id=NETWORK, retries=1) as client:
        before, after = check_lists(client)
        check_devices(client, after)
        rows = check_synchronous(client, after)
        check_asynchronous(client, after, rows)
        check_library(client, before, after)
        error = raises(ForwardNotFoundError, client.backups.list_cluster_backups, "a route that is not there")
        check(error.endpoint_not_served, "told as such")
    check_refusals(url, key)
    print(f"forward-sdk: {checks} checks, all good")


if __name__ == "__main__":
    main()
