import dataclasses

import pytest

from waffles.recovery.model import Decision, Server, State
from waffles.recovery.planning import policy
from waffles.recovery.planning.wishes import Rules, Unknown

#: As Nova shows one at 2.94, without what is not looked at.
SHOWN = {
    "id": "s1",
    "name": "web",
    "tenant_id": "red",
    "user_id": "ann",
    "image": {"id": "i1", "links": []},
    "flavor": {
        "vcpus": 1,
        "disk": 1,
        "ephemeral": 0,
        "swap": 0,
        "extra_specs": {"hw:cpu_policy": "shared"},
    },
    "config_drive": "",
    "OS-SRV-USG:launched_at": "2026-11-20T11:53:22.558804",
    "OS-EXT-SRV-ATTR:host": "h1",
    "OS-EXT-STS:task_state": None,
    "OS-EXT-STS:vm_state": "active",
    "OS-EXT-STS:power_state": 1,
    "locked": True,
    "tags": ["automatic-recovery", "recovery-priority:7", "recovery-group:g"],
}
FACTS = policy.Facts(
    server_id="s1",
    name="web",
    project_id="red",
    user_id="ann",
    host="h1",
    vm_state="active",
    task_state="",
    launched=True,
    tags=("automatic-recovery",),
    image="",
    local_disk=False,
    config_drive=False,
    extra_specs={},
)
RULES = Rules()
TAG = "its tag automatic-recovery asks for it"


def facts(**more):
    return dataclasses.replace(FACTS, **more)


def judged(rules=RULES, *, image=None, aggregates=(), **more):
    """Decision, state and reason."""
    found = policy.judge(
        facts(**more), rules, image=image, aggregates=aggregates
    )
    return found.decision.value, found.state.value, found.reason


def test_what_nova_shows_is_looked_at():
    assert policy.facts(SHOWN) == facts(
        tags=tuple(SHOWN["tags"]),
        image="i1",
        local_disk=True,
        extra_specs={"hw:cpu_policy": "shared"},
    )


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({"image": ""}, {"image": "", "local_disk": False}),
        (
            {"image": "", "flavor": SHOWN["flavor"] | {"swap": 64}},
            {"image": "", "local_disk": True},
        ),
        (
            {"image": "", "flavor": SHOWN["flavor"] | {"ephemeral": 1}},
            {"image": "", "local_disk": True},
        ),
        (
            {"image": "", "flavor": SHOWN["flavor"] | {"swap": ""}},
            {"image": "", "local_disk": False},
        ),
        ({"config_drive": "True"}, {"config_drive": True}),
        ({"OS-SRV-USG:launched_at": None}, {"launched": False}),
        ({"OS-EXT-STS:task_state": "migrating"}, {"task_state": "migrating"}),
        ({"OS-EXT-SRV-ATTR:host": None}, {"host": ""}),
        (
            {"flavor": {"ephemeral": 0, "swap": 0}},
            {"extra_specs": None},
        ),
    ],
    ids=str,
)
def test_what_is_looked_at_is_of_that_form(shown, expected):
    found = policy.facts(SHOWN | shown)

    assert {name: getattr(found, name) for name in expected} == expected


def test_a_server_is_a_row_of_the_recovery():
    tags = ("automatic-recovery", "recovery-priority:7", "recovery-group:g")

    assert policy.judge(facts(tags=tags), RULES) == Server(
        "s1",
        name="web",
        project_id="red",
        user_id="ann",
        decision=Decision.AUTOMATIC,
        reason=TAG,
        state=State.QUEUED,
        priority=7,
        group="g",
        status="active",
        tags=tags,
        source="h1",
    )


@pytest.mark.parametrize(
    ("state", "but"),
    [
        ({"vm_state": "active"}, None),
        ({"vm_state": "stopped"}, None),
        ({"vm_state": "error"}, None),
        ({"task_state": "powering-off"}, None),
        ({"task_state": "rebuilding"}, None),
        ({"vm_state": "paused"}, "it was paused, and its memory is lost"),
        (
            {"vm_state": "suspended"},
            "it was suspended, and its memory is lost",
        ),
        ({"vm_state": "rescued"}, "it was in rescue mode"),
        (
            {"vm_state": "resized"},
            "its resize was not confirmed: it may have two disks",
        ),
        ({"vm_state": "shelved"}, "it was being shelved"),
        ({"vm_state": "shelved_offloaded"}, "it is shelved: unshelve it"),
        (
            {"vm_state": "building", "launched": False},
            "it was still being built: create it anew",
        ),
        ({"vm_state": "novel"}, "it was novel"),
    ],
    ids=str,
)
def test_what_nova_does_not_evacuate_has_failed(state, but):
    reason = (
        f"{TAG}, but {but}; Nova evacuates servers that are active, stopped"
        f" or ERROR"
    )
    expected = ("failed", reason) if but else ("queued", TAG)

    assert judged(**state) == ("automatic", *expected)


def test_what_has_never_run_has_failed():
    assert judged(vm_state="error", launched=False) == (
        "automatic",
        "failed",
        f"{TAG}, but it has never run: create it anew",
    )


