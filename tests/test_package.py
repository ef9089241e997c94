"""What holds for the whole package: a new waffle touches four files."""

import configparser
import inspect
import re
import subprocess
import sys
import textwrap
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from oslo_policy import policy
from paste import deploy

import waffles
from waffles import operations, opts

ROOT = Path(__file__).parents[1]
PASTE = ROOT / "etc" / "api-paste.ini"
WAFFLES = opts.waffles()
RULES = opts.list_rules()
#: What imports Nova is tested on Nova, in tests/functional.
ON_NOVA = {"demo", "scheduler"}
MODULES = sorted(
    path.relative_to(ROOT / "waffles")
    for path in (ROOT / "waffles").rglob("*.py")
    if path.name != "__init__.py"
    and ON_NOVA.isdisjoint((path.parent.name, path.stem))
    and "migrations" not in path.parts  # run by each test of the store
)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_has_a_test_of_its_own(module):
    assert (ROOT / "tests/unit" / module.with_stem(f"test_{module.stem}")
            ).is_file()  # fmt: skip


@pytest.mark.parametrize("name", WAFFLES)
def test_every_waffle_is_an_entry_point(name):
    (found,) = metadata.entry_points(group="paste.filter_factory", name=name)

    assert found.load() is WAFFLES[name].filter_factory


@pytest.mark.parametrize("name", WAFFLES)
def test_every_waffle_is_in_the_shipped_pipeline(name, tmp_path):
    """Its section loads as PasteDeploy loads it, with the keys it shows."""
    text = PASTE.read_text()
    conf = tmp_path / "waffles.conf"
    access = "[waffles]\nauth_type = none\nendpoint = http://127.0.0.1:1\n"
    conf.write_text(f"[waffles_{name}]\n{access}")
    section = re.search(rf"\[filter:{name}\]\n(?:.+\n)+", text)[0]
    assert f"use = egg:waffles#{name}\n" in section
    shown = section.replace("/etc/waffles/waffles.conf", str(conf))
    ini = tmp_path / "paste.ini"
    ini.write_text(re.sub(r"(?m)^#|filter-with.*\n", "", shown))

    assert deploy.loadfilter(f"config:{ini}", name=name)


def test_every_waffle_stands_above_the_application():
    ini = configparser.ConfigParser()
    ini.read(PASTE)
    chain, section = [], ini["app:osapi_compute_app_v21"]
    while "filter-with" in section:
        chain.append(section["filter-with"])
        section = ini[f"filter:{chain[-1]}"]

    assert sorted(chain) == sorted(WAFFLES)


@pytest.mark.parametrize("name", WAFFLES)
def test_every_option_has_help(name):
    assert all(opt.help for opt in WAFFLES[name].OPTS)


@pytest.mark.parametrize("name", WAFFLES)
def test_the_manual_shows_every_option_as_the_sample_does(name):
    """The docstring's section is the sample's, without the comments."""
    manual = inspect.getdoc(WAFFLES[name]).rpartition("::\n\n")[2]
    sample = (ROOT / "etc/waffles.conf.sample").read_text()
    group = sample.partition(f"[waffles_{name}]\n")[2].partition("\n[")[0]
    options = re.findall(r"^#(\w+ = .+)$", group, re.MULTILINE)

    assert textwrap.dedent(manual).strip().splitlines() == [
        f"[waffles_{name}]",
        *options,
    ]


@pytest.mark.parametrize(
    ("command", "generator", "sample"),
    [
        (
            "oslo-config-generator",
            "oslo-config-generator.conf",
            "waffles.conf.sample",
        ),
        (
            "oslopolicy-sample-generator",
            "oslo-policy-generator.conf",
            "policy.yaml.sample",
        ),
    ],
    ids=["options", "rules"],
)
def test_the_samples_are_as_generated(tmp_path, command, generator, sample):
    made = tmp_path / "sample"
    subprocess.run(  # noqa: S603
        [
            Path(sys.executable).with_name(command),
            f"--config-file={ROOT / 'etc' / generator}",
            f"--output-file={made}",
        ],
        check=True,
        capture_output=True,
        cwd=ROOT,
    )

    shipped = (ROOT / "etc" / sample).read_text()
    assert made.read_text() == shipped, "run: tox -e genconfig"


def test_the_rules_are_an_entry_point():
    (found,) = metadata.entry_points(
        group="oslo.policy.policies", name="waffles"
    )

    assert found.load() is opts.list_rules


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_is_documented(rule):
    assert isinstance(rule, policy.DocumentedRuleDefault)
    assert rule.name.startswith("waffles:")
    assert rule.description
    assert rule.operations


def test_the_sample_of_rules_has_each_of_them_in_comments():
    text = (ROOT / "etc/policy.yaml.sample").read_text()
    lines = "\n".join(re.findall('^#("waffles:.*)$', text, re.MULTILINE))

    assert yaml.safe_load(text) is None
    assert yaml.safe_load(lines) == {
        rule.name: rule.check_str for rule in RULES
    }


@pytest.mark.parametrize("name", WAFFLES)
def test_every_guarded_operation_exists(name):
    (waffle,) = (
        found
        for found in vars(WAFFLES[name]).values()
        if inspect.isclass(found) and found.__module__.endswith(f".{name}")
        and hasattr(found, "operations")
    )  # fmt: skip

    assert waffle.operations <= operations.NAMES


def test_ci_runs_the_test_command_of_the_readme():
    """Word by word, so that what a newcomer types is what is tested."""
    command, stack = (ROOT / ".ci/run").read_text().splitlines()[-2:]

    assert f"    {command}\n" in (ROOT / "README.rst").read_text()
    assert stack == ".venv/bin/tox -e stack"


def test_the_layers_are_as_they_are_drawn():
    drawn = re.search(r"only::\n\n(.+?)\n\n", waffles.__doc__, re.DOTALL)[1]
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    layers = setup["importlinter:contract:layers"]["layers"]

    assert drawn.split() == layers.split()
