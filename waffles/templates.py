"""Texts with fields of the caller in them: ``{user_name} of {project_id}``."""

import string
from collections.abc import Mapping

from waffles import exceptions
from waffles.request import ComputeRequest

FIELDS = ("project_id", "project_name", "user_id", "user_name", "request_id")


#: What Nova takes for a value of metadata.
_LONGEST = 255


class Template:
    """A text in which fields are filled in; a brace of its own is doubled.

    :raises ValueError: it holds another field than :data:`FIELDS`, or is too
        long for any caller
    """

    def __init__(self, text: str) -> None:
        for _, name, spec, conversion in string.Formatter().parse(text):
            if name is not None and (name not in FIELDS or spec or conversion):
                raise ValueError(f"{{{name}}} is none of {', '.join(FIELDS)}")
        if len(text.format_map(dict.fromkeys(FIELDS, ""))) > _LONGEST:
            raise ValueError(f"it is longer than {_LONGEST} characters")
        self._text = text

    def filled(self, fields: Mapping[str, str]) -> str:
        """The text for a caller.

        :param fields: of :func:`fields`
        :raises Malformed: the caller's token lacks a field
        """
        try:
            return self._text.format_map(fields)
        except KeyError as error:
            raise exceptions.Malformed(
                f"A default of this cloud's metadata needs {error}, which"
                f" this request's token does not have."
            ) from None


def fields(request: ComputeRequest) -> dict[str, str]:
    """What can be filled in for a request, as far as its token has it."""
    caller = request.caller
    found = {
        "project_id": caller.project_id,
        "project_name": caller.project_name,
        "user_id": caller.user_id,
        "user_name": caller.user_name,
        "request_id": request.request_id,
    }
    return {name: text for name, text in found.items() if text is not None}
