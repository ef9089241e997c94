"""The files that waffles comes with, and the rules in its sample."""

import re
import sysconfig
from collections.abc import Collection
from pathlib import Path

from waffles import opts

#: Not in the rules of the demo: one names a file, one lets people through.
LEFT_OUT = {"schema_file", "exempt"}

_CHECKOUT = Path(__file__).parents[2] / "etc"
_INSTALLED = Path(sysconfig.get_path("data"), "etc", "waffles")


def shipped(name: str) -> Path:
    """A file of ``etc``: of the checkout, else of the installation.

    :raises FileNotFoundError: it is in neither
    """
    for folder in (_CHECKOUT, _INSTALLED):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{name} is not in {_CHECKOUT} or {_INSTALLED}.")


def rules(*groups: str) -> str:
    """Groups of the shipped sample configuration, their examples in force."""
    return uncommented(shipped("waffles.conf.sample").read_text(), groups)


def uncommented(sample: str, groups: Collection[str]) -> str:
    """Groups of a sample configuration, with its examples in force.

    An example is an option whose value in the sample is not its default.
    """
    group, lines = "", []
    examples = {
        (name, opt.name)
        for name, group_opts in opts.list_opts()
        for opt in group_opts
        if opt.sample_default is not None and opt.name not in LEFT_OUT
    }
    for line in sample.splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            group = header[1]
        option = re.match(r"#(\w+) = ", line)
        is_example = option and (group, option[1]) in examples
        if group in groups:
            lines.append(line[1:] if is_example else line)
    return "\n".join(lines) + "\n"


def effective(text: str) -> list[str]:
    """The lines of a configuration that say something."""
    lines = [line for line in text.splitlines() if line[:1] not in ("", "#")]
    after = [*lines[1:], "["]
    # A group without options says nothing.
    return [
        line
        for line, following in zip(lines, after, strict=True)
        if not (line.startswith("[") and following.startswith("["))
    ]
