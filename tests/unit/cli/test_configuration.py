import pytest

from waffles import exceptions, opts
from waffles.cli import configuration
from waffles.cli.configuration import Use

SAY = " (if a config_group names it, say --api-paste)"


@pytest.fixture
def found(tmp_path):
    file = tmp_path / "waffles.conf"

    def found(text):
        file.write_text(text)
        uses = configuration.default_uses([str(file)])
        problems = configuration.problems(uses, [str(file)])
        assert {problem.file for problem in problems} <= {str(file)}
        return [tuple(problem[1:]) for problem in problems]

    return found


@pytest.mark.parametrize(
    "text",
    [
        "[waffles_naming]\n[DEFAULT]\nanything = x\n[api]\nx = y\n",
        "[waffles_naming]\npattern = web-.*\nunique = cloud\n",
        "[WAFFLES_NAMING]\nmode = off\n",
        "[waffles_naming]\n[waffles]\nauth_type = none\nendpoint = x\n",
    ],
    ids=["nova's", "right", "capitals", "access"],
)
def test_what_is_right_is_no_problem(found, text):
    assert found(text) == []


CELLS = (
    "[waffles_cells]\nenabled_cells = east, west\n"
    "[waffles_cell_east]\nnumber = 1\nendpoint = http://e/v2.1\nhome = true\n"
    "[waffles_cell_west]\nnumber = 2\nendpoint = http://w/v2.1\n"
)


def test_cells_have_groups_of_their_own(found):
    assert found(CELLS) == []


def test_a_cell_that_is_not_enabled_is_a_problem(found):
    more = "[waffles_cell_north]\nnumber = 3\n"

    assert found(CELLS + more) == [
        ("waffles_cell_north", "", "enabled_cells does not name north")
    ]


@pytest.mark.parametrize("text", ["", "[api]\nx = y\n"])
def test_without_any_group_no_waffle_has_rules(found, text):
    assert found(text) == [
        (f"waffles_{name}", "", "no such group: the waffle has no rules")
        for name in opts.waffles()
    ]


@pytest.mark.parametrize(
    ("group", "problem"),
    [
        ("waffles_namign", "; is it [waffles_naming]?" + SAY),
        ("waffles_gpu", SAY),
        ("waffle_naming", "; is it [waffles_naming]?"),
        ("wafles_naming", "; is it [waffles_naming]?"),
        ("WAFFLE_NAMING", "; is it [waffles_naming]?"),
        ("waffles-metadata", "; is it [waffles_metadata]?"),
        ("naming", "; is it [waffles_naming]?"),
        ("waffle", "; is it [waffles]?"),
    ],
)
def test_a_group_that_no_waffle_reads_is_a_problem(found, group, problem):
    assert found(f"[waffles_naming]\n[{group}]\n") == [
        (group, "", f"no waffle reads it{problem}")
    ]


@pytest.mark.parametrize(
    "group",
    """api api_database barbican cinder compute conductor console database
    filter_scheduler glance guestfs image_cache keystone keystone_authtoken
    libvirt metrics neutron notifications oslo_messaging_notifications
    oslo_middleware oslo_policy pci placement quota remote_debug scheduler
    serial_console service_user spice upgrade_levels vendordata_dynamic_auth
    vnc workarounds wsgi""".split(),
)
def test_a_group_of_novas_is_none_of_ours(found, group):
    assert found(f"[waffles_naming]\n[{group}]\nx = y\n") == []


def test_a_wrong_option_of_our_own_access_is_a_problem(found):
    text = "[waffles_naming]\n[waffles]\nauth_type = none\ntokn = x\n"

    assert found(text) == [("waffles", "tokn", "there is no such option")]


def test_an_error_says_where_it_is():
    error = exceptions.ConfigError("why: x", "/a.conf", "g", "o")

    assert configuration.of_error(error) == ("/a.conf", "g", "o", "why: x")


@pytest.mark.parametrize(
    ("group", "label"),
    [("waffles_naming", "naming"), ("gpu", "naming (gpu)")],
)
def test_a_waffle_with_a_group_of_another_name_says_so(group, label):
    assert Use("naming", (), group).label == label


def test_a_use_knows_whether_it_is_configured(tmp_path):
    file = tmp_path / "waffles.conf"
    file.write_text("[Waffles_Naming]\n")

    assert Use("naming", (str(file),), "waffles_naming").configured
    assert not Use("naming", (str(file),), "other").configured
