import pytest
from oslo_config import cfg

from waffles import config, exceptions
from waffles.filters import metadata, naming


@pytest.fixture
def file(tmp_path):
    return tmp_path / "waffles.conf"


def _load(file, text, **paste):
    file.write_text(text)
    return config.load(
        "naming", naming.OPTS, {"config_file": str(file)} | paste
    )


def test_values_have_their_types(file):
    section = _load(
        file, "[waffles_naming]\nmax_length = 9\npattern = a\npattern = b,c\n"
    )

    assert section["max_length"] == 9
    assert section["pattern"] == ["a", "b,c"]
    assert section["mode"] == "enforce"


@pytest.mark.parametrize("pattern", ["^[a-z]+$", "a$|b", "(a|b)$", "[$]a"])
def test_a_dollar_in_a_pattern_stays_one(file, pattern):
    section = _load(file, f"[waffles_naming]\npattern = {pattern}\n")

    assert section["pattern"] == [pattern]


@pytest.mark.parametrize("pattern", [r".*\$.*", "a$mode", "a$none"])
def test_a_dollar_that_oslo_config_would_take_away_is_named(file, pattern):
    file.write_text(f"[waffles_naming]\ndeny_pattern = {pattern}\n")

    with pytest.raises(exceptions.ConfigError, match=r"write \[\$\] for"):
        naming.filter_factory({}, config_file=str(file))


def test_a_group_in_capitals_is_no_way_round(file):
    file.write_text("[WAFFLES_NAMING]\npattern = x$mode\n")

    with pytest.raises(exceptions.ConfigError, match="for a dollar"):
        naming.filter_factory({}, config_file=str(file))


def test_another_group_can_be_named(file):
    section = _load(
        file,
        "[waffles_naming]\nmax_length = 9\n[strict]\nmax_length = 5\n",
        config_group="strict",
    )

    assert section["max_length"] == 5


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[waffles_naming]\npatern = a\n",
            "{file}: [waffles_naming] patern: there is no such option",
        ),
        (
            "[WAFFLES_NAMING]\npatern = a\n",
            "{file}: [waffles_naming] patern: there is no such option",
        ),
        (
            "[waffles_naming]\nmax_length = many\n",
            "{file}: [waffles_naming] max_length: ",
        ),
        (
            "[waffles_naming]\nmax_length = 256\n",
            "{file}: [waffles_naming] max_length: ",
        ),
        (
            "[waffles_naming]\nmode = enforced\n",
            "{file}: [waffles_naming] mode: ",
        ),
        ("no group = 1\n", "{file}: "),
        ("[waffles_naming\n", "{file}: "),
    ],
)
def test_what_is_wrong_is_named(file, text, sentence):
    with pytest.raises(exceptions.ConfigError) as caught:
        _load(file, text)

    said = str(caught.value)
    assert said.startswith(sentence.format(file=file))
    assert "\n" not in said


def test_a_file_that_is_not_there_is_named(file):
    with pytest.raises(exceptions.ConfigError, match=f"{file}: cannot be re"):
        config.load("naming", naming.OPTS, {"config_file": str(file)})


def test_a_file_that_is_no_text_is_named(file):
    file.write_bytes(b"[waffles_naming]\npattern = \xff\n")

    with pytest.raises(exceptions.ConfigError, match=f"{file}: cannot be re"):
        config.load("naming", naming.OPTS, {"config_file": str(file)})


def test_an_option_in_the_paste_section_is_refused():
    with pytest.raises(
        exceptions.ConfigError,
        match=r"^api-paste.ini: \[egg:waffles#naming\] pattern: a waf",
    ):
        config.load("naming", naming.OPTS, {"pattern": "a"})


def test_a_group_that_is_named_and_not_there_is_refused(file):
    with pytest.raises(exceptions.ConfigError, match="config_group: there is"):
        _load(file, "[waffles_naming]\n", config_group="strict")


