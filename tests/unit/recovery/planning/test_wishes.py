import dataclasses

import pytest

from waffles.recovery.model import Decision
from waffles.recovery.planning import wishes
from waffles.recovery.planning.wishes import Rules, Said, Unknown

KEY = "waffles:recovery"
RULES = Rules(image_property="recover")
AUTOMATIC, CUSTOM, NONE = Decision.AUTOMATIC, Decision.CUSTOM, Decision.NONE


def said(*tags, flavor=None, image=None, aggregates=()):
    specs = {} if flavor is None else {KEY: flavor}
    found = None if image is None else {"recover": image}
    return Said(tags, specs, found, aggregates)


#: Who asks, from who counts most to who counts least.
STEPS = {
    "no": ({"tags": ["no-recovery"]}, NONE),
    "custom": ({"tags": ["custom-recovery"]}, CUSTOM),
    "automatic": ({"tags": ["automatic-recovery"]}, AUTOMATIC),
    "flavor": ({"flavor": "custom"}, CUSTOM),
    "image": ({"image": "automatic"}, AUTOMATIC),
    "aggregate": ({"aggregates": ["custom"]}, CUSTOM),
    "nobody": ({}, NONE),
}


def _all_from(step):
    """What all say who do not count more than one."""
    names = list(STEPS)
    made = {"tags": []}
    for name in reversed(names[names.index(step) :]):
        more = dict(STEPS[name][0])
        made["tags"] += more.pop("tags", [])
        made |= more
    return said(*made.pop("tags"), **made)


@pytest.mark.parametrize("step", STEPS)
def test_who_counts_most_decides(step):
    assert wishes.wish(_all_from(step), RULES).decision is STEPS[step][1]


