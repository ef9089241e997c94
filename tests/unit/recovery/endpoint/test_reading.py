import dataclasses

import pytest

from tests import fakes
from tests.unit.recovery.calling import MEMBER, Office
from waffles.recovery.model import Decision, Phase, Server, State

OTHER = fakes.FakeContext("bob-id", "bob", "blue", "blue", ["reader"])

ROW = Server(
    "s1",
    name="db",
    project_id="red",
    decision=Decision.AUTOMATIC,
    reason="on c2",
    state=State.RECOVERED,
    source="c2",
    destination="c3",
)

HIDDEN = {
    "host",
    "source",
    "destination",
    "evidence",
    "gates",
    "asserted_by",
    "note",
    "reason",
    "service_id",
    "engine",
}


def _rows(number, project_id="red"):
    return [
        dataclasses.replace(
            ROW, server_id=f"{project_id}-{n}", project_id=project_id
        )
        for n in range(number)
    ]


def _all(office, path, name, **how):
    """A whole list, by its links; and how many pages it has."""
    found, pages, path = [], 0, path
    while path:
        body = office.call("GET", path, **how).json
        found += body[name]
        links = body.get(f"{name}_links", [])
        path = links[0]["href"].partition("/os-waffles")[2] if links else ""
        pages += 1
    return found, pages


class TestOfTheList:
    def test_it_has_the_newest_first(self, office):
        first, second = office.open("c2"), office.open("c3")
        shown = office.call("GET", "/recoveries").json

        assert shown == {"recoveries": [second, first]}

    def test_it_goes_on_page_by_page(self, office):
        opened = [office.open(host)["id"] for host in ("c2", "c3", "dead")]
        found, pages = _all(office, "/recoveries?limit=2", "recoveries")

        assert [one["id"] for one in found] == opened[::-1]
        assert pages == 2

    def test_a_page_is_no_longer_than_nova_says(self, tmp_path):
        office = Office(tmp_path, most=1)
        for host in ("c2", "c3"):
            office.open(host)
        shown = office.call("GET", "/recoveries?limit=50").json
        office.close()

        assert len(shown["recoveries"]) == 1
        assert "limit=50" in shown["recoveries_links"][0]["href"]

    @pytest.mark.parametrize(
        ("query", "hosts"),
        [
            ("host=c2", ["c2", "c2"]),
            ("host=c2&open=true", ["c2"]),
            ("open=true", ["c3", "c2"]),
            ("open=false", ["c2"]),
            ("host=nowhere", []),
            ("limit=0", []),
        ],
    )
    def test_it_is_narrowed_down(self, office, query, hosts):
        old = office.open("c2")["id"]
        office.store.abandon(old, "ann", "", 0.0)
        office.open("c2")
        office.open("c3")
        shown = office.call("GET", f"/recoveries?{query}").json["recoveries"]

        assert [one["host"] for one in shown] == hosts

    def test_the_next_page_is_narrowed_down_as_well(self, office):
        for _ in range(2):
            recovery_id = office.open("c2")["id"]
            office.store.abandon(recovery_id, "ann", "", 0.0)
        office.open("c3")
        path = "/recoveries?limit=1&open=false"
        found, pages = _all(office, path, "recoveries")

        assert [one["host"] for one in found] == ["c2", "c2"]
        assert pages == 2

    @pytest.mark.parametrize(
        "query",
        [
            "limit=x",
            "limit=-1",
            "limit=",
            "limit=1&limit=2",
            "marker=nowhere",
            "marker=a%00b",
            "marker=%C3%A9",
            "open=maybe",
            "host=a%20b",
            "host=%00",
            "state=held",
            "all_tenants=1",
            "limit=1;x",
            "%ff=1",
        ],
    )
    def test_what_nobody_can_answer_is_refused(self, office, query):
        answer = office.call("GET", f"/recoveries?{query}")

        assert answer.status_int == 400
        assert answer.json["badRequest"]["code"] == 400


class TestOfOne:
    def test_it_is_shown_with_its_servers(self, office):
        recovery_id = office.open()["id"]
        office.planned(recovery_id, *_rows(2), phase=Phase.RUNNING)
        shown = office.call("GET", f"/recoveries/{recovery_id}").json

        assert shown["recovery"]["state"] == "running"
        assert shown["recovery"]["servers"] == {"recovered": 2}
        assert [one["server_id"] for one in shown["servers"]] == [
            "red-0",
            "red-1",
        ]
        assert shown["servers"][0]["destination"] == "c3"
        assert "servers_links" not in shown

    def test_of_many_servers_the_first_page_is_shown(self, tmp_path):
        office = Office(tmp_path, most=2)
        recovery_id = office.open()["id"]
        office.planned(recovery_id, *_rows(5))
        shown = office.call("GET", f"/recoveries/{recovery_id}").json
        (link,) = shown["servers_links"]
        more, pages = _all(
            office, link["href"].partition("/os-waffles")[2], "servers"
        )
        office.close()

        assert len(shown["servers"]) == 2
        assert [one["server_id"] for one in shown["servers"] + more] == [
            f"red-{n}" for n in range(5)
        ]
        assert pages == 2

    @pytest.mark.parametrize("more", ["", "/servers", "/log"])
    @pytest.mark.parametrize(
        "recovery_id",
        ["3d9f6a4e-0f5c-4a5e-9d1b-8c2f5f1f0a11", "a%00b", "%C3%A9", "x" * 99],
        ids=lambda one: one[:9],
    )
    def test_what_there_is_not_is_not_found(self, office, recovery_id, more):
        answer = office.call("GET", f"/recoveries/{recovery_id}{more}")

        assert answer.status_int == 404
        assert "There is no recovery" in answer.json["itemNotFound"]["message"]

    def test_it_takes_no_parameters(self, office):
        recovery_id = office.open()["id"]
        answer = office.call("GET", f"/recoveries/{recovery_id}?limit=1")

        assert answer.status_int == 400


