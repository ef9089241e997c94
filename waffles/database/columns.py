"""The types of columns: what is stored, and what it is outside."""

import dataclasses
import enum
import json
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

#: MySQL's TEXT has 65,535 bytes, and a character up to four of them.
LONGEST = 16_000

#: Seconds since 1970.  MySQL's FLOAT has too few digits for them.
TIME = sa.Double[float]()

#: SQLite counts rows by itself in columns of this very type only.
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def storable(text: str) -> str:
    """A text without what some database refuses: NUL, half characters."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return text.encode("utf-8", "replace").decode()


class Name(sa.TypeDecorator[str]):
    """A text of limited length, which may be looked for."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else storable(value)


class Prose(sa.TypeDecorator[str]):
    """A text for people; what is too long is cut off."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else storable(value)[:LONGEST]


class Named(sa.TypeDecorator[Any]):
    """A member of an enumeration, by its value."""

    impl = sa.String(16)
    cache_ok = True

    def __init__(self, members: type[enum.StrEnum]) -> None:
        super().__init__()
        self.members = members

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else self.members(value)


class Json(sa.TypeDecorator[Any]):
    """A value as JSON, in ASCII.

    :param made: makes the value of what JSON has
    """

    impl = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
    cache_ok = True

    def __init__(self, made: Callable[[Any], Any]) -> None:
        super().__init__()
        self.made = made

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return json.dumps(plain(value))

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return self.made(json.loads(value))


def plain(value: Any) -> Any:
    """What JSON has for a value of a column."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset):
        return sorted(value)
    return [_simple(one) for one in value]


def _simple(one: Any) -> Any:
    is_value = dataclasses.is_dataclass(one) and not isinstance(one, type)
    return dataclasses.asdict(one) if is_value else one
