"""Configuration: oslo.config groups and files, or a ConfigError at start.

api-paste.ini says where a waffle stands, oslo.config what it does.  A waffle
reads the group ``waffles_<name>`` of the process's own configuration
(nova.conf) or, where its section in api-paste.ini says ``config_file``, of
that file; ``config_group`` names another group, so that one waffle can stand
in a pipeline twice.  This is the only module that knows of ``cfg.CONF``.
"""

import dataclasses
import glob
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from oslo_config import cfg, iniparser

from waffles import exceptions, patterns

#: What a waffle's section in api-paste.ini may say.
PASTE_KEYS = frozenset({"config_file", "config_group"})

LOG = logging.getLogger(__name__)

#: What comes of a $ that oslo.config cannot fill in.
_SUBSTITUTION = (
    cfg.NoSuchOptError,
    cfg.NoSuchGroupError,
    cfg.TemplateSubstitutionError,
)
_DOLLAR = (
    "oslo.config takes a $ before a word for an option, and \\$ for $: write"
    " [$] for a dollar in a pattern, $$ elsewhere"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """One group of options, read and of the right types.

    :param values: option name (dest) -> value
    :param origin: where the group was looked for, for messages
    """

    conf: cfg.ConfigOpts
    group: str
    origin: str
    values: Mapping[str, Any]

    def __getitem__(self, option: str) -> Any:
        return self.values[option]

    def pattern(self, option: str, text: str, **how: Any) -> patterns.Pattern:
        """A regular expression of an option, compiled.

        :raises ConfigError: it is none, or a request could make it slow
        """
        if not text:
            raise self.error(option, "it is empty")
        if "\n" in text or " #" in text:
            raise self.error(option, f"{text!r}: one pattern a line, no more")
        raw = self._raw(option)
        if text not in raw and any("$" in line for line in raw):
            raise self.error(option, f"{text}: {_DOLLAR}")
        try:
            return patterns.compiled(text, **how)
        except ValueError as error:
            raise self.error(option, f"{text}: {error}") from None

    @property
    def present(self) -> bool:
        """Whether any file has the group."""
        return any(
            name.lower() == self.group.lower()
            for file in files_of(self.conf)
            for name in sections(file)
        )

    @property
    def given(self) -> bool:
        """Whether any file sets an option of the group."""
        return any(
            options
            for groups in self.raw.values()
            for name, options in groups.items()
            if name.lower() == self.group.lower()
        )

    @property
    def raw(self) -> dict[str, dict[str, dict[str, list[str]]]]:
        """All that the files say, before oslo.config fills in anything."""
        return {file: sections(file) for file in files_of(self.conf)}

    def _raw(self, option: str) -> list[str]:
        return [
            line
            for group in self.raw.values()
            for name, options in group.items()
            if name.lower() == self.group.lower()
            for line in options.get(option, ())
        ]

    def error(self, option: str, why: object) -> exceptions.ConfigError:
        """The sentence for an option that is wrong; to be raised."""
        found = self.conf.get_location(option, self.group)
        # Of a default that is not set here oslo.config may know no place.
        is_file = found is not None and os.path.exists(found.detail or "")
        file = found.detail if found and is_file else self.origin
        return exceptions.ConfigError(str(why), file, self.group, option)


def load(
    name: str,
    opts: Sequence[cfg.Opt],
    paste: Mapping[str, str],
    ini: str = "api-paste.ini",
) -> Section:
    """Read the options of the waffle called ``name``.

    :param paste: its section of api-paste.ini, without ``use``
    :param ini: that file
    :raises ConfigError: an unknown key or option, a value of a wrong type,
        a file that cannot be read, a config_group that is not there
    """
    place = f"egg:waffles#{name}"
    for key in sorted(paste.keys() - PASTE_KEYS):
        raise exceptions.ConfigError(
            f"a waffle's section takes {' and '.join(sorted(PASTE_KEYS))}"
            f" only; options belong in group [waffles_{name}] of the"
            f" configuration file",
            ini,
            place,
            key,
        )
    file, group = paste.get("config_file"), paste.get("config_group")
    conf = _process_conf(name) if file is None else read([file])
    found = section(conf, group or f"waffles_{name}", opts)
    if not found.present and group:
        why = f"there is no such group in {found.origin}"
        raise exceptions.ConfigError(why, ini, place, "config_group")
    if not found.present:
        LOG.warning(
            "Waffle %s has no rules: there is no group [%s] in %s",
            name,
            found.group,
            found.origin,
        )
    return found


def section(
    conf: cfg.ConfigOpts, group: str, opts: Sequence[cfg.Opt]
) -> Section:
    """Read one group of a configuration.

    :raises ConfigError: an unknown option, a value of a wrong type
    """
    files = files_of(conf)
    for file in files:
        _refuse_unknown(file, group, opts)
    conf.register_opts(opts, group=group)
    origin = ", ".join(files) or "the configuration"
    values = {opt.dest: _value(conf, group, opt, origin) for opt in opts}
    return Section(conf, group, origin, values)


def read(files: Iterable[str]) -> cfg.ConfigOpts:
    """Parse files into a configuration of their own.

    :raises ConfigError: a file cannot be read or parsed
    """
    files = list(files)
    for file in files:
        sections(file)
    conf = cfg.ConfigOpts()
    conf(
        args=[],
        project="waffles",
        default_config_files=files,
        default_config_dirs=[],
    )
    return conf


def sections(file: str) -> dict[str, dict[str, list[str]]]:
    """The raw text of a file: group -> option -> values.

    :raises ConfigError: the file cannot be read or parsed
    """
    found: dict[str, dict[str, list[str]]] = {}
    try:
        cfg.ConfigParser(file, found).parse()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", error)
        raise exceptions.ConfigError(f"cannot be read: {why}", file) from None
    except iniparser.ParseError as error:
        raise exceptions.ConfigError(str(error), file) from None
    return found


def files_of(conf: cfg.ConfigOpts) -> list[str]:
    """The files that a parsed configuration was read from."""
    files = list(conf.config_file or [])
    for folder in conf.config_dir or []:
        files += sorted(glob.glob(os.path.join(folder, "*.conf")))
    return [file for file in files if os.path.exists(file)]


def of_process(option: str) -> Any:
    """An option of the process's own, such as one of Nova's.

    None where the process has no such option.
    """
    try:
        return cfg.CONF[option]
    except cfg.NoSuchOptError:
        return None


def _process_conf(name: str) -> cfg.ConfigOpts:
    if "config_file" not in cfg.CONF:
        raise exceptions.ConfigError(
            f"waffle {name}: this process has read no configuration; say"
            f" config_file in the waffle's section of api-paste.ini"
        )
    return cfg.CONF


def _refuse_unknown(file: str, group: str, opts: Sequence[cfg.Opt]) -> None:
    known = {name for opt in opts for name in (opt.name, opt.dest)}
    several = {opt.dest for opt in opts if opt.multi}
    for name, options in sections(file).items():
        if name.lower() != group.lower():
            continue
        for option in options.keys() - known:
            raise exceptions.ConfigError(
                "there is no such option", file, group, option
            )
        for option in options.keys() - several:
            if len(options[option]) > 1:
                raise exceptions.ConfigError(
                    "it is given twice, and only the last would count",
                    file,
                    group,
                    option,
                )


def _value(conf: cfg.ConfigOpts, group: str, opt: cfg.Opt, origin: str) -> Any:
    try:
        return conf[group][opt.dest]
    except _SUBSTITUTION as error:
        why = f"{error}: {_DOLLAR}"
        raise exceptions.ConfigError(why, origin, group, opt.name) from None
    except (cfg.Error, ValueError) as error:
        # oslo.config says where first, in its own way.
        why = str(error).rpartition(" is not valid: ")[2]
        raise exceptions.ConfigError(why, origin, group, opt.name) from None