@pytest.mark.parametrize(
    ("text", "warned"), [("", True), ("[Waffles_naming]\n", False)]
)
def test_a_waffle_without_a_group_is_warned_of(file, caplog, text, warned):
    _load(file, text)

    assert ("Waffle naming has no rules" in caplog.text) is warned


def test_what_oslo_policy_dislikes_is_not_logged_twice(file, caplog):
    file.write_text("[waffles_naming]\nwhen = member\n")
    with pytest.raises(exceptions.ConfigError):
        naming.filter_factory({}, config_file=str(file))

    assert caplog.records == []


def test_a_process_without_a_configuration_says_what_to_do(monkeypatch):
    monkeypatch.setattr(cfg, "CONF", cfg.ConfigOpts())

    with pytest.raises(exceptions.ConfigError, match="say config_file"):
        config.load("naming", naming.OPTS, {})


def test_the_processs_own_configuration_is_read(monkeypatch, file):
    file.write_text("[waffles_naming]\nmax_length = 9\n")
    monkeypatch.setattr(cfg, "CONF", config.read([str(file)]))

    assert config.load("naming", naming.OPTS, {})["max_length"] == 9


def test_files_of_a_folder_are_read_too(tmp_path, file):
    file.write_text("")
    folder = tmp_path / "conf.d"
    folder.mkdir()
    more = folder / "more.conf"
    more.write_text("[waffles_naming]\nmode = audit\nmodus = x\n")
    conf = cfg.ConfigOpts()
    conf([f"--config-file={file}", f"--config-dir={folder}"])

    with pytest.raises(exceptions.ConfigError) as caught:
        config.section(conf, "waffles_naming", naming.OPTS)
    assert f"{more}: [waffles_naming] modus: " in str(caught.value)


@pytest.mark.parametrize(
    ("module", "text", "reason"),
    [
        (naming, "pattern = [", "pattern: [: "),
        (naming, "deny_pattern = (?=a)", "deny_pattern: (?=a): "),
        (naming, "pattern =", "pattern: it is empty"),
        (naming, "pattern = a  # b", "pattern: 'a  # b': one pattern a line"),
        (naming, "pattern = a\n  b", "pattern: 'a\\nb': one pattern a line"),
        (naming, "mode = warn\nmode = off", "mode: it is given twice"),
        (
            metadata,
            "protected_keys = a\nprotected_keys = b",
            "protected_keys: it is given twice",
        ),
        (metadata, "allowed_keys = téam", "allowed_keys: 'téam' cannot be"),
        (naming, "pattern = a$b", "pattern: no such option b"),
        (
            naming,
            "min_length = 9\nmax_length = 8",
            "min_length: it is above max_length (8)",
        ),
        (
            metadata,
            "defaults = a=b\ndefaults = a=c",
            "defaults: a is given twice",
        ),
        (metadata, "defaults = a=" + "x" * 256, "defaults: a=x"),
        (naming, "when = member", "when: 'member' is not"),
        (naming, "exempt = rule:x", "exempt: rule:x: 'rule' is neither"),
        (metadata, "schema_file = /none", "schema_file: /none cannot be"),
        (metadata, "defaults = owner", "defaults: 'owner' is not key=value"),
        (metadata, "defaults = a={b}", "defaults: a={b}: {b} is none of"),
        (metadata, "defaults = a={", "defaults: a={: "),
        (metadata, "defaults = a={user_id!r}", "defaults: a={user_id!r}: "),
        (metadata, "required_keys = a/b", "required_keys: 'a/b' cannot"),
        (
            metadata,
            "required_keys = owner\nimmutable_keys = Owner",
            "immutable_keys: Owner and owner are one key",
        ),
        (metadata, "protected_rule = x", "protected_rule: 'x' is not"),
    ],
)
def test_an_option_that_cannot_be_a_rule_is_named(file, module, text, reason):
    name = module.__name__.rpartition(".")[2]
    file.write_text(f"[waffles_{name}]\n{text}\n")

    with pytest.raises(exceptions.ConfigError) as caught:
        module.filter_factory({}, config_file=str(file))
    assert str(caught.value).startswith(f"{file}: [waffles_{name}] {reason}")
