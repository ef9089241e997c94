"""What stands where in an api-paste.ini, without importing what it names.

PasteDeploy's own loader reads the file, so that all it knows works:
``pipeline``, ``filter-with``, ``filter-app``, ``use``, ``set`` and ``get``.
It is only kept from importing: the check may run where Nova is not.
"""

import configparser
import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from paste.deploy import loadwsgi

from waffles import exceptions

#: What Nova asks the file for.
ROOT = "osapi_compute"

_WAFFLE = re.compile(r"egg:waffles#(.*)|waffles\.filters\.(\w+):.*")


class Part(NamedTuple):
    """A filter or an application in a pipeline.

    :param section: its name, without "filter:"
    :param target: what makes it: "egg:waffles#naming", "nova.api…:factory"
    :param keys: the other keys of its section
    """

    section: str
    target: str
    keys: Mapping[str, str]

    @property
    def waffle(self) -> str | None:
        """The name of the waffle that it is, or would be; else None."""
        found = _WAFFLE.fullmatch(self.target)
        return (found[1] or found[2] or "") if found else None


class Pipeline(NamedTuple):
    """Filters from top to bottom, and the application below them.

    :param path: where it is mounted: "/v2.1/+"
    """

    path: str
    parts: tuple[Part, ...]

    @property
    def waffles(self) -> list[Part]:
        """The waffles of it, from top to bottom."""
        return [part for part in self.parts if part.waffle is not None]

    @property
    def prefix(self) -> str:
        """What the paths of its requests begin with."""
        return self.path.removesuffix("/+")


class Paste:
    """An api-paste.ini.

    :raises ConfigError: it cannot be read or parsed
    """

    def __init__(self, file: str) -> None:
        self.file = file
        try:
            self._reader = _Reader(file)
        except OSError as error:
            text = f"cannot be read: {error.strerror}"
            raise exceptions.ConfigError(text, file) from None
        except (configparser.Error, UnicodeDecodeError) as error:
            text = " ".join(str(error).split())
            raise exceptions.ConfigError(text, file) from None

    def pipelines(self) -> list[Pipeline]:
        """Those that Nova would build.

        :raises ConfigError: a section is missing or cannot be understood
        """
        with self._understood():
            return self._pipelines()

    def filters(self) -> list[Part]:
        """Every filter of the file, whether it stands or not; likewise."""
        names = [
            _bare(name)
            for name in self._reader.parser.sections()
            if name.startswith("filter:")
        ]
        with self._understood():
            contexts = map(self._reader.filter_context, names)
            return [self._parts(context)[-1] for context in contexts]

    @contextlib.contextmanager
    def _understood(self) -> Iterator[None]:
        try:
            yield
        except (LookupError, configparser.Error) as error:
            text = " ".join(str(error.args[0]).split())
            raise exceptions.ConfigError(text, self.file) from None
        except RecursionError:
            text = "a section leads to itself"
            raise exceptions.ConfigError(text, self.file) from None

    def _pipelines(self) -> list[Pipeline]:
        *above, root = self._parts(self._app(ROOT))
        return [
            Pipeline(path, (*above, *self._parts(self._app(name))))
            for path, name in root.keys.items()
            if path.startswith("/")
        ]

    def _parts(self, context: Any) -> list[Part]:
        kind = context.object_type
        if kind is loadwsgi.PIPELINE:
            below = [*context.filter_contexts, context.app_context]
        elif kind is loadwsgi.FILTER_WITH or kind is loadwsgi.FILTER_APP:
            below = [context.filter_context, context.next_context]
        elif "pipeline_factory" in context.object:
            below = self._of_nova(context.local_conf["keystone"])
        else:
            keys = dict(context.local_conf)
            return [Part(context.section, context.object, keys)]
        return [part for inner in below for part in self._parts(inner)]

    def _of_nova(self, text: str) -> list[Any]:
        """As ``nova.api.auth:pipeline_factory_v21`` reads its list."""
        *filters, app = text.split()
        return [
            *map(self._reader.filter_context, filters),
            self._app(app),
        ]

    def _app(self, name: str) -> Any:
        return self._reader.app_context(name)


class _Reader(loadwsgi.ConfigLoader):  # type: ignore[misc]
    """PasteDeploy's loader, whose objects are the texts that name them."""

    def get_context(
        self, object_type: Any, name: Any = None, global_conf: Any = None
    ) -> Any:
        if not self.absolute_name(name):
            return super().get_context(object_type, name, global_conf)
        return self._leaf(object_type, name, name, {}, global_conf or {})

    def _context_from_use(
        self,
        object_type: Any,
        local_conf: Any,
        global_conf: Any,
        global_additions: Any,
        section: str,
    ) -> Any:
        context = super()._context_from_use(
            object_type, local_conf, global_conf, global_additions, section
        )
        context.section = _bare(section)
        return context

    def _context_from_explicit(
        self,
        object_type: Any,
        local_conf: Any,
        global_conf: Any,
        global_addition: Any,
        section: str,
    ) -> Any:
        for key in local_conf:
            if key.startswith("paste."):
                target = local_conf.pop(key)
                return self._leaf(
                    object_type, section, target, local_conf, global_conf
                )
        raise LookupError(f"section [{section}] does not say what it is")

    def _leaf(
        self,
        object_type: Any,
        section: str,
        target: str,
        local_conf: Any,
        global_conf: Any,
    ) -> Any:
        context = loadwsgi.LoaderContext(
            target, object_type, "", global_conf, local_conf, self
        )
        context.section = _bare(section)
        return context


def _bare(section: str) -> str:
    return section.partition(":")[2].strip() or section
