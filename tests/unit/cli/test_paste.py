from pathlib import Path

import pytest

from waffles import exceptions
from waffles.cli import paste

SHIPPED = Path(__file__).parents[3] / "etc" / "api-paste.ini"

ROOT = """\
[composite:osapi_compute]
use = call:nova.api.openstack.urlmap:urlmap_factory
/v2.1/+: api
"""
APP = """\
[app:app]
paste.app_factory = nova.api.openstack.compute:APIRouterV21.factory
"""


@pytest.fixture
def read(tmp_path):
    def read(text):
        file = tmp_path / "api-paste.ini"
        file.write_text(text)
        return paste.Paste(str(file))

    return read


def _filter(name, more=""):
    return f"[filter:{name}]\npaste.filter_factory = {name}:make\n{more}\n"


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("[pipeline:api]\npipeline = a b app\n", "a b app"),
        (
            "[composite:api]\n"
            "use = call:nova.api.auth:pipeline_factory_v21\n"
            "noauth2 = b app\n"
            "keystone = a b app\n",
            "a b app",
        ),
        ("[composite:api]\nuse = app\nfilter-with = a\n", "a api"),
        ("[app:api]\nuse = app\nfilter-with = with_b\n", "b with_b api"),
        ("[pipeline:api]\npipeline = with_b app\n", "b with_b app"),
        ("[pipeline:api]\npipeline = a app\nfilter-with = b\n", "b a app"),
        ("[pipeline:api]\npipeline = a inner\n", "a b app"),
        ("[filter-app:api]\nuse = a\nnext = inner\n", "api b app"),
    ],
    ids=[
        "pipeline",
        "nova's own",
        "filter-with on an application",
        "filter-with on a filter",
        "filter-with within a pipeline",
        "filter-with on a pipeline",
        "pipeline in a pipeline",
        "filter-app",
    ],
)
def test_a_pipeline_is_read_from_top_to_bottom(read, text, sections):
    given = read(
        ROOT
        + text
        + APP
        + "[pipeline:inner]\npipeline = b app\n"
        + _filter("a")
        + _filter("b")
        + _filter("with_b", "filter-with = b")
    )
    (pipeline,) = given.pipelines()

    assert [part.section for part in pipeline.parts] == sections.split()


def test_what_stands_above_the_map_stands_in_each_pipeline(read):
    text = ROOT + "filter-with = a\n/v2/+: app\n" + _filter("a") + APP
    given = read(text.replace("/+: api", "/+: app"))

    assert [
        (pipeline.path, [part.section for part in pipeline.parts])
        for pipeline in given.pipelines()
    ] == [("/v2.1/+", ["a", "app"]), ("/v2/+", ["a", "app"])]


@pytest.mark.parametrize(
    ("path", "prefix"), [("/v2.1/+", "/v2.1"), ("/v2", "/v2"), ("/", "/")]
)
def test_a_path_has_the_prefix_of_its_requests(path, prefix):
    assert paste.Pipeline(path, ()).prefix == prefix


@pytest.mark.parametrize(
    ("text", "waffle", "keys"),
    [
        ("use = egg:waffles#naming", "naming", {}),
        ("paste.filter_factory = waffles.filters.naming:filter_factory",
         "naming", {}),
        ("use = egg:waffles#namign", "namign", {}),
        ("use = egg:waffles#naming\nconfig_file = %(here)s/w.conf", "naming",
         {"config_file": "{here}/w.conf"}),
        ("use = egg:waffles#naming\nget config_file = conf", "naming",
         {"config_file": "/etc/w.conf"}),
        ("use = other\nconfig_group = x", "metadata",
         {"config_file": "/w", "config_group": "x"}),
        ("use = egg:oslo.middleware#cors", None, {}),
        ("paste.filter_factory = keystonemiddleware.auth_token:f", None, {}),
    ],
    ids=["egg", "factory", "typo", "here", "get", "use", "oslo", "keystone"],
)  # fmt: skip
def test_a_section_of_a_waffle_is_known(read, tmp_path, text, waffle, keys):
    given = read(
        f"[DEFAULT]\nconf = /etc/w.conf\n[filter:it]\n{text}\n"
        "[filter:other]\nuse = egg:waffles#metadata\nconfig_file = /w\n"
    )
    part, _ = given.filters()

    assert (part.section, part.waffle) == ("it", waffle)
    assert part.keys == {
        key: value.format(here=tmp_path) for key, value in keys.items()
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "No section 'osapi_compute'"),
        (ROOT, "No section 'api'"),
        (ROOT + "[pipeline:api]\npipeline = a app\n" + APP, "No section 'a'"),
        (ROOT + "[app:api]\n", r"\[app:api\] does not say what it is"),
        (ROOT + "[app:api]\nuse = api\n", "a section leads to itself"),
        (ROOT + "[app:api]\nuse = %(nothing)s\n", "nothing"),
        (ROOT + "[pipeline:api]\nx = y\n", "missing a 'pipeline' setting"),
        ("no section = x\n", "no section headers"),
        (APP + APP, "already exists"),
    ],
    ids=[
        "empty",
        "no application",
        "no filter",
        "nothing in it",
        "circle",
        "interpolation",
        "no pipeline",
        "no ini",
        "twice",
    ],
)
def test_what_nova_would_not_start_with_is_told(read, text, reason):
    with pytest.raises(exceptions.ConfigError, match=reason) as caught:
        read(text).pipelines()

    assert "api-paste.ini: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(exceptions.ConfigError, match="No such file"):
        paste.Paste(str(tmp_path / "none"))


def test_the_shipped_file_has_the_waffles_in_both_pipelines():
    pipelines = {
        pipeline.path: [part.waffle for part in pipeline.waffles]
        for pipeline in paste.Paste(str(SHIPPED)).pipelines()
    }

    assert pipelines["/v2.1/+"] == pipelines["/v2/+"]
    assert "naming" in pipelines["/v2/+"]
    assert pipelines["/v2"] == []
