"""The table of operations, held against Nova's own code.

A write that Nova has and the table has not is a way around every waffle, so
each one is either in the table or on the list below with the reason why it
changes nothing of a server or a compute service that a waffle could guard.
"""

import re

import pytest
from nova.api.openstack import wsgi
from nova.api.openstack.compute import routes

from waffles import faults, operations

PROJECT = "/6f70656e737461636b20342065766572"

#: Names of controller methods that only read, in every controller of Nova.
READS = {"index", "show", "detail"}

GONE = "gone: Nova answers 410, whatever the request is"

#: Template -> its methods that are no row of the table, and why not.
UNGUARDED = {
    "/flavors": ("POST", "flavors: servers keep a copy of theirs"),
    "/flavors/{id}": ("PUT DELETE", "flavors: servers keep a copy of theirs"),
    "/flavors/{id}/action": ("POST", "which projects see a flavor"),
    "/flavors/{flavor_id}/os-extra_specs": (
        "POST",
        "flavors: servers keep a copy of theirs",
    ),
    "/flavors/{flavor_id}/os-extra_specs/{id}": (
        "PUT DELETE",
        "flavors: servers keep a copy of theirs",
    ),
    "/images/{id}": ("DELETE", "an image in Glance, passed on"),
    "/images/{image_id}/metadata": (
        "POST PUT",
        "properties of an image in Glance, never its name; until 2.38",
    ),
    "/images/{image_id}/metadata/{id}": (
        "PUT DELETE",
        "properties of an image in Glance, never its name; until 2.38",
    ),
    "/os-agents": ("POST", GONE),
    "/os-agents/{id}": ("PUT DELETE", GONE),
    "/os-aggregates": ("POST", "host aggregates: no server moves"),
    "/os-aggregates/{id}": ("PUT DELETE", "host aggregates: no server moves"),
    "/os-aggregates/{id}/action": (
        "POST",
        "host aggregates: their hosts and metadata, no server moves",
    ),
    "/os-aggregates/{id}/images": ("POST", "image caches of hosts"),
    "/os-assisted-volume-snapshots": (
        "POST",
        "a snapshot of a volume, asked for by Cinder",
    ),
    "/os-assisted-volume-snapshots/{id}": (
        "DELETE",
        "a snapshot of a volume, asked for by Cinder",
    ),
    "/os-baremetal-nodes": ("POST", "Nova refuses it always"),
    "/os-baremetal-nodes/{id}": ("DELETE", "Nova refuses it always"),
    "/os-baremetal-nodes/{id}/action": ("POST", "Nova refuses it always"),
    "/os-cells": ("POST", GONE),
    "/os-cells/capacities": ("GET", GONE),
    "/os-cells/info": ("GET", GONE),
    "/os-cells/sync_instances": ("POST", GONE),
    "/os-cells/{id}": ("PUT DELETE", GONE),
    "/os-cells/{id}/capacities": ("GET", GONE),
    "/os-certificates": ("POST", GONE),
    "/os-cloudpipe": ("POST", GONE),
    "/os-cloudpipe/{id}": ("PUT", GONE),
    "/os-fixed-ips/{id}/action": ("POST", GONE),
    "/os-floating-ip-dns/{id}": ("PUT DELETE", GONE),
    "/os-floating-ip-dns/{domain_id}/entries/{id}": ("PUT DELETE", GONE),
    "/os-floating-ips": (
        "POST",
        "a floating IP of the project, given to no server yet; until 2.35",
    ),
    "/os-floating-ips/{id}": (
        "DELETE",
        "releases a floating IP, a server's too: its ports stay; until 2.35",
    ),
    "/os-floating-ips-bulk": ("POST", GONE),
    "/os-floating-ips-bulk/{id}": ("PUT", GONE),
    "/os-hosts/{id}": ("PUT", "state of a host, an administrator's"),
    "/os-hosts/{id}/reboot": ("GET", "acts on a host, an administrator's"),
    "/os-hosts/{id}/shutdown": ("GET", "acts on a host, an administrator's"),
    "/os-hosts/{id}/startup": ("GET", "acts on a host, an administrator's"),
    "/os-hypervisors/statistics": ("GET", "a read"),
    "/os-hypervisors/{id}/search": ("GET", "a read"),
    "/os-hypervisors/{id}/servers": ("GET", "a read"),
    "/os-hypervisors/{id}/uptime": ("GET", "a read"),
    "/os-keypairs": ("POST", "key pairs: servers keep a copy of theirs"),
    "/os-keypairs/{id}": ("DELETE", "key pairs: servers keep a copy"),
    "/os-networks": ("POST", GONE),
    "/os-networks/add": ("POST", GONE),
    "/os-networks/{id}": ("DELETE", GONE),
    "/os-networks/{id}/action": ("POST", GONE),
    "/os-quota-class-sets/{id}": ("PUT", "quotas"),
    "/os-quota-sets/{id}": ("PUT DELETE", "quotas"),
    "/os-quota-sets/{id}/defaults": ("GET", "a read"),
    "/os-security-group-default-rules": ("POST", GONE),
    "/os-security-group-default-rules/{id}": ("DELETE", GONE),
    "/os-security-group-rules": ("POST", "rules of a group; until 2.35"),
    "/os-security-group-rules/{id}": ("DELETE", "rules of a group"),
    "/os-security-groups": ("POST", "a group that no server is in yet"),
    "/os-security-groups/{id}": ("PUT DELETE", "a group, not its members"),
    "/os-server-external-events": (
        "POST",
        "what Neutron, Cinder or Ironic have done already: services only",
    ),
    "/os-server-groups": ("POST", "a group that no server is in yet"),
    "/os-server-groups/{id}": ("DELETE", "a group, not its members"),
    "/os-snapshots": ("POST", "a snapshot of a volume in Cinder"),
    "/os-snapshots/{id}": ("DELETE", "a snapshot of a volume in Cinder"),
    "/os-tenant-networks": ("POST", GONE),
    "/os-tenant-networks/{id}": ("DELETE", GONE),
    "/os-volumes": ("POST", "a volume in Cinder, attached to nothing"),
    "/os-volumes/{id}": ("DELETE", "a volume in Cinder, if it is not in use"),
}