@pytest.mark.parametrize(
    ("given", "decision", "reason"),
    [
        (said("no-recovery"), NONE, "its tag no-recovery says so"),
        (
            said("custom-recovery"),
            CUSTOM,
            "its tag custom-recovery asks for it",
        ),
        (
            said("automatic-recovery"),
            AUTOMATIC,
            "its tag automatic-recovery asks for it",
        ),
        (
            said("automatic-recovery", "custom-recovery"),
            CUSTOM,
            "its tags custom-recovery and automatic-recovery contradict:"
            " custom-recovery counts",
        ),
        (
            said("automatic-recovery", "custom-recovery", "no-recovery"),
            NONE,
            "its tag no-recovery says so",
        ),
        (
            said(flavor="automatic"),
            AUTOMATIC,
            "its flavor asks for it (waffles:recovery=automatic)",
        ),
        (
            said(flavor="off", aggregates=["automatic"]),
            NONE,
            "its flavor says so (waffles:recovery=off)",
        ),
        (
            said(flavor="true", aggregates=["automatic"]),
            NONE,
            "waffles:recovery of its flavor is 'true', which is none of off,"
            " custom, automatic",
        ),
        (
            said(image="custom"),
            CUSTOM,
            "its image asks for it (recover=custom)",
        ),
        (
            said(image="Automatic", aggregates=["automatic"]),
            NONE,
            "recover of its image is 'Automatic', which is none of off,"
            " custom, automatic",
        ),
        (
            said(image=["automatic"], aggregates=["automatic"]),
            NONE,
            "recover of its image is ['automatic'], which is none of off,"
            " custom, automatic",
        ),
        (
            said(aggregates=["automatic", "automatic"]),
            AUTOMATIC,
            "a host aggregate asks for it (waffles:recovery=automatic)",
        ),
        (
            said(aggregates=["automatic", "custom"]),
            CUSTOM,
            "a host aggregate asks for it (waffles:recovery=custom); others"
            " say automatic",
        ),
        (
            said(aggregates=["automatic", "off", "custom"]),
            NONE,
            "a host aggregate says so (waffles:recovery=off); others say"
            " automatic, custom",
        ),
        (
            said(aggregates=["automatic", "on"]),
            NONE,
            "waffles:recovery of a host aggregate is 'on', which is none of"
            " off, custom, automatic; others say automatic",
        ),
        (said(), NONE, "nobody asks for it"),
        (said("web", "recovery-priority:1"), NONE, "nobody asks for it"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_the_reason_says_who_asks(given, decision, reason):
    assert wishes.wish(given, RULES) == (decision, reason, True)


@pytest.mark.parametrize(
    "tag",
    [
        "not-automatic-recovery",
        "automatic-recovery2",
        " automatic-recovery",
        "automatic",
        "AUTOMATIC-RECOVERY",
        "Automatic-Recovery",
        "automatic_recovery",
        "automatic-recovery:prio=1",
        "аutomatic-recovery",
    ],
)
def test_what_is_nearly_a_tag_is_none(tag):
    assert wishes.wish(said(tag), RULES).decision is NONE


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        ("Automatic-Recovery", "automatic-recovery"),
        ("automatic_recovery", "automatic-recovery"),
        ("CustomRecovery", "custom-recovery"),
    ],
)
def test_a_tag_that_was_perhaps_meant_is_named(tag, wanted):
    assert wishes.wish(said("x", tag), RULES).reason == (
        f"nobody asks for it: its tag {tag} is not {wanted}"
    )


def test_an_image_that_could_not_be_asked_is_not_one_that_says_nothing():
    given = Said((), {}, Unknown("no answer"), ["automatic"])

    assert wishes.wish(given, RULES) == (
        AUTOMATIC,
        "its image could not be asked: no answer",
        False,
    )


def test_a_flavor_that_is_not_shown_is_not_one_that_says_nothing():
    found = wishes.wish(Said((), None, None, ["automatic"]), RULES)

    assert (found.decision, found.is_known) == (AUTOMATIC, False)
    assert "extra specs of its flavor" in found.reason


@pytest.mark.parametrize(
    "given", [Said(("no-recovery",)), Said(("automatic-recovery",))]
)
def test_who_counts_less_need_not_be_known(given):
    assert wishes.wish(given, RULES).is_known


@pytest.mark.parametrize(
    ("off", "given"),
    [
        ("flavor_key", said(flavor="automatic")),
        ("flavor_key", Said()),
        ("image_property", said(image="automatic")),
        ("aggregate_key", said(aggregates=["automatic"])),
    ],
)
def test_who_is_not_named_by_an_option_is_not_asked(off, given):
    rules = dataclasses.replace(RULES, **{off: ""})

    assert wishes.wish(given, rules) == (NONE, "nobody asks for it", True)


def test_names_of_tags_are_options():
    rules = Rules(automatic_tag="ha", custom_tag="call-me", no_tag="leave-me")

    for tag, decision in (
        ("ha", AUTOMATIC),
        ("call-me", CUSTOM),
        ("leave-me", NONE),
        ("automatic-recovery", NONE),
    ):
        assert wishes.wish(said(tag), rules).decision is decision


@pytest.mark.parametrize(
    ("tags", "value", "odd"),
    [
        ([], 500, ""),
        (["p:1"], 1, ""),
        (["p:1000", "x", "q:7"], 1000, ""),
        (["p:0"], 500, "p:0 is not of 1 to 1000: 500 counts"),
        (["p:1001"], 500, "p:1001 is not of 1 to 1000: 500 counts"),
        (["p:x"], 500, "p:x is not of 1 to 1000: 500 counts"),
        (["p:"], 500, "p: is not of 1 to 1000: 500 counts"),
        (["p:07"], 500, "p:07 is not of 1 to 1000: 500 counts"),
        (["p:-1"], 500, "p:-1 is not of 1 to 1000: 500 counts"),
        (["p:٧"], 500, "p:٧ is not of 1 to 1000: 500 counts"),
        (["p:2", "p:1"], 500, "p has several values (1, 2): 500 counts"),
        (["P:1", "pp:1", "p=1"], 500, ""),
    ],
)
def test_a_priority_is_of_1_to_1000_or_it_is_500(tags, value, odd):
    assert wishes.priority(tags, "p") == (value, odd)


@pytest.mark.parametrize(
    ("tags", "value", "odd"),
    [
        ([], "", ""),
        (["g:db"], "db", ""),
        (["g:a:b"], "a:b", ""),
        (["g:"], "", ""),
        (["g:b", "g:a"], "", "g has several values (a, b): none counts"),
    ],
)
def test_a_group_is_what_one_tag_names(tags, value, odd):
    assert wishes.group(tags, "g") == (value, odd)


def test_a_tag_without_a_name_sets_nothing():
    assert wishes.priority([":7"], "") == (500, "")
    assert wishes.group([":7"], "") == ("", "")
