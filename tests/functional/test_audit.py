"""The audit of servers that exist: ``waffles audit``, over HTTP."""

import csv
import io
import json
import time
import tracemalloc
from urllib import parse

import pytest
from nova import context, objects
from nova.tests import fixtures as nova_fixtures
from oslo_config import cfg

from waffles.cli import app
from waffles.demo import cloud as demo
from waffles.demo.listen import listening

NAMES = "[waffles_naming]\npattern = aud-.*\n"


class Faulty:
    """What answers in the place of an application, now and then.

    :param faults: page of servers -> called before it with the
        environ; or the status to answer, None for a closed connection
    """

    def __init__(self, wsgi, faults):
        self.wsgi, self.faults = wsgi, faults
        self.pages = 0

    def __call__(self, environ, start_response):
        if "/servers/detail" in environ["PATH_INFO"]:
            self.pages += 1
            fault = self.faults.get(self.pages, lambda environ: None)
            if not callable(fault):
                return self._fault(fault, start_response)
            fault(environ)
        return self.wsgi(environ, start_response)

    def _fault(self, status, start_response):
        if status is None:
            start_response("200 OK", [("Content-Length", "1000")])
            return [b'{"servers": [']
        start_response(status, [("Content-Length", "0")])
        return []


@pytest.fixture
def audit(tmp_path, capsys):
    """Run an audit; returns exit code, rows, standard error."""
    conf = tmp_path / "waffles.conf"

    def audit(url, rules, *argv, user=demo.ADMIN):
        conf.write_text(
            "[waffles]\nauth_type = admin_token\n"
            f"endpoint = {url}\ntoken = {user.name}\n{rules}"
        )
        argv = ["audit", "-f", "csv", "--config-file", str(conf), *argv]
        code = app.main(argv)
        out, err = capsys.readouterr()
        return code, list(csv.DictReader(io.StringIO(out))), err

    return audit


@pytest.fixture
def url(nova):
    # keystonemiddleware warns on standard error with its first token.
    nova.call("GET", "/v2.1/servers")
    with listening(nova.app) as url:
        yield f"{url}/v2.1"


@pytest.fixture(scope="module")
def servers(nova):
    """The ids of five servers that were made when there was no rule."""
    ids = [nova.server(name=f"old-{number}")["id"] for number in range(5)]
    yield ids
    for one in ids:
        nova.call("DELETE", f"/v2.1/servers/{one}", user=demo.ADMIN)


@pytest.fixture
def by_two(servers):
    """Nova's limit is two servers a page."""
    cfg.CONF.set_override("max_limit", 2, group="api")
    yield
    cfg.CONF.clear_override("max_limit", group="api")


def _all(nova):
    """The ids of all servers of the cloud."""
    listed = nova.call(
        "GET", "/v2.1/servers?all_tenants=1", user=demo.ADMIN
    ).json
    assert "servers_links" not in listed
    return sorted(server["id"] for server in listed["servers"])


def _ids(rows):
    return sorted(row["server_id"] for row in rows)


def test_a_server_that_was_made_before_the_rule_is_found(
    audit, url, nova, servers
):
    code, rows, err = audit(url, "[waffles_naming]\npattern = new-.*\n")
    (row,) = (row for row in rows if row["server_id"] == servers[0])

    assert code == 1
    assert row == {
        "project": demo.DEMO.project_id,
        "server_id": servers[0],
        "name": "old-0",
        "policy": "naming",
        "pointer": "/name",
        "reason": "must match new-.*",
    }
    assert err.endswith(f" Violations found: {len(rows)}.\n")


def test_metadata_is_judged_as_it_is(audit, url, nova):
    made = nova.server(name="meta", metadata={"Owner": "x"})["id"]
    rules = "[waffles_metadata]\nrequired_keys = owner\n"
    _, rows, _ = audit(url, rules)

    assert [
        (row["pointer"], row["reason"].partition(":")[0])
        for row in rows
        if row["server_id"] == made
    ] == [
        ("/metadata/owner", "is required"),
        ("/metadata/Owner", "must be spelled owner"),
    ]


def test_when_is_judged_by_what_the_server_is(audit, url, nova):
    ours = f"'{demo.IMAGE}':%(image)s and project_id:{demo.DEMO.project_id}"
    made = nova.server(name="when")["id"]
    rules = "[waffles_naming]\npattern = new-.*\nwhen = "

    assert made in _ids(audit(url, f"{rules}{ours}\n")[1])
    assert made not in _ids(audit(url, f"{rules}not ({ours})\n")[1])
    assert made in _ids(audit(url, f"{rules}{ours} and role:x\n")[1])


def test_both_bearers_of_a_name_are_found(audit, url, nova):
    twins = [nova.server(name=name)["id"] for name in ("twin", "TWIN")]
    _, rows, _ = audit(url, "[waffles_naming]\nunique = cloud\n")

    assert set(twins) <= set(_ids(rows))


def test_a_clean_cloud_is_clean(audit, url, nova, servers):
    code, rows, err = audit(url, "[waffles_naming]\npattern = .*\n")

    assert (code, rows) == (0, [])
    assert err == (
        f"Servers looked at: {len(_all(nova))}. Violations found: 0.\n"
    )