def _nova():
    """Nova's routes: (method, template) -> controller, with actions, name."""
    return {
        (method, template): (*made.args, action)
        for template, methods in routes.ROUTE_LIST
        if not isinstance(methods, str)
        for method, (made, action) in methods.items()
    }


def _blank(template):
    """A template without the names of its ids, which are our own."""
    return re.sub("{.*?}", "{}", template)


NOVA = _nova()
TABLE = {
    (method, _blank(template)): (template, operation)
    for template, methods in operations.ROUTES.items()
    for method, operation in methods.items()
}
LISTED = {
    (method, template)
    for template, (methods, _) in UNGUARDED.items()
    for method in methods.split()
}
WRITES = {
    (method, template)
    for (method, template), (*_, action) in NOVA.items()
    if method != "GET" or action not in READS
}


def test_nova_routes_by_four_methods_only():
    assert {method for method, _ in NOVA} == {"GET", "POST", "PUT", "DELETE"}


def test_every_write_of_nova_is_in_the_table_or_on_the_list():
    unknown = {
        (method, template)
        for method, template in WRITES - LISTED
        if (method, _blank(template)) not in TABLE
    }
    assert unknown == set()


def test_the_list_has_no_row_that_nova_or_the_table_makes_needless():
    assert LISTED <= WRITES
    assert not {(verb, _blank(path)) for verb, path in LISTED} & TABLE.keys()


def test_every_row_of_the_table_is_a_route_of_nova():
    nova = {(method, _blank(template)) for method, template in NOVA}
    assert set(TABLE) <= nova


@pytest.mark.parametrize(("method", "template"), sorted(NOVA))
def test_an_operation_has_the_name_of_novas_method(method, template):
    row = TABLE.get((method, _blank(template)))
    if row:
        assert row[1].split(":")[1] == NOVA[method, template][-1]


@pytest.mark.parametrize(
    ("method", "template"),
    sorted(row for row in LISTED if UNGUARDED[row[1]][1] == GONE),
)
def test_what_is_gone_is_gone_by_novas_own_word(method, template):
    controller, more, action = NOVA[method, template]
    kinds = (controller, *more)
    called = (
        [getattr(kind, name) for kind in kinds for name in _actions(kind)]
        if action == "action"
        else [getattr(controller, action)]
    )
    assert called
    assert all(getattr(function, "removed", False) for function in called)


def _actions(controller):
    return controller.wsgi_actions.values()


@pytest.mark.parametrize("project", ["", PROJECT], ids=["plain", "project"])
@pytest.mark.parametrize(("method", "template"), sorted(NOVA))
def test_classify_gives_each_route_of_nova_the_name_in_the_table(
    method, template, project
):
    match = operations.classify(
        {"REQUEST_METHOD": method, "PATH_INFO": project + _filled(template)}
    )
    row = TABLE.get((method, _blank(template)))
    if row is None:
        assert match is None
    else:
        ours, operation = row
        named = re.findall("{(.*?)}", ours)
        assert match.operation == operation
        assert match.ids == {
            name: f"id-{number}" for number, name in enumerate(named)
        }


def _filled(template):
    """A path for a template: its ids are id-0, id-1, …"""
    parts = re.split("{.*?}", template)
    ids = [f"id-{number}" for number in range(len(parts) - 1)]
    return "".join(
        part + filled for part, filled in zip(parts, [*ids, ""], strict=True)
    )


def test_the_actions_are_those_of_novas_server_controllers():
    kinds = [
        kind
        for made in (routes.server_controller, routes.volumes_boot_controller)
        for kind in (made.args[0], *made.args[1])
    ]
    assert {
        key for kind in kinds for key in kind.wsgi_actions
    } == operations.ACTIONS


def test_faults_have_novas_names():
    assert wsgi.Fault._fault_names == faults.NAMES
