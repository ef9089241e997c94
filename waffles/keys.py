"""Keys of metadata, as the databases of Nova compare them."""

import re

#: What ``/v2.1`` takes for a key. Of other characters databases make what they
#: will: accents go, control characters may count for nothing.
KEY = re.compile(r"[a-zA-Z0-9_:. -]{1,255}")


def loose(key: str) -> str:
    """What a key is to a database that compares loosely.

    The collations of MySQL and MariaDB ignore case and, most of them,
    trailing spaces; what else they do to other characters does not matter,
    as :data:`KEY` has none.  Tried on MariaDB 10.11, with all 251 collations
    that it has for UTF-8: only its Lithuanian ones (i, y) and its Roman ones
    (i, j and u, v) take more such keys for one.
    """
    return key.rstrip(" ").lower()
