"""The settings of a section of a configuration."""

from typing import Any

from tests import fakes
from waffles.recovery import options


def settings(tmp_path: Any, **said: object) -> options.Settings:
    """The defaults, but for what is said."""
    text = "".join(f"{name} = {value}\n" for name, value in said.items())
    return options.Settings.of(
        fakes.section(options.GROUP, text, tmp_path, options.OPTS)
    )
