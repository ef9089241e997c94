"""Paths, methods, microversions and tokens of all forms."""

import itertools

from tests.realcells.asking import ADMINS, OTHERS
from tests.realcells.script.calls import Call, Chapter, flavor


def forms() -> Chapter:
    """Paths, methods, microversions and tokens of all forms."""
    yield Call("POST", "/flavors", flavor("form"))
    for path in (
        "/flavors/",
        "/flavors/form/",
        "/flavors/form.json",
        "/flavors/fo%72m",
        "/flavors/fo%2Frm",
        "/flavors//form",
        "/flavors/form/none",
        "/flavors/form/os-extra_specs/",
        "/flavors/form/os-extra_specs/a/b",
        "/flavors/%C3%A9",
        "/flavors/none",
        "/Flavors",
        f"/{ADMINS}/flavors/form",
        f"/{ADMINS}/flavors?limit=1",
        f"/{ADMINS}/flavors/detail?limit=1",
        f"/{OTHERS}/flavors/form",
        f"/{ADMINS.upper()}/flavors",
        "/xyz/flavors",
        f"/{ADMINS}/os-aggregates",
        f"/{ADMINS}/os-availability-zone",
        "/os-aggregates/",
        "/os-aggregates/x",
        "/os-aggregates/1.5",
        "/os-aggregates/-1",
        "/os-availability-zone/nova",
    ):
        yield Call("GET", path)
    for method, path in itertools.product(
        ("HEAD", "PATCH", "PUT", "DELETE"),
        ("/flavors", "/flavors/detail", "/os-aggregates"),
    ):
        yield Call(method, path)
    for path in ("/flavors/form", "/os-aggregates/1"):
        yield Call("HEAD", path)
        yield Call("POST", path, {})
    for version in ("2.0", "2.999", "3.0", "x", "2", "2.1.1", ""):
        yield Call("GET", "/flavors", None, version)
        yield Call("GET", "/flavors/form", None, version)
    for header in (
        ("X-OpenStack-Nova-API-Version", "2.61"),
        ("X-OpenStack-Nova-API-Version", "latest"),
        ("OpenStack-API-Version", "identity 3.0"),
        ("OpenStack-API-Version", "2.61"),
        ("OpenStack-API-Version", "identity 3.0, compute 2.61"),
    ):
        yield Call("GET", "/flavors/form", None, None, headers=(header,))
    for token in (None, "", "nobody:de"):
        yield Call("GET", "/flavors/form", None, token=token)
    yield Call("DELETE", "/flavors/form")
