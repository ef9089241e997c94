import pytest

from waffles import exceptions
from waffles.cli import walk
from waffles.clients import errors
from waffles.policy import Finding, Violation


def _server(server_id, name="web", **fields):
    return {
        "id": server_id,
        "name": name,
        "tenant_id": "red",
        "user_id": "ann",
        "flavor": {"id": "1"},
        "metadata": {},
    } | fields


class FakeCloud:
    """Servers, and the exceptions among them are raised in their turn."""

    def __init__(self, *servers, down=()):
        self.listed, self.down = servers, list(down)
        self.asked = []

    def servers(self, project_id=None):
        self.asked.append(project_id)
        for server in self.listed:
            if isinstance(server, Exception):
                raise server
            yield server

    def down_hosts(self):
        self.asked.append("cells")
        found = self.down.pop(0) if self.down else []
        if isinstance(found, Exception):
            raise found
        return found


class Everywhere:
    def applies(self, server):
        return server["name"] != "spared"


def _auditor(scope="off"):
    def audit(server, others):
        found = [Violation("/name", "is bad")] * server["name"].count("bad")
        if scope != "off":
            found += [Violation("/name", f"is {o} too") for o in others("x")]
        return Finding("It", found)

    return walk.Auditor("naming", scope, Everywhere(), audit)


def _walked(cloud, *auditors, project_id=None):
    walked = walk.Walk(cloud, project_id, lambda servers, title: servers)
    return walked, list(walked.rows(list(auditors)))


def test_each_violation_of_each_server_is_a_row():
    cloud = FakeCloud(
        _server("1", "bad"), _server("2"), _server("3", "badbad")
    )
    walked, rows = _walked(cloud, _auditor())

    assert rows[0] == ("red", "1", "bad", "naming", "/name", "is bad")
    assert [row.server_id for row in rows] == ["1", "3", "3"]
    assert (walked.judged, walked.found, walked.gaps) == (3, 3, [])


def test_a_server_that_the_policy_does_not_apply_to_is_spared():
    cloud = FakeCloud(_server("1", "spared"))

    assert _walked(cloud, _auditor("cloud"))[1] == []


@pytest.mark.parametrize(
    ("scope", "project_id", "asked"),
    [
        ("off", None, ["cells", None, "cells"]),
        ("off", "red", ["cells", "red", "cells"]),
        ("project", "red", ["cells", "red", "red", "cells"]),
        ("cloud", "red", ["cells", None, "red", "cells"]),
    ],
)
def test_servers_are_listed_twice_only_for_their_names(
    scope, project_id, asked
):
    cloud = FakeCloud(_server("1"))
    _walked(cloud, _auditor(scope), project_id=project_id)

    assert cloud.asked == asked


def test_both_bearers_of_a_name_are_found():
    cloud = FakeCloud(_server("1", "web"), _server("2", "Web"))
    _, rows = _walked(cloud, _auditor("cloud"))

    assert [row.reason for row in rows] == ["is Web too", "is web too"]


@pytest.mark.parametrize("scope", ["off", "cloud"])
def test_what_was_found_before_a_lost_page_is_kept(scope):
    lost = exceptions.Unavailable("Page lost.")
    cloud = FakeCloud(_server("1", "bad"), lost, _server("2", "bad"))
    walked, rows = _walked(cloud, _auditor(scope))

    assert [row.server_id for row in rows] == ["1"]
    assert walked.gaps == ["Not all servers could be listed. Page lost."]


def test_a_server_that_is_shown_in_part_is_a_gap():
    part = {"id": "2", "status": "UNKNOWN", "tenant_id": "red"}
    cloud = FakeCloud(part, _server("1", "bad"))
    walked, rows = _walked(cloud, _auditor())

    assert [row.server_id for row in rows] == ["1"]
    assert walked.gaps == [
        "Server 2 is shown in part only, as one of a cell that is down."
    ]
    assert walked.judged == 1


@pytest.mark.parametrize(
    ("down", "gaps"),
    [
        ([[], []], []),
        ([["h1"], []], ["the servers of its 1 hosts (h1) cannot be seen."]),
        ([[], ["h1"]], ["the servers of its 1 hosts (h1) cannot be seen."]),
        ([["h1"], ["h1"]], ["the servers of its 1 hosts (h1) cannot"]),
        ([[*"abcdefg"], []], ["of its 7 hosts (a, b, c, d, e, …) cannot"]),
        ([exceptions.Unavailable("No.")], ["a cell is down is not known. No"]),
        ([[], exceptions.Hidden(404, "No.")], ["down is not known. No."]),
    ],
    ids=["up", "before", "after", "both", "many", "unknown", "unknown after"],
)
def test_a_cell_that_is_down_at_any_time_is_a_gap(down, gaps):
    walked, _ = _walked(FakeCloud(_server("1"), down=down), _auditor())

    assert len(walked.gaps) == len(gaps)
    assert all(
        part in gap for part, gap in zip(gaps, walked.gaps, strict=True)
    )


def test_a_refusal_is_told_once():
    refused = [errors.Refused(text) for text in ("No a.", "No b.", "No c.")]
    cloud = FakeCloud(refused[1], down=[refused[0], refused[2]])
    walked, _ = _walked(cloud, _auditor("cloud"))

    assert walked.gaps == ["No a."]


def test_not_every_gap_is_kept():
    parts = [{"id": str(number)} for number in range(1000)]

    assert len(_walked(FakeCloud(*parts), _auditor())[0].gaps) == 10


def test_rows_come_before_the_walk_is_over():
    cloud = FakeCloud(_server("1", "bad"), AssertionError("read ahead"))
    walked = walk.Walk(cloud, None, lambda servers, title: servers)

    assert next(walked.rows([_auditor()])).server_id == "1"
