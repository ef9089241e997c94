"""Every option and every rule: for generators of samples, docs and checks."""

import importlib
import pkgutil
from types import ModuleType

from oslo_config import cfg
from oslo_policy import policy

from waffles import filters
from waffles.clients import session


def waffles() -> dict[str, ModuleType]:
    """The modules of all waffles by name."""
    return {
        module.name: importlib.import_module(f"waffles.filters.{module.name}")
        for module in pkgutil.iter_modules(filters.__path__)
    }


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Groups and their options: entry point ``oslo.config.opts``."""
    return [
        (session.GROUP, session.sample_opts()),
        *(
            (f"waffles_{name}", list(module.OPTS))
            for name, module in waffles().items()
        ),
        *(
            (group, list(options))
            for module in waffles().values()
            for group, options in getattr(module, "GROUPS", {}).items()
        ),
    ]


def list_rules() -> list[policy.RuleDefault]:
    """Rules and their defaults: entry point ``oslo.policy.policies``."""
    return [
        rule
        for module in waffles().values()
        for rule in getattr(module, "RULES", ())
    ]