@pytest.mark.parametrize(
    ("task", "why"),
    [
        ("migrating", "it may run on its destination"),
        ("resize_prep", "it may have two disks"),
        ("resize_migrating", "it may have two disks"),
        ("resize_migrated", "it may have two disks"),
        ("resize_finish", "it may have two disks"),
        ("resize_reverting", "it may have two disks"),
    ],
)
@pytest.mark.parametrize("vm_state", ["active", "paused", "resized"])
def test_what_is_moving_is_for_a_human(task, why, vm_state):
    decision, state, reason = judged(task_state=task, vm_state=vm_state)

    assert (decision, state) == ("automatic", "stuck")
    assert reason.endswith(why)


@pytest.mark.parametrize(
    "state",
    [
        {"task_state": "deleting"},
        {"task_state": "soft-deleting"},
        {"vm_state": "soft-delete"},
        {"vm_state": "deleted"},
    ],
    ids=str,
)
@pytest.mark.parametrize("tag", ["automatic-recovery", "custom-recovery"])
def test_what_is_being_deleted_is_left(state, tag):
    assert judged(tags=(tag,), **state) == (
        "none",
        "skipped",
        "it was being deleted",
    )


@pytest.mark.parametrize(
    ("tags", "decision", "state"),
    [
        ((), "none", "skipped"),
        (("no-recovery", "automatic-recovery"), "none", "skipped"),
        (("custom-recovery",), "custom", "notifying"),
    ],
)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"vm_state": "paused"},
        {"task_state": "migrating"},
        {"local_disk": True},
        {"config_drive": True},
        {"launched": False, "vm_state": "error"},
    ],
    ids=str,
)
def test_a_state_matters_only_for_what_is_to_be_evacuated(
    tags, decision, state, more
):
    assert judged(tags=tags, **more)[:2] == (decision, state)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("paused", "it was paused, and its memory is lost: it is reset"),
        ("suspended", "suspended, and its memory is lost: it is reset"),
        ("rescued", "it was in rescue mode: it is reset"),
    ],
)
def test_some_states_may_be_reset(state, reason):
    rules = Rules(nonevacuable="reset")
    decision, found, why = judged(rules, vm_state=state)

    assert (decision, found) == ("automatic", "queued")
    assert reason in why
    assert policy.is_to_reset(state, rules)
    assert not policy.is_to_reset(state, RULES)


@pytest.mark.parametrize("state", ["resized", "shelved", "building", "novel"])
def test_other_states_are_never_reset(state):
    rules = Rules(nonevacuable="reset")

    assert judged(rules, vm_state=state)[:2] == ("automatic", "failed")
    assert not policy.is_to_reset(state, rules)


@pytest.mark.parametrize("state", ["active", "stopped", "error"])
def test_what_can_be_evacuated_is_not_reset(state):
    assert not policy.is_to_reset(state, Rules(nonevacuable="reset"))


def test_what_is_reset_may_lose_a_disk_as_well():
    rules = Rules(nonevacuable="reset")

    assert judged(rules, vm_state="paused", local_disk=True)[1] == "failed"


@pytest.mark.parametrize(
    ("local_disk", "allowed", "state"),
    [
        (True, "refuse", "failed"),
        (True, "allow", "queued"),
        (False, "refuse", "queued"),
    ],
)
def test_a_disk_of_the_host_may_be_refused(local_disk, allowed, state):
    decision, found, reason = judged(
        Rules(local_disk=allowed), local_disk=local_disk
    )

    assert (decision, found) == ("automatic", state)
    assert ("[waffles_recovery] local_disk" in reason) is (state == "failed")


@pytest.mark.parametrize(
    ("config_drive", "option", "decision", "state"),
    [
        (True, "custom", "custom", "notifying"),
        (True, "allow", "automatic", "queued"),
        (False, "custom", "automatic", "queued"),
    ],
)
def test_a_config_drive_may_be_for_somebody(
    config_drive, option, decision, state
):
    found = judged(Rules(config_drive=option), config_drive=config_drive)

    assert found[:2] == (decision, state)
    assert ("[waffles_recovery] config_drive" in found[2]) is (
        decision == "custom"
    )


def test_what_could_not_be_asked_for_is_heard_of():
    rules = Rules(image_property="recover")

    assert judged(rules, tags=(), image=Unknown("no answer")) == (
        "automatic",
        "failed",
        "its image could not be asked: no answer",
    )


def test_an_image_and_aggregates_may_ask():
    rules = Rules(image_property="recover")
    image = {"recover": "automatic"}

    assert judged(rules, tags=(), image=image)[:2] == ("automatic", "queued")
    assert judged(tags=(), aggregates=["custom"])[:2] == (
        "custom",
        "notifying",
    )


@pytest.mark.parametrize(
    ("more", "asked"),
    [
        ({}, True),
        ({"tags": ("automatic-recovery",)}, False),
        ({"tags": ("no-recovery",)}, False),
        ({"extra_specs": {"waffles:recovery": "off"}}, False),
        ({"extra_specs": None}, False),
        ({"image": ""}, False),
        ({"task_state": "deleting"}, False),
    ],
    ids=str,
)
def test_an_image_is_asked_for_where_it_decides(more, asked):
    found = facts(**{"tags": (), "image": "i1", **more})

    assert policy.asks_image(found, Rules(image_property="x")) is asked
    assert not policy.asks_image(found, RULES)


def test_what_is_wrong_with_tags_stands_behind_the_reason():
    tags = ("recovery-priority:0", "recovery-group:a", "recovery-group:b")

    assert judged(tags=("automatic-recovery", *tags))[2] == (
        f"{TAG}; recovery-priority:0 is not of 1 to 1000: 500 counts;"
        f" recovery-group has several values (a, b): none counts"
    )
