"""What is wrong with the configuration of waffles.

Each waffle is built as the pipeline would build it; what it refuses is the
problem.
"""

import difflib
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from waffles import config, exceptions, opts
from waffles.cells import options as cells
from waffles.clients import session

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

Build = Callable[["WSGIApplication"], "WSGIApplication"]


_PREFIX = "waffles_"

#: How much a group must be like one of ours to be a slip of the pen.
_ALIKE = 0.85

_NAMED = " (if a config_group names it, say --api-paste)"


class Problem(NamedTuple):
    """One thing that is wrong, and where; what is unknown is empty."""

    file: str
    group: str
    option: str
    problem: str


class Use(NamedTuple):
    """Where a waffle reads its options.

    :param files: those of the process, or the one that ``config_file`` names
    """

    waffle: str
    files: tuple[str, ...]
    group: str

    @property
    def label(self) -> str:
        """Its name; and its group, when that is not named after it."""
        own = self.group == f"waffles_{self.waffle}"
        return self.waffle if own else f"{self.waffle} ({self.group})"

    @property
    def configured(self) -> bool:
        """Whether any file has its group."""
        return any(
            self.reads(file, group)
            for file in self.files
            for group in config.sections(file)
        )

    def reads(self, file: str, group: str) -> bool:
        """Whether a group of a file is what it reads."""
        return file in self.files and group.lower() == self.group.lower()


def default_uses(files: Iterable[str]) -> list[Use]:
    """All waffles, each with the group that is named after it."""
    return [
        Use(name, tuple(files), f"waffles_{name}") for name in opts.waffles()
    ]


def build(use: Use) -> Build:
    """What puts a waffle above an application, as in the pipeline.

    :raises ConfigError: an option is wrong
    """
    module = opts.waffles()[use.waffle]
    section = config.section(config.read(use.files), use.group, module.OPTS)
    made: Build = module.configured(section)
    return made


def problems(
    uses: Iterable[Use], files: Iterable[str], place: str = ""
) -> list[Problem]:
    """Everything that is wrong with files, and with what waffles read there.

    :param files: those whose groups are looked through
    :param place: the api-paste.ini that the uses are of
    """
    uses, files = list(uses), list(files)
    looks: list[Callable[[], Iterable[Problem]]] = [
        *(functools.partial(_of_use, use) for use in uses),
        *(
            functools.partial(_of_missing, use, [use] if place else uses)
            for use in uses
        ),
        *(functools.partial(_of_groups, f, uses, place) for f in files),
        functools.partial(_of_access, files),
    ]
    found = [problem for look in looks for problem in _looked(look)]
    return list(dict.fromkeys(found))


def _looked(look: Callable[[], Iterable[Problem]]) -> list[Problem]:
    try:
        return list(look())
    except exceptions.ConfigError as error:
        return [of_error(error)]


def _of_use(use: Use) -> list[Problem]:
    build(use)
    return []


def _of_missing(use: Use, uses: Iterable[Use]) -> Iterator[Problem]:
    """A waffle without rules.

    :param uses: of which one at least has to have a group
    """
    if not any(one.configured for one in uses):
        problem = "no such group: the waffle has no rules"
        yield Problem(", ".join(use.files), use.group, "", problem)


def of_error(error: exceptions.ConfigError) -> Problem:
    """The problem that a ConfigError tells of."""
    return Problem(error.file, error.group, error.option, error.why)


def _of_groups(file: str, uses: list[Use], place: str) -> Iterator[Problem]:
    known = {group for group, _ in opts.list_opts()}
    for group in config.sections(file):
        if any(use.reads(file, group) for use in uses):
            continue
        if group.lower() in known:
            if place and group.lower() != session.GROUP:
                problem = f"no waffle in {place} reads it"
                yield Problem(file, group, "", problem)
            continue
        if cell := _cell(file, group.lower()):
            if cell not in _cells(file):
                problem = f"enabled_cells does not name {cell}"
                yield Problem(file, group, "", problem)
            continue
        meant = _meant(group.lower(), known)
        ours = group.lower().startswith(_PREFIX)
        if meant or ours:
            asked = f"; is it [{meant}]?" if meant else ""
            named = "" if place or not ours else _NAMED
            yield Problem(file, group, "", f"no waffle reads it{asked}{named}")


def _cell(file: str, group: str) -> str:
    """The cell whose options a group has; empty for none."""
    prefix = cells.group_of("")
    named = cells.GROUP in config.sections(file)
    return group.removeprefix(prefix) if named and prefix in group else ""


def _cells(file: str) -> set[str]:
    """The cells that a file enables."""
    values = config.sections(file)[cells.GROUP].get("enabled_cells", [""])
    return {name.strip() for name in values[-1].split(",")}


def _meant(group: str, known: Iterable[str]) -> str:
    """The group that was meant, if any; Nova has groups of its own."""
    names = opts.waffles()
    if group.startswith(_PREFIX):
        near = difflib.get_close_matches(group.removeprefix(_PREFIX), names, 1)
        return _PREFIX + near[0] if near else ""
    if group in names:
        return _PREFIX + group
    near = difflib.get_close_matches(group, known, 1, _ALIKE)
    return near[0] if near else ""


def _of_access(files: list[str]) -> list[Problem]:
    """The group [waffles] is the command's own; no waffle reads it."""
    if any(session.GROUP in config.sections(file) for file in files):
        session.load(config.read(files))
    return []
