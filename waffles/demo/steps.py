"""The steps of the walk: requests, and the answers that are expected."""

from typing import Any, NamedTuple

from waffles.demo.cloud import IMAGE

#: A server that was there before the rules.
OLD = "Old Server"


class Step(NamedTuple):
    """One request.

    :param sentence: what is shown by it; empty where that was said before
    :param path: ``{id}`` stands for the server that the walk has made last,
        ``{aggregate}`` for the host aggregate, ``{recovery}`` for the recovery
    :param status: the one that is expected
    :param says: a text that the answer must have
    """

    sentence: str
    method: str
    path: str
    body: Any
    status: int
    says: str = ""
    user: str = "demo"


def server(name: str) -> dict[str, Any]:
    """The body of a create."""
    about = {"imageRef": IMAGE, "flavorRef": "1", "networks": "none"}
    return {"server": {"name": name, **about}}


BEFORE = (
    Step(
        "Without rules a server may have any name.",
        "POST",
        "/v2.1/servers",
        server(OLD),
        202,
    ),
)

NAMES = (
    Step(
        "A name against the rules is refused; the answer has every reason.",
        "POST",
        "/v2.1/servers",
        server("Web_1"),
        403,
        "/server/name must match [a-z]{3}-(prd|dev)-[a-z0-9-]+;"
        " /server/name must have at least 8 characters",
    ),
    Step(
        "The old endpoint /v2 is no way around them.",
        "POST",
        "/v2/servers",
        server("Web_1"),
        403,
        "breaks this cloud's naming policy",
    ),
    Step(
        "A good name passes, and Nova makes the server.",
        "POST",
        "/v2.1/servers",
        server("web-prd-1"),
        202,
    ),
    Step(
        "It is ACTIVE, with the defaults as its metadata.",
        "GET",
        "/v2.1/servers/{id}",
        None,
        200,
        '"metadata": {"cost-center": "demo", "owner": "demo"},'
        ' "name": "web-prd-1", "status": "ACTIVE"',
    ),
    Step(
        "It cannot be given a bad name later,",
        "PUT",
        "/v2.1/servers/{id}",
        {"server": {"name": "web-prd-1-tmp"}},
        403,
        "must not match .*-(test|tmp)",
    ),
    Step(
        "but a good one.",
        "PUT",
        "/v2.1/servers/{id}",
        {"server": {"name": "web-prd-2"}},
        200,
        '"name": "web-prd-2"',
    ),
    Step(
        "That name is now taken in this project.",
        "POST",
        "/v2.1/servers",
        server("web-prd-2"),
        403,
        "is the name of another server of this project",
    ),
)

METADATA = (
    Step(
        "A key that the rules allow can be set.",
        "POST",
        "/v2.1/servers/{id}/metadata",
        {"metadata": {"team": "blue"}},
        200,
        '"team": "blue"',
    ),
    Step(
        "A protected key cannot be changed by a member,",
        "PUT",
        "/v2.1/servers/{id}/metadata/cost-center",
        {"meta": {"cost-center": "free"}},
        403,
        "/meta/cost-center is protected",
    ),
    Step(
        "but by an administrator.",
        "PUT",
        "/v2.1/servers/{id}/metadata/cost-center",
        {"meta": {"cost-center": "c-4711"}},
        200,
        '"c-4711"',
        user="admin",
    ),
    Step(
        "An immutable key cannot be changed by anybody.",
        "PUT",
        "/v2.1/servers/{id}/metadata/owner",
        {"meta": {"owner": "eve"}},
        403,
        "/meta/owner is immutable",
        user="admin",
    ),
    Step(
        "A trick: many databases take OWNER for owner.",
        "POST",
        "/v2.1/servers/{id}/metadata",
        {"metadata": {"OWNER": "eve"}},
        403,
        "must be spelled owner",
    ),
    Step(
        "Another: Nova would take this GET for a DELETE.",
        "GET",
        "/v2.1/servers/{id}/metadata/owner?_method=DELETE",
        None,
        403,
        "/metadata/owner is required",
    ),
)

REBUILDS = (
    Step(
        "A rebuild can give a name too: a bad one is refused.",
        "POST",
        "/v2.1/servers/{id}/action",
        {"rebuild": {"name": "Web_1", "imageRef": IMAGE}},
        403,
        "/rebuild/name must match",
    ),
    Step(
        "A rebuild replaces the metadata: it cannot lose what must be there.",
        "POST",
        "/v2.1/servers/{id}/action",
        {"rebuild": {"metadata": {}, "imageRef": IMAGE}},
        403,
        "/rebuild/metadata/owner is immutable and may not be removed",
    ),
    Step(
        "A rebuild that keeps the rules passes.",
        "POST",
        "/v2.1/servers/{id}/action",
        {"rebuild": {"name": "web-prd-3", "imageRef": IMAGE}},
        202,
        '"name": "web-prd-3"',
    ),
    Step(
        "After all this the server is as the rules want it.",
        "GET",
        "/v2.1/servers/{id}",
        None,
        200,
        '"metadata": {"cost-center": "c-4711", "owner": "demo",'
        ' "team": "blue"}, "name": "web-prd-3", "status": "ACTIVE"',
    ),
)

#: The groups of the sample that have these rules.
GROUPS = ("waffles_metadata", "waffles_naming")

#: All that the rules do.
RULES = NAMES + METADATA + REBUILDS
