"""Who may do what with the cells: the rules of oslo.policy."""

from waffles import guards

PREFIX = "waffles:cells:"

ADMIN = "role:admin"

RULES = (
    guards.rule(
        f"{PREFIX}target",
        ADMIN,
        "Choose the cells that a request is for: X-Waffles-Cell.",
        "GET /flavors",
        "GET /os-aggregates",
        "POST /os-aggregates",
    ),
    guards.rule(
        f"{PREFIX}list",
        ADMIN,
        "See the cells, and how they answer.",
        "GET /os-waffles/cells",
    ),
    guards.rule(
        f"{PREFIX}drift",
        ADMIN,
        "See how cells differ from home in their flavors.",
        "GET /os-waffles/drift",
    ),
)