class TestOfItsServers:
    def test_they_are_listed_page_by_page(self, office):
        recovery_id = office.open()["id"]
        office.planned(recovery_id, *_rows(5))
        path = f"/recoveries/{recovery_id}/servers?limit=2"
        found, pages = _all(office, path, "servers")

        assert [one["server_id"] for one in found] == [
            f"red-{n}" for n in range(5)
        ]
        assert pages == 3

    @pytest.mark.parametrize("marker", ["nowhere", "%00", "x" * 50])
    def test_a_page_begins_behind_one_of_them(self, office, marker):
        recovery_id = office.open()["id"]
        path = f"/recoveries/{recovery_id}/servers?marker={marker}"

        assert office.call("GET", path).status_int == 400


class TestOfItsLog:
    def test_it_is_read_page_by_page(self, office):
        recovery_id = office.open()["id"]
        office.planned(recovery_id, ROW)
        found, pages = _all(
            office, f"/recoveries/{recovery_id}/log?limit=1", "log"
        )

        assert found[0]["event"] == "received"
        assert found[0]["request_id"] == "req-1"
        assert [one["event"] for one in found[1:]] == ["test", "test"]
        assert found[1]["engine"] == "engine"
        assert pages == 3

    def test_it_is_narrowed_down_to_a_server(self, office):
        recovery_id = office.open()["id"]
        path = f"/recoveries/{recovery_id}/log?server_id=s1"

        assert office.call("GET", path).json == {"log": []}

    @pytest.mark.parametrize(
        "query", ["marker=x", "marker=-1", f"marker={'9' * 19}", "server_id=é"]
    )
    def test_what_nobody_can_answer_is_refused(self, office, query):
        recovery_id = office.open()["id"]
        path = f"/recoveries/{recovery_id}/log?{query.replace('é', '%C3%A9')}"

        assert office.call("GET", path).status_int == 400


class TestOfAProject:
    @pytest.fixture
    def recovery_id(self, office):
        office.open("c3", evidence="secret")
        recovery_id = office.open("c2", evidence="secret")["id"]
        lease = next(
            one
            for one in (office.store.claim("engine", 60.0) for _ in "ab")
            if one.recovery_id == recovery_id
        )
        lease.add([*_rows(3), *_rows(2, "blue")])
        return recovery_id

    def test_its_list_has_recoveries_in_which_it_has_servers(
        self, office, recovery_id
    ):
        (shown,) = office.call("GET", "/recoveries", None, MEMBER).json[
            "recoveries"
        ]

        assert shown["id"] == recovery_id
        assert shown["servers"] == {"recovered": 3}
        assert not HIDDEN & shown.keys()

    def test_it_is_shown_its_own_rows(self, office, recovery_id):
        answer = office.call("GET", f"/recoveries/{recovery_id}", None, OTHER)

        assert answer.json["recovery"]["servers"] == {"recovered": 2}
        assert not HIDDEN & answer.json["recovery"].keys()
        assert [one["server_id"] for one in answer.json["servers"]] == [
            "blue-0",
            "blue-1",
        ]
        assert not {"source", "destination"} & answer.json["servers"][0].keys()
        assert answer.json["servers"][0]["reason"] == (
            "it has been brought back"
        )
        # The id may have these two letters by chance.
        assert "c2" not in answer.text.replace(recovery_id, "")
        assert "secret" not in answer.text

    def test_it_lists_its_own_rows(self, office, recovery_id):
        path = f"/recoveries/{recovery_id}/servers?limit=1"
        found, pages = _all(office, path, "servers", context=MEMBER)

        assert {one["project_id"] for one in found} == {"red"}
        assert len(found) == pages == 3

    def test_a_row_of_others_is_no_marker(self, office, recovery_id):
        path = f"/recoveries/{recovery_id}/servers?marker=blue-0"

        assert office.call("GET", path, None, MEMBER).status_int == 400

    @pytest.mark.parametrize("more", ["", "/servers"])
    def test_what_it_has_no_server_in_is_not_there(
        self, office, recovery_id, more
    ):
        nobody = fakes.FakeContext(project_id="green", roles=["member"])
        path = f"/recoveries/{recovery_id}{more}"

        assert office.call("GET", path, None, nobody).status_int == 404

    def test_it_cannot_ask_by_host(self, office, recovery_id):
        answer = office.call("GET", "/recoveries?host=c2", None, MEMBER)

        assert answer.status_int == 400

    def test_the_log_is_not_for_it(self, office, recovery_id):
        path = f"/recoveries/{recovery_id}/log"

        assert office.call("GET", path, None, MEMBER).status_int == 403