def test_each_server_is_seen_once_page_by_page(audit, url, nova, servers):
    everything = _all(nova)
    cfg.CONF.set_override("max_limit", 2, group="api")
    try:
        code, rows, _ = audit(url, "[waffles_naming]\npattern = new-.*\n")
    finally:
        cfg.CONF.clear_override("max_limit", group="api")

    assert code == 1
    assert _ids(rows) == everything


def test_a_server_that_goes_during_the_walk_loses_no_other(
    audit, nova, by_two
):
    mine = {nova.server(name=name)["id"] for name in ("a", "b", "c")}
    gone = []

    def delete(environ):
        query = dict(parse.parse_qsl(environ["QUERY_STRING"]))
        gone.append(query["marker"])
        path = f"/v2.1/servers/{query['marker']}"
        nova.call("DELETE", path, user=demo.ADMIN)
        while nova.call("GET", path, user=demo.ADMIN).status_int != 404:
            time.sleep(0.05)

    with listening(Faulty(nova.app, {2: delete})) as url:
        code, rows, err = audit(
            f"{url}/v2.1", "[waffles_naming]\npattern = new-.*\n"
        )
    cfg.CONF.clear_override("max_limit", group="api")

    assert code == 1, err
    assert set(gone) < mine
    assert _ids(rows) == sorted({*_all(nova), *gone})


def test_a_project_is_looked_at_alone(audit, url, nova, servers):
    rules = "[waffles_naming]\npattern = new-.*\n"
    _, rows, _ = audit(url, rules, "--project", demo.DEMO.project_id)
    code, others, err = audit(url, rules, "--project", "0" * 32)

    assert {row["project"] for row in rows} == {demo.DEMO.project_id}
    assert set(servers) <= set(_ids(rows))
    assert (code, others) == (2, [])
    assert f"Nova shows no server of project {'0' * 32}: is" in err


@pytest.mark.parametrize("fault", ["503 Service Unavailable", None])
def test_a_page_that_is_lost_is_not_clean(audit, nova, by_two, fault):
    with listening(Faulty(nova.app, {2: fault})) as url:
        code, rows, err = audit(
            f"{url}/v2.1", "[waffles_naming]\npattern = new-.*\n"
        )

    assert (code, len(rows)) == (2, 2)
    assert "Not all servers could be listed. Nova could not be asked" in err
    assert "Traceback" not in err


def test_a_cell_that_is_down_is_not_clean(audit, url, servers):
    cells = [
        cell
        for cell in objects.CellMappingList.get_all(
            context.get_admin_context()
        )
        if not cell.is_cell0()
    ]
    with nova_fixtures.DownCellFixture(cells):
        code, rows, err = audit(url, "[waffles_naming]\npattern = new-.*\n")

    assert (code, rows) == (2, [])
    assert "A cell is down: the servers of its 2 hosts (host1, host2)" in err


def test_who_may_not_look_has_not_looked(audit, url):
    code, rows, err = audit(
        url, "[waffles_naming]\npattern = x\n", user=demo.DEMO
    )

    assert (code, rows) == (2, [])
    told, counted = err.splitlines()
    assert told.endswith("performed: [waffles] needs an administrator.")
    assert counted == "Servers looked at: 0. Violations found: 0."


def _unauthorized(environ, start_response):
    start_response("401 Unauthorized", [("Content-Type", "text/plain")])
    return [b"Authentication required"]


def test_who_has_wrong_credentials_is_told_once(audit):
    with listening(_unauthorized) as url:
        code, rows, err = audit(
            f"{url}/v2.1", "[waffles_naming]\nunique = cloud\n"
        )
    told, _ = err.splitlines()

    assert (code, rows) == (2, [])
    assert told.startswith("Nova could not be asked for ")
    assert told.endswith(": [waffles] needs an administrator.")


def test_a_cloud_that_is_not_there_is_not_clean(audit):
    code, rows, err = audit(
        "http://127.0.0.1:1/v2.1", "[waffles_naming]\npattern = x\n"
    )

    assert (code, rows) == (2, [])
    assert "Not all servers could be listed" in err


def _cloud_of(count, page=500):
    """An application that lists as many servers, each made when asked for."""

    def wsgi(environ, start_response):
        query = dict(parse.parse_qsl(environ["QUERY_STRING"]))
        if environ["PATH_INFO"].endswith("/os-services"):
            body = {"services": []}
        else:
            first = int(query.get("marker", "-1")) + 1
            last = min(first + page, count)
            body = {
                "servers": [_made(number) for number in range(first, last)]
            }
            if last - first == page:
                body["servers_links"] = [{"rel": "next"}]
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(body).encode()]

    return wsgi


def _made(number):
    return {
        "id": str(number),
        "name": f"server-{number}",
        "tenant_id": "red",
        "user_id": "ann",
        "flavor": {"id": "1"},
        "metadata": {"padding": "x" * 255},
    }


def _peak(audit, count, rules):
    with listening(_cloud_of(count)) as url:
        tracemalloc.start()
        try:
            code, rows, err = audit(url, rules)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert (code, rows) == (0, [])
            assert err.startswith(f"Servers looked at: {count}. ")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_servers(audit):
    rules = "[waffles_naming]\npattern = server-.*\nunique = project\n"
    _peak(audit, 1000, rules)  # what is imported and cached once
    few, many = _peak(audit, 2_000, rules), _peak(audit, 20_000, rules)

    assert many < few * 1.2
