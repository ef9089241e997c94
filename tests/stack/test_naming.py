"""The naming waffle in a whole cloud, by the tools that operators use."""

import pytest

from tests.stack.processes import Failed

RULES = "[waffles_naming]\npattern = [a-z]{3}-prd-[0-9]+\n"
CREATE = "server create --flavor m1.tiny --image cirros --nic none --wait"


@pytest.fixture
def repaired(cloud):
    """At the end nova-api is there again."""
    yield
    cloud.configure("")


#: How the processes of nova-api get their pipeline.
BOTH_WAYS = pytest.mark.parametrize(
    "lazy_apps", [True, False], ids=["each_its_own", "forked"]
)


@BOTH_WAYS
def test_the_client_shows_why_a_name_is_refused(cloud, lazy_apps):
    cloud.configure(RULES, lazy_apps)

    refused = cloud.openstack(f"{CREATE} Web_1", user="demo")

    assert refused.returncode != 0
    assert (
        'Server name "Web_1" breaks this cloud\'s naming policy: /server/name'
        " must match [a-z]{3}-prd-[0-9]+\n"
    ) in refused.stderr
    assert not list(cloud.demo.compute.servers(name="Web_1"))


def test_a_server_with_a_good_name_becomes_active(cloud):
    cloud.configure(RULES)

    made = cloud.openstack(f"{CREATE} -f value -c status web-prd-1", "demo")

    assert made.stdout.strip() == "ACTIVE", made.stderr


@BOTH_WAYS
def test_a_bad_option_stops_nova_api_with_one_sentence(
    cloud, lazy_apps, repaired
):
    with pytest.raises(Failed, match="nova-api ended with"):
        cloud.configure("[waffles_naming]\npatern = web\n", lazy_apps)

    (sentence,) = {
        line.partition("ConfigError: ")[2]
        for line in cloud.log("nova-api").splitlines()
        if "ConfigError: " in line
    }
    assert sentence == (
        f"{cloud.nova_conf}: [waffles_naming] patern: there is no such option"
    )


def test_the_audit_finds_a_server_that_is_older_than_the_rules(cloud):
    cloud.configure("")
    old = cloud.openstack(f"{CREATE} Old", user="demo")
    assert old.returncode == 0, old.stderr
    cloud.configure(RULES)

    audit = cloud.run(f"waffles audit --config-file {cloud.nova_conf} -f csv")

    assert audit.returncode == 1, audit.stderr
    assert '"Old"' in audit.stdout
    assert "must match [a-z]{3}-prd-[0-9]+" in audit.stdout
