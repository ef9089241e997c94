"""Ids of networks, ports and servers: UUIDs, in any of their spellings."""

import re
import uuid

_DIGITS = re.compile("[0-9a-f]{32}")


def canonical(text: str) -> str | None:
    """An id as Nova and Neutron show it; None where a text is no UUID.

    Both take upper case, no hyphens, braces and ``urn:uuid:`` as well
    (``oslo_utils.uuidutils.is_uuid_like``).

    >>> canonical("{3CB9BC5956994588A4B1B87F96708BC6}")
    '3cb9bc59-5699-4588-a4b1-b87f96708bc6'
    """
    plain = text.replace("urn:", "").replace("uuid:", "").strip("{}")
    digits = plain.replace("-", "").lower()
    # uuid.UUID takes whatever int does, such as 0x and spaces.
    return str(uuid.UUID(digits)) if _DIGITS.fullmatch(digits) else None
