"""The exceptions of waffles.

::

    WafflesError
    ├── ConfigError      an option is wrong; nothing starts
    └── Unjudged         a request that nobody can judge, and the code for it
        ├── Malformed    400: Nova would not understand it either
        ├── Hidden       Nova does not show the caller what it is about
        ├── Conflict     409: nothing in the cloud is as the request needs it
        └── Unavailable  503: something that must be asked gave no answer

None of them leaves a waffle: at start PasteDeploy shows a ConfigError, and at
run time :mod:`waffles.faults` answers with the code and the text of the
others.
"""


class WafflesError(Exception):
    """The base of all that waffles raises itself."""


class ConfigError(WafflesError):
    """An option is wrong.  The text is one sentence for the operator.

    :param why: what is wrong, without saying where
    :param file: where; like group and option, empty where it is not known
    """

    def __init__(
        self, why: str, file: str = "", group: str = "", option: str = ""
    ) -> None:
        place = f"[{group}] {option}" if group else ""
        super().__init__(": ".join(filter(None, (file, place, why))))
        self.why, self.file = why, file
        self.group, self.option = group, option


class Unjudged(WafflesError):
    """A request that cannot be judged.  The text is for its caller."""

    code = 503


class Malformed(Unjudged):
    """A request that Nova would not understand either."""

    code = 400


class Hidden(Unjudged):
    """Nova does not show the caller what the request is about.

    :param code: Nova's own answer: 401, 403, 404, 409, …
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Conflict(Unjudged):
    """Nothing in the cloud is as the request needs it, at the moment."""

    code = 409


class Unavailable(Unjudged):
    """Something that has to be asked gave no answer."""
