"""The command waffles-demo, as its user runs it."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import openstack
import pytest
import requests
from keystoneauth1 import adapter
from openstack import exceptions

from tests.functional.hosts import Hosts
from waffles import config
from waffles.clients import session
from waffles.demo import api as apis
from waffles.demo import (
    app,
    hosts,
    listen,
    neutron,
    pods,
    recoveries,
    sample,
    steps,
)
from waffles.demo import cloud as clouds
from waffles.demo.api import Api, Unexpected
from waffles.demo.shown import worth_reading
from waffles.demo.talk import Talk

SCRIPTS = Path(sysconfig.get_path("scripts"))
DEMO = SCRIPTS / "waffles-demo"


@contextlib.contextmanager
def running(folder, *command):
    """A command, which leaves nothing behind when it is stopped."""
    process = subprocess.Popen(  # noqa: S603  our own command
        command,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)
    assert list(folder.iterdir()) == []


def introduction(process):
    """All that a demo that is kept up prints."""
    lines = []
    while not lines or "waffles audit " not in lines[-1]:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        lines.append(line)
    return "".join(lines)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """What a demo has printed that is kept up for some tests."""
    folder = tmp_path_factory.mktemp("served")
    with running(folder, DEMO, "--serve", "--port", "0") as process:
        yield introduction(process)


def _url(served):
    """The URL that the first line of the demo names."""
    return served.split()[3].rstrip(",")


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """What a walk has printed."""
    folder = tmp_path_factory.mktemp("walked")
    with running(folder, DEMO) as process:
        out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, ""), out
    return out


def test_the_walk_shows_every_step(walked):
    placed = (*pods.AGGREGATES, *pods.SEVERAL, *pods.FULL, *pods.REFUSED)
    died = (*recoveries.SERVERS, *recoveries.BEFORE, *recoveries.DEATH)
    back = (*recoveries.RETURN, *recoveries.RETURNED)
    said = [
        *_sentences(steps.BEFORE, steps.RULES),
        "The audit finds the server that is older than the rules.",
        *_sentences(placed, died),
        "The engine brings back what asks for it, as one can watch.",
        *_sentences(recoveries.AFTER),
        "The dashboard has all of it: ADDRESS",
        *_sentences(back),
    ]

    shown = re.sub("http://127.0.0.1:[0-9]+/$", "ADDRESS", walked, flags=re.M)
    assert re.findall(r"\n *(\d+)\. (.*)(?=\n)", shown) == [
        (str(number), sentence) for number, sentence in enumerate(said, 1)
    ]
    assert re.findall(r"\n    \[(\w+)\]", walked) == [
        *steps.GROUPS,
        "waffles",
        "waffles_networks",
        "waffles_recovery",
    ]
    assert walked.endswith("\nEvery answer was as expected.\n")


def _sentences(*parts):
    return [step.sentence for part in parts for step in part if step.sentence]


def test_the_walk_has_the_audit(walked):
    *_, audit = walked.partition("The audit ")

    assert f"    $ {SCRIPTS / 'waffles'} audit --config-file " in audit
    assert steps.OLD in audit
    assert "exit code 1\n" in audit


def _answered(walked, sentence):
    """The lines of the answer to a step, each as its columns."""
    _, _, rest = walked.partition(f". {sentence}\n")
    lines = rest.partition("\n\n")[0].splitlines()
    (first,) = (i for i, line in enumerate(lines) if line[4:7] == "200")
    return [re.split("  +", line[11:]) for line in lines[first:]]


def test_exactly_the_servers_with_the_tag_come_back(walked):
    record, placed = (
        _answered(walked, step.sentence) for step in recoveries.AFTER[:2]
    )
    places = {name: found[-1] for name, *found in placed}
    back = {
        name: found[1] for name, *found in record if found[0] == "recovered"
    }

    assert back.keys() == set(recoveries.BACK)
    for name, there in back.items():
        assert there != f"on {recoveries.HOST}"
        assert places[name] == there
    for name in (recoveries.TOLD, recoveries.LEFT):
        assert places[name] == f"on {recoveries.HOST}"


def test_the_others_are_listed_with_their_reasons(walked):
    (planned,) = recoveries.BEFORE
    _, *plan = _answered(walked, planned.sentence)
    record = _answered(walked, recoveries.AFTER[0].sentence)
    told = [recoveries.TOLD, "its tag custom-recovery asks for it"]
    others = [row for row in record if row[0] not in recoveries.BACK]

    assert [name for name, *_ in plan] == [name for name, *_ in record]
    assert [recoveries.LEFT, "skipped", "nobody asks for it"] in others
    assert [told[0], "notified", told[1]] in others
    assert {tuple(row[1:]) for row in others if row[0] != told[0]} == {
        ("skipped", "nobody asks for it")
    }


def test_the_recovery_is_watched_to_its_end(walked):
    *_, watched = walked.partition(" recovery show --watch --config-file ")
    *_, end = watched.partition("exit code 0\n")[0].splitlines()[:-1]

    assert len(re.findall(r"\dZ evacuate \S+: attempt 1", watched)) == 2
    assert re.fullmatch(
        f"{recoveries.HOST} is done after .*: 2 recovered, 1 notified, .*",
        end,
    )


def test_the_host_returns(walked):
    ((host, *found),) = _answered(walked, recoveries.RETURNED[0].sentence)

    assert host == recoveries.HOST
    assert found == ["nova-compute", "enabled", "up", "not forced down"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({*recoveries.BACK, "any"}, set()),
        ({*recoveries.BACK, "any"}, {*recoveries.BACK, "any"}),
        ({*recoveries.BACK, "any"}, {recoveries.BACK[0], "any"}),
        ({*recoveries.BACK}, {"any"}),
        ({recoveries.BACK[0], "any"}, {"any"}),
    ],
    ids=["too many", "none", "too few", "another came", "not there"],
)
def test_it_is_told_when_others_than_those_come_back(before, after):
    with pytest.raises(Unexpected, match="should have left red-1"):
        hosts.check(before, after)


def test_it_is_told_when_the_dashboard_has_no_such_host(services):
    talk = Talk(Api(services.url), say=lambda line: None)
    with pytest.raises(Unexpected, match="dashboard has no red-1: 200"):
        hosts.show(talk, f"{services.url}/events")


def test_a_gate_that_holds_is_told_with_its_reason():
    gates = [
        {"name": "alive", "passed": False, "reason": "it still runs"},
        {"name": "cell", "passed": True, "reason": "Nova sees it"},
    ]
    shown = worth_reading({"plan": {"gates": gates, "servers": []}})

    assert shown == "gate alive holds: it still runs"


@pytest.mark.parametrize(
    ("host", "body"),
    [("none", {"power": "off"}), ("host1", {"power": "down"}), ("host1", {})],
)
def test_there_is_no_other_switch(services, host, body):
    url = f"{services.url}/power/{host}"

    assert requests.put(url, json=body, timeout=30).status_code == 404


@pytest.fixture
def host(cloud, nova):
    """A host that is gone at the end."""
    made = Hosts(cloud, nova)
    yield made.start()
    made.clear()


def test_a_switch_can_be_turned_again(services, cloud, host):
    states = []
    for power in ("off", "off", "on", "on", "off"):
        url, before = f"{services.url}/power/{host}", cloud.computes[host]
        answer = requests.put(url, json={"power": power}, timeout=30)
        is_new = cloud.computes[host] is not before
        states.append((answer.json()["power"], host in cloud.off, is_new))

    assert states == [
        ("off", True, False),
        ("off", True, False),
        ("on", False, True),
        ("on", False, False),
        ("off", True, False),
    ]


def test_the_rules_are_the_examples_of_the_sample():
    lines = sample.effective(sample.rules(*steps.GROUPS))

    assert "pattern = [a-z]{3}-(prd|dev)-[a-z0-9-]+" in lines
    assert [line for line in lines if line.startswith("[")] == [
        "[waffles_metadata]",
        "[waffles_naming]",
    ]
    assert not any(
        line.startswith(("exempt", "schema_file")) for line in lines
    )


def test_files_of_an_installation_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(sample, "_CHECKOUT", tmp_path / "none")
    monkeypatch.setattr(sample, "_INSTALLED", tmp_path)
    (tmp_path / "api-paste.ini").touch()

    assert sample.shipped("api-paste.ini") == tmp_path / "api-paste.ini"
    with pytest.raises(FileNotFoundError, match="waffles.conf.sample is not"):
        sample.shipped("waffles.conf.sample")


def test_a_wrong_status_is_not_expected(nova):
    step = steps.NAMES[0]._replace(body=steps.server("Demo_1"))
    with listen.listening(nova.app) as url:
        talk = Talk(Api(url))
        with pytest.raises(
            Unexpected, match="(?s)step 1 .*expected: 403.*202"
        ):
            talk.take([step])


def test_a_wrong_text_is_not_expected(nova):
    (step,) = steps.BEFORE
    with listen.listening(nova.app) as url:
        talk = Talk(Api(url))
        with pytest.raises(Unexpected, match="expected: 202 must match"):
            talk.take([step._replace(says="must match")])


def test_the_command_fails_when_an_answer_is_not_expected(tmp_path):
    without_rules = (
        "import sys; from waffles.demo import app, sample;"
        "sample.rules = lambda *groups: '[waffles_naming]\\nmode = off\\n';"
        "sys.exit(app.main([]))"
    )
    command = sys.executable, "-c", without_rules
    with running(tmp_path, *command) as process:
        _, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "step 2 is not as expected" in err
    assert "expected: 403 /server/name must match" in err
    assert "came:     202" in err
    assert '"POST /v2.1/servers" status: 202' in err  # of Nova's log


def test_the_command_fails_when_a_server_is_not_in_its_pod(tmp_path):
    crossed = (
        "import sys; from waffles.demo import app, pods;"
        "red, blue = pods.PODS;"
        "pods.AGGREGATES = ("
        "    pods.aggregate(pods.Pod('red', blue.hosts), 'one', 'two')"
        "    + pods.aggregate(pods.Pod('blue', red.hosts), 'three', 'four'));"
        "sys.exit(app.main([]))"
    )
    with running(tmp_path, sys.executable, "-c", crossed) as process:
        _, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "servers are not in their pods:\napp-prd-" in err
    assert re.search("\napp-prd-1 is on blue-[12], with red\n", err)


def _found(name, host, *networks):
    """A server as an administrator is shown it."""
    return {
        "name": name,
        "addresses": {network: [{"addr": "any"}] for network in networks},
        "OS-EXT-SRV-ATTR:host": host,
    }


def test_servers_outside_of_their_pods_are_told():
    servers = [
        _found("ok-1", "red-2", "red"),
        _found("ok-2", "blue-1", "blue"),
        _found("crossed", "red-1", "blue"),
        _found("alone", "red-1"),
        _found("both", "red-1", "red", "blue"),
        _found("other", "red-1", "private"),
        _found("nowhere", None, "red"),
    ]

    assert pods.misplaced(servers) == [
        "crossed is on red-1, with blue",
        "alone is on red-1, with no network",
        "both is on red-1, with red and blue",
        "other is on red-1, with private",
        "nowhere is on None, with red",
    ]


def test_a_server_that_does_not_become_active_is_not_expected(
    nova, monkeypatch
):
    monkeypatch.setattr(apis, "SECONDS", 1)
    broken = nova.server(name="broken")
    state = {"os-resetState": {"state": "error"}}
    nova.call(
        "POST",
        f"/v2.1/servers/{broken['id']}/action",
        state,
        user=clouds.ADMIN,
    )
    with (
        listen.listening(nova.app) as url,
        pytest.raises(Unexpected, match="(?s)after 1 s:.*broken is ERROR"),
    ):
        Api(url).wait()
    nova.delete(broken["id"])


def test_a_walk_can_be_left(tmp_path):
    with running(tmp_path, DEMO) as process:
        for line in process.stdout:
            if "GET" in line:
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)

    assert (process.returncode, err) == (130, "")
    assert out.endswith("\nStopped.\n")


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_the_curl_line_works_as_printed(served):
    answer = _shell(_below(served, "A request that is refused"))

    assert "breaks this cloud's naming policy" in answer


@pytest.fixture
def settings_as_printed(served, monkeypatch):
    for line in served.splitlines():
        if line.startswith("export "):
            for setting in shlex.split(line)[1:]:
                monkeypatch.setenv(*setting.split("=", 1))


@pytest.mark.usefixtures("settings_as_printed")
def test_the_settings_work_as_printed():
    with openstack.connect(load_yaml_config=False) as cloud:
        image = cloud.image.find_image(steps.IMAGE)
        flavor = cloud.compute.find_flavor("m1.tiny")
        about = {"image_id": image.id, "flavor_id": flavor.id}
        names = {server.name for server in cloud.compute.servers()}
        with pytest.raises(exceptions.ForbiddenException, match="must match"):
            cloud.compute.create_server(name="Web_1", **about, networks="none")
        made = cloud.compute.create_server(
            name="web-prd-1", **about, networks="none"
        )
        cloud.compute.wait_for_server(made)

    assert steps.OLD in names


@pytest.mark.usefixtures("settings_as_printed")
def test_a_server_without_a_network_lands_in_a_pod():
    with openstack.connect(load_yaml_config=False) as cloud:
        made = cloud.compute.create_server(
            name="web-prd-2",
            image_id=steps.IMAGE,
            flavor_id=cloud.compute.find_flavor("m1.tiny").id,
        )
        cloud.compute.wait_for_server(made)
    with openstack.connect(
        load_yaml_config=False, username="admin", project_name="admin"
    ) as cloud:
        found = cloud.compute.get_server(made.id)
        aggregates = {
            one.name: (one.hosts, one.metadata)
            for one in cloud.compute.aggregates()
        }

    (network,) = found.addresses
    hosts, metadata = aggregates[f"pod-{network}"]
    assert found.compute_host in hosts
    assert metadata == {"networks": network}
    assert len(aggregates) == 2


@pytest.mark.skipif(
    not (SCRIPTS / "openstack").exists(), reason="there is no such client"
)
@pytest.mark.usefixtures("settings_as_printed")
def test_the_commands_for_pods_work_as_printed(served, monkeypatch):
    monkeypatch.setenv("PATH", str(SCRIPTS), prepend=os.pathsep)
    _, _, rest = served.partition("\n\nWithout --nic ")
    commands = rest.split("\n\n")[1].replace("web-prd-2", "web-prd-3")
    answer = subprocess.run(  # noqa: S602  as a shell takes it
        f"set -e\n{commands}", shell=True, capture_output=True, text=True
    )

    assert answer.returncode == 0, answer.stderr
    assert re.search(
        r"pod-red .* networks='red' .* red-1, red-2", answer.stdout
    )
    assert re.search(
        r"web-prd-3 *\| (red|blue)=[0-9.]+ *\| \1-[12] ", answer.stdout
    )


@pytest.mark.usefixtures("settings_as_printed")
def test_networks_are_found_by_other_clients():
    # Not in this process, where a fixture of Nova's may be in the way.
    find = (
        "import openstack; client = openstack.connect(load_yaml_config=False);"
        "print(client.network.find_network('private').id)"
    )
    command = [sys.executable, "-W", "ignore", "-c", find]
    found = subprocess.check_output(command, text=True)  # noqa: S603

    assert found.strip() == neutron.Neutron.network_1["id"]


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_the_commands_for_a_host_that_dies_work_as_printed(served):
    plan, watched = (
        _shell(_below(served, about)) for about in ("If host", "It loses")
    )
    record, page = (
        _record(served),
        requests.get(_dashboard(served), timeout=30),
    )
    _shell(_below(served, "Its power is back"))
    hosts.await_return(Api(_url(served)), record["recovery"]["id"])

    assert all(name in plan for name in recoveries.BACK)
    assert f"\n{recoveries.HOST} is done after " in watched
    states = {one["name"]: one["state"] for one in record["servers"]}
    expected = dict.fromkeys(states, "skipped") | {recoveries.TOLD: "notified"}
    assert states == expected | dict.fromkeys(recoveries.BACK, "recovered")
    assert recoveries.LEFT in states
    assert page.status_code == 200
    assert recoveries.HOST in page.text


def _below(served, about):
    """The commands below a sentence of the introduction."""
    parts = served.split("\n\n")
    (found,) = (i for i, part in enumerate(parts) if part.startswith(about))
    return parts[found + 1].strip()


def _shell(commands):
    """What commands write that all must succeed."""
    answer = subprocess.run(  # noqa: S602  as a shell takes it
        f"set -e\n{commands}", shell=True, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def _dashboard(served):
    return _below(served, "The dashboard")


def _record(served):
    """The recovery of the host, with its servers."""
    api, path = Api(_url(served)), "/v2.1/os-waffles/recoveries"
    (found,) = api.send("GET", path, user="admin").json()["recoveries"]
    return api.send("GET", f"{path}/{found['id']}", user="admin").json()


def test_the_dashboard_has_an_engine_at_work(served):
    page = requests.get(_dashboard(served), timeout=30)

    assert page.status_code == 200
    assert "No engine is at work" not in page.text


def test_the_audit_works_as_printed(served):
    answer = subprocess.run(  # noqa: S602  as a shell takes it
        served.splitlines()[-1],
        shell=True,
        env={"PATH": os.defpath},  # as if no venv was activated
        capture_output=True,
        text=True,
    )

    assert answer.returncode == 1, answer.stderr
    assert steps.OLD in answer.stdout


def test_the_images_are_listed_and_found_by_name(served):
    url = _url(served)
    api = Api(url)
    images = api.send("GET", "/image/v2/images").json()["images"]
    (found,) = api.send("GET", "/image/v2/images?name=fakeimage6").json()[
        "images"
    ]

    assert steps.IMAGE in {image["id"] for image in images}
    assert found["name"] == "fakeimage6"
    assert api.send("GET", "/image/v2/images/none").status_code == 404
    assert api.send("GET", "/image/v3").status_code == 404


def test_nobody_else_gets_a_token(served):
    identity = {"methods": ["password"], "password": {"user": {"name": "eve"}}}
    answer = Api(_url(served)).send(
        "POST",
        "/identity/v3/auth/tokens",
        {"auth": {"identity": identity}},
    )

    assert answer.status_code == 401


@pytest.fixture
def networks(cloud):
    """A network for all, one of demo's that other has too, one of other's."""
    demo, other = clouds.DEMO.project_id, clouds.OTHER.project_id
    made = {
        "blue": cloud.neutron.add("blue", total=2, ipv6=2),
        "red": cloud.neutron.add("red", demo, shared_with=[other], up=False),
        "grey": cloud.neutron.add("grey", other, shared_with=[], total=0),
    }
    yield made
    for network_id in made.values():
        cloud.neutron.remove(network_id)


def _network(services, path, user="demo"):
    """What Neutron answers, and the only thing in it if all is well."""
    url = f"{services.url}/network/v2.0/{path}"
    answer = requests.get(url, headers={"X-Auth-Token": user}, timeout=30)
    body = answer.json()
    return answer.status_code, next(iter(body.values()))


@pytest.mark.parametrize(
    ("user", "shared"),
    [
        ("demo", {"private": False, "blue": True, "red": False}),
        ("reader", {"private": False, "blue": True, "red": False}),
        ("other", {"private": False, "blue": True, "red": True,
                   "grey": False}),
        ("admin", {"private": False, "blue": True, "red": False,
                   "grey": False}),
    ],
)  # fmt: skip
def test_networks_are_shown_to_those_who_may_use_them(
    services, networks, user, shared
):
    status, found = _network(services, "networks", user)

    assert status == 200
    assert {one["name"]: one["shared"] for one in found} == shared


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("name=red&name=blue", ["blue", "red"]),
        ("name=", ["private", "blue", "red", "grey"]),
        ("shared=True", ["blue"]),
        ("shared=false&name=red", ["red"]),
        ("admin_state_up=false", ["red"]),
        ("project_id={other}", ["grey"]),
        ("tenant_id={demo}&fields=name", ["red"]),
        ("id={blue}&id={grey}&fields=id&fields=name", ["blue", "grey"]),
        ("limit=2", ["private", "blue"]),
        ("limit=9", ["private", "blue", "red", "grey"]),
        ("limit=1&marker={blue}", ["red"]),
    ],
)
def test_networks_are_filtered(services, networks, query, names):
    projects = {
        user.name: user.project_id for user in (clouds.DEMO, clouds.OTHER)
    }
    path = f"networks?{query.format(**networks, **projects)}"
    _, found = _network(services, path, "admin")

    assert [one["name"] for one in found] == names
    if "fields" in query:
        assert all(set(one) <= {"id", "name"} for one in found)


def test_networks_come_in_pages(services, networks):
    url, names = f"{services.url}/network/v2.0/networks?limit=1", []
    while url:
        page = requests.get(
            url, headers={"X-Auth-Token": "demo"}, timeout=30
        ).json()
        names += [one["name"] for one in page["networks"]]
        links = page.get("networks_links", [])
        url = links[0]["href"] if links else None

    assert names == ["private", "blue", "red"]


@pytest.mark.parametrize(
    ("path", "user", "status"),
    [
        ("networks/{red}", "demo", 200),
        ("networks/{grey}", "demo", 404),
        ("networks/{grey}", "admin", 200),
        ("network-ip-availabilities/{blue}", "demo", 404),
        ("network-ip-availabilities/{blue}", "admin", 200),
        ("ports/{red}", "admin", 404),
        ("rbac-policies/{red}", "admin", 404),
        ("routers", "admin", 404),
        ("networks", "eve", 401),
    ],
)
def test_what_may_not_be_seen_is_not_found(
    services, networks, path, user, status
):
    assert _network(services, path.format(**networks), user)[0] == status


def test_only_administrators_see_what_a_network_is_made_of(services, networks):
    path = f"networks/{networks['red']}"

    assert "mtu" in _network(services, path)[1]
    assert "provider:network_type" not in _network(services, path)[1]
    assert "provider:network_type" in _network(services, path, "admin")[1]


def test_policies_are_shown_to_the_owner(services, networks):
    query = "rbac-policies?object_type=network&action=access_as_shared"
    _, own = _network(services, query)
    _, others = _network(services, query, "other")
    _, every = _network(services, query, "admin")

    assert [policy["object_id"] for policy in own] == [networks["red"]]
    assert own[0]["target_tenant"] == clouds.OTHER.project_id
    assert own[0]["target_project"] == clouds.OTHER.project_id
    assert others == []
    assert {
        (policy["object_id"], policy["target_project"]) for policy in every
    } == {
        (networks["blue"], "*"),
        (networks["red"], clouds.OTHER.project_id),
    }


def test_availabilities_are_shown_to_administrators(services, cloud, networks):
    cloud.neutron.create_port(
        {
            "port": {
                "network_id": networks["blue"],
                "tenant_id": clouds.DEMO.project_id,
            }
        }
    )
    path = "network-ip-availabilities?network_name=blue"
    _, (blue,) = _network(services, path, "admin")

    assert _network(services, path) == (200, [])
    assert blue["network_id"] == networks["blue"]
    assert (blue["total_ips"], blue["used_ips"]) == (4, 2)
    assert [
        (subnet["ip_version"], subnet["total_ips"], subnet["used_ips"])
        for subnet in blue["subnet_ip_availability"]
    ] == [(4, 2, 1), (6, 2, 1)]


def test_the_waffles_reach_neutron_as_themselves(services, networks, tmp_path):
    file = tmp_path / "waffles.conf"
    file.write_text(services.access)
    access = session.load(config.read([str(file)]))
    options = dict(access.options)
    http = adapter.Adapter(
        access.session,
        service_type="network",
        interface=options.pop("valid_interfaces"),
        **options,
    )

    found = http.get("/v2.0/networks").json()["networks"]
    assert set(networks.values()) < {one["id"] for one in found}


def _interfaces(nova, server):
    path = f"/v2.1/servers/{server['id']}/os-interface"
    found = nova.call("GET", path).json["interfaceAttachments"]
    return {
        (one["net_id"], ip["ip_address"])
        for one in found
        for ip in one["fixed_ips"]
    }


def test_a_server_has_an_address_of_each_subnet(nova, cloud, networks):
    blue, red = networks["blue"], networks["red"]
    server = nova.server(networks=[{"uuid": blue}, {"uuid": red}])
    addresses = server["addresses"]
    ports = cloud.neutron.list_ports(True, device_id=server["id"])["ports"]

    assert [ip["version"] for ip in addresses["blue"]] == [4, 6]
    assert [ip["version"] for ip in addresses["red"]] == [4]
    assert _interfaces(nova, server) == {
        (networks[name], ip["addr"])
        for name, ips in addresses.items()
        for ip in ips
    }
    for port in ports:
        assert port["binding:host_id"] == server["OS-EXT-SRV-ATTR:host"]
        assert port["device_owner"] == "compute:nova"
        assert port["tenant_id"] == clouds.DEMO.project_id
    assert (cloud.neutron.used(blue), cloud.neutron.used(red)) == (2, 1)

    nova.delete(server["id"])
    assert (cloud.neutron.used(blue), cloud.neutron.used(red)) == (0, 0)


def test_a_network_runs_out_of_addresses(nova, networks):
    wanted = [{"uuid": networks["blue"]}]
    one, two = (nova.server(networks=wanted) for _ in range(2))
    body = {"server": {"name": "late", "imageRef": clouds.IMAGE,
                       "flavorRef": "1", "networks": wanted}}  # fmt: skip
    made = nova.call("POST", "/v2.1/servers", body).json["server"]["id"]
    late = nova.wait(made, "ERROR")
    full = _attach(nova, one, networks["blue"])
    nova.delete(two["id"])
    fits = _attach(nova, one, networks["blue"])
    for server in (one, late):
        nova.delete(server["id"])

    assert "No fixed IP addresses available" in late["fault"]["message"]
    assert (full.status_int, fits.status_int) == (400, 200)


def _attach(nova, server, network_id):
    return nova.call(
        "POST",
        f"/v2.1/servers/{server['id']}/os-interface",
        {"interfaceAttachment": {"net_id": network_id}},
    )


def test_an_address_can_be_asked_for_once(nova, networks):
    free = nova.server(networks=[{"uuid": networks["red"]}])
    ((_, address),) = _interfaces(nova, free)
    assert address.endswith(".0.2")
    statuses = [
        nova.call(
            "POST",
            f"/v2.1/servers/{free['id']}/os-interface",
            {
                "interfaceAttachment": {
                    "net_id": networks["red"],
                    "fixed_ips": [{"ip_address": asked}],
                }
            },
        ).status_int
        for asked in (address, address + "0", "192.0.2.1")
    ]
    nova.delete(free["id"])

    # Nova has no better answer for an address of no subnet.
    assert statuses == [409, 200, 500]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_and_frees_the_port(tmp_path, number):
    with running(tmp_path, DEMO, "--serve", "--port", "0") as process:
        port = int(_url(introduction(process)).rpartition(":")[2])
        process.send_signal(number)
        _, err = process.communicate(timeout=30)

    assert (process.returncode, err) == (0, "")
    listen.bound(port).close()


def test_a_port_in_use_is_said_in_one_line(tmp_path):
    with listen.bound() as sock:
        port = str(sock.getsockname()[1])
        with running(tmp_path, DEMO, "--serve", "--port", port) as process:
            out, err = process.communicate(timeout=30)

    assert (process.returncode, out) == (1, "")
    assert "Address already in use" in err
    assert err.count("\n") == 2


@contextlib.contextmanager
def _starting(left):
    """A context in which a signal comes, on the way in and on the way out."""
    signal.raise_signal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.raise_signal(signal.SIGINT)
        left.append("left")


def test_a_signal_waits_while_nova_is_started():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    try:
        signals = app.Signals()
        left = []
        with (
            pytest.raises(KeyboardInterrupt),
            signals.only_within(_starting(left)),
        ):
            raise AssertionError("entered")
        assert left == ["left"]
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
