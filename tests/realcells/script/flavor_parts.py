"""Extra specs of flavors, and who may use them."""

import itertools
from typing import Any

from tests.realcells.asking import OTHER, USER, USERS
from tests.realcells.script.calls import JSON, PUBLIC, Call, Chapter, flavor


def extra_specs() -> Chapter:
    """All and one; from 2.86 on Nova judges the values."""
    specs = "/flavors/specs/os-extra_specs"
    yield Call("POST", "/flavors", flavor("specs"))
    yield Call("GET", specs)
    bodies: tuple[Any, ...] = (
        {"extra_specs": {"a": "1", "b:c": "x y"}},
        {"extra_specs": {"a": 2, "number": 1.5}},
        {"extra_specs": {}},
        {"extra_specs": {"bad/key": "1"}},
        {"extra_specs": {"": "1"}},
        {"extra_specs": {"a": None}},
        {"extra_specs": {"a": {}}},
        {"extra_specs": {"a": "x" * 256}},
        {"extra_specs": {"hw:cpu_policy": "shared"}},
        {"extra_specs": {"hw:cpu_policy": "wrong"}},
        {"extra_specs": None},
        {"specs": {}},
        {},
        b"{",
        None,
    )
    for body, version in itertools.product(bodies, ("2.1", "2.96")):
        yield Call("POST", specs, body, version, headers=JSON)
    yield Call("GET", specs)
    yield Call("GET", specs, token=USER)
    yield Call("GET", "/flavors/specs")
    yield Call("GET", "/flavors/specs", None, "2.1")
    yield Call("GET", f"{specs}/a")
    yield Call("GET", f"{specs}/b:c", token=USER)
    yield Call("GET", f"{specs}/b%3Ac")
    yield Call("GET", f"{specs}/none")
    for key, body in (
        ("a", {"a": "3"}),
        ("a", {"b": "3"}),
        ("a", {"a": "3", "b": "4"}),
        ("a", {"a": 4}),
        ("a", {"a": None}),
        ("new%20key", {"new key": "5"}),
        ("hw:cpu_policy", {"hw:cpu_policy": "wrong"}),
        ("a", {}),
        ("a", b"{"),
    ):
        yield Call("PUT", f"{specs}/{key}", body, headers=JSON)
    yield Call("PUT", f"{specs}/a", {"a": "3"}, token=USER)
    yield Call("POST", specs, {"extra_specs": {"a": "3"}}, token=USER)
    yield Call("DELETE", f"{specs}/a", token=USER)
    yield Call("DELETE", f"{specs}/a")
    yield Call("DELETE", f"{specs}/a")
    yield Call("GET", specs)
    for method in ("GET", "POST"):
        body = None if method == "GET" else {"extra_specs": {"a": "1"}}
        yield Call(method, "/flavors/none/os-extra_specs", body)
    yield Call("GET", "/flavors/none/os-extra_specs/a")
    yield Call("PUT", "/flavors/none/os-extra_specs/a", {"a": "1"})
    yield Call("DELETE", "/flavors/none/os-extra_specs/a")
    yield Call("DELETE", "/flavors/specs")


def access() -> Chapter:
    """Who may use a private flavor."""
    private, act = "/flavors/private", "/flavors/private/action"
    shown = "/flavors/private/os-flavor-access"
    yield Call("POST", "/flavors", flavor("private", **{PUBLIC: False}))
    yield Call("POST", "/flavors", flavor("public"))
    yield Call("GET", shown)
    yield Call("GET", "/flavors/public/os-flavor-access")
    yield Call("GET", "/flavors/none/os-flavor-access")
    yield Call("GET", shown, token=USER)
    yield Call("GET", private, token=USER)
    add, remove = ({"tenant": USERS} for _ in range(2))
    yield Call("POST", act, {"addTenantAccess": add})
    yield Call("POST", act, {"addTenantAccess": add})
    for token in (USER, OTHER):
        yield Call("GET", private, token=token)
        yield Call("GET", "/flavors/detail", token=token)
        yield Call("GET", f"{private}/os-extra_specs", token=token)
    yield Call("GET", shown)
    yield Call("GET", shown, None, "2.1")
    yield Call("POST", act, {"removeTenantAccess": remove})
    yield Call("POST", act, {"removeTenantAccess": remove})
    bodies: tuple[Any, ...] = (
        {"addTenantAccess": {"tenant": "0unknown"}},
        {"removeTenantAccess": {"tenant": "0unknown"}},
        {"addTenantAccess": {"tenant": ""}},
        {"addTenantAccess": {}},
        {"addTenantAccess": add, "removeTenantAccess": remove},
        {"addtenantaccess": add},
        {"resize": {}},
        {},
        [],
        b"{",
        None,
    )
    for body in bodies:
        yield Call("POST", act, body, headers=JSON)
    yield Call("POST", act, {"addTenantAccess": add}, token=USER)
    for version in ("2.6", "2.7"):
        body = {"addTenantAccess": add}
        yield Call("POST", "/flavors/public/action", body, version)
        body = {"removeTenantAccess": remove}
        yield Call("POST", "/flavors/public/action", body, version)
    yield Call("POST", "/flavors/none/action", {"addTenantAccess": add})
    yield Call("POST", "/flavors/none/action", {"removeTenantAccess": remove})
    yield Call("DELETE", private)
    yield Call("DELETE", "/flavors/public")
