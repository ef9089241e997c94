"""The writes of flavors, each as a plan.

===========  =======  =================================  ====================
write        answers  is so already, in other cells      it is done if
===========  =======  =================================  ====================
create       200                                         an equal flavor is
                                                         there; 409 may say so
update       200                                         it has the text
delete       202      404                                there is none
set specs    200                                         it has them
delete spec  200      404                                it has none
add access   200      409                                the project has it
remove …     200      404                                the project has none
===========  =======  =================================  ====================

Tried on Nova 34: extra specs are answered as they were sent (a number stays
one), and are texts when they are read; an update, a create and a change of
access are answered as a look at the same thing is.
"""

from collections.abc import Callable, Mapping
from typing import Any

from waffles.cells import paths
from waffles.cells.canonical import canonical, differences, wanted
from waffles.cells.flavors import whole
from waffles.cells.flavors.writing import Plan
from waffles.clients.cell import End, Outcome

#: What a change of access is called, and what each wants to be so.
ADD, REMOVE = "addTenantAccess", "removeTenantAccess"


def create(body: Mapping[str, Any]) -> Plan:
    """Make a flavor, whose id is in the body."""
    flavor = body["flavor"]
    want = wanted(flavor)

    def shows(outcome: Outcome) -> bool | None:
        found = whole.record(outcome)
        if found is None:
            return _none_there(outcome)
        return not differences(want, canonical(found))

    return Plan(
        "POST",
        "/flavors",
        body,
        path(str(flavor["id"])),
        shows,
        _same,
        clashes=frozenset({409}),
    )


def update(flavor_id: str, body: Mapping[str, Any]) -> Plan:
    """Give a flavor a description."""
    want = canonical(body["flavor"])

    def shows(outcome: Outcome) -> bool | None:
        found = whole.record(outcome)
        if found is None:
            return _none_there(outcome)
        return not differences(want, canonical(found))

    here = path(flavor_id)
    return Plan("PUT", here, body, here, shows, _same)


def delete(flavor_id: str) -> Plan:
    """Delete a flavor."""

    def shows(outcome: Outcome) -> bool | None:
        if whole.record(outcome) is not None:
            return False
        gone = outcome.end is End.ANSWERED and outcome.status == 404
        return True if gone else None

    here = path(flavor_id)
    return Plan(
        "DELETE",
        here,
        None,
        here,
        shows,
        lambda look: None,
        202,
        tolerated=frozenset({404}),
    )


def set_specs(flavor_id: str, body: Mapping[str, Any]) -> Plan:
    """Add extra specs, or change them."""
    here = path(flavor_id, "os-extra_specs")
    return _specs("POST", here, here, body, body["extra_specs"])


def set_spec(flavor_id: str, key: str, body: Mapping[str, Any]) -> Plan:
    """Add one extra spec, or change it."""
    specs = path(flavor_id, "os-extra_specs")
    return _specs("PUT", specs + paths.quoted(key), specs, body, body)


def delete_spec(flavor_id: str, key: str) -> Plan:
    """Delete an extra spec."""

    def shows(outcome: Outcome) -> bool | None:
        found = whole.specs(outcome)
        return None if found is None else key not in found

    specs = path(flavor_id, "os-extra_specs")
    return Plan(
        "DELETE",
        specs + paths.quoted(key),
        None,
        specs,
        _or_none_there(shows),
        lambda look: None,
        tolerated=frozenset({404}),
    )


def change_access(flavor_id: str, body: Mapping[str, Any]) -> Plan:
    """Give a project access to a flavor, or take it away."""
    (action,) = body
    project, adds = body[action]["tenant"], action == ADD

    def shows(outcome: Outcome) -> bool | None:
        found = whole.access(outcome)
        return None if found is None else (project in found) is adds

    return Plan(
        "POST",
        path(flavor_id, "action"),
        body,
        path(flavor_id, "os-flavor-access"),
        _or_none_there(shows),
        _same,
        tolerated=frozenset({409 if adds else 404}),
    )


def path(flavor_id: str, *rest: str) -> str:
    """Where a flavor is, or what belongs to it."""
    return paths.quoted("flavors", flavor_id, *rest)


def _specs(
    method: str,
    there: str,
    look: str,
    body: Mapping[str, Any],
    specs: Mapping[str, Any],
) -> Plan:
    want = {key: str(value) for key, value in specs.items()}

    def shows(outcome: Outcome) -> bool | None:
        found = whole.specs(outcome)
        return None if found is None else want.items() <= found.items()

    return Plan(
        method, there, body, look, _or_none_there(shows), lambda look: body
    )


def _same(look: Outcome) -> Any:
    return look.json


def _none_there(outcome: Outcome) -> bool | None:
    """Nothing is done to a flavor that is not there; else nobody knows."""
    gone = outcome.end is End.ANSWERED and outcome.status == 404
    return False if gone else None


def _or_none_there(
    shows: Callable[[Outcome], bool | None],
) -> Callable[[Outcome], bool | None]:
    def either(outcome: Outcome) -> bool | None:
        found = shows(outcome)
        return _none_there(outcome) if found is None else found

    return either
