"""Whether each waffle of an api-paste.ini stands where it works.

It has to stand in every pipeline that leads to the compute API, as a request
passes only one of them; below keystonecontext, which knows the caller; and
below legacy_v2_compatible, which decides what the microversion is.
"""

from collections.abc import Iterable, Iterator

from waffles import config, exceptions, opts
from waffles.cli import configuration
from waffles.cli.configuration import Problem, Use
from waffles.cli.paste import Part, Paste, Pipeline

#: The application at the end of the pipelines that count.
_ROUTER = "nova.api.openstack.compute:APIRouter"

#: What has to stand above a waffle, where the pipeline has it.
_ABOVE = {
    "NovaKeystoneContext": "it does not know the caller",
    "LegacyV2CompatibleWrapper": (
        "it reads a microversion that Nova does not look at"
    ),
}


def use_of(part: Part, process_files: Iterable[str]) -> Use:
    """Where a waffle that stands in a pipeline reads its options."""
    name = part.waffle or ""
    file = part.keys.get("config_file")
    return Use(
        name,
        (file,) if file else tuple(process_files),
        part.keys.get("config_group", f"waffles_{name}"),
    )


def compute(pipelines: Iterable[Pipeline]) -> list[Pipeline]:
    """The pipelines that end in the compute API, with waffles that exist."""
    return [
        pipeline
        for pipeline in pipelines
        if pipeline.parts[-1].target.startswith(_ROUTER)
    ]


def uses(paste: Paste, process_files: Iterable[str]) -> list[Use]:
    """What the waffles that stand in pipelines of the compute API read.

    :raises ConfigError: the file cannot be understood
    """
    found = [
        use_of(part, process_files)
        for pipeline in compute(paste.pipelines())
        for part in pipeline.waffles
        if part.waffle in opts.waffles()
    ]
    return list(dict.fromkeys(found))


def problems(paste: Paste, process_files: Iterable[str]) -> list[Problem]:
    """Everything that is wrong with a file, and with what it uses."""
    process_files = tuple(process_files)
    try:
        pipelines = compute(paste.pipelines())
        filters = [part for part in paste.filters() if part.waffle is not None]
        used = uses(paste, process_files)
    except exceptions.ConfigError as error:
        return [configuration.of_error(error)]
    files = dict.fromkeys(
        [*process_files, *(file for use in used for file in use.files)]
    )
    return [
        *_of_sections(paste.file, filters, pipelines),
        *_of_pipelines(paste.file, pipelines),
        *configuration.problems(used, files, paste.file),
    ]


def _of_sections(
    file: str, filters: list[Part], pipelines: list[Pipeline]
) -> Iterator[Problem]:
    standing = {part for pipe in pipelines for part in _names(pipe)}
    for part in filters:
        group = f"filter:{part.section}"
        if part.waffle not in opts.waffles():
            known = ", ".join(sorted(opts.waffles()))
            problem = f"there is no waffle {part.waffle!r}, only {known}"
            yield Problem(file, group, "use", problem)
        for key in sorted(part.keys.keys() - config.PASTE_KEYS):
            takes = " and ".join(sorted(config.PASTE_KEYS))
            yield Problem(file, group, key, f"the section takes {takes} only")
        if part.section not in standing:
            yield Problem(file, group, "", "no pipeline of Nova's API uses it")


def _of_pipelines(file: str, pipelines: list[Pipeline]) -> Iterator[Problem]:
    if not pipelines:
        yield Problem(file, "", "", "no pipeline leads to Nova's compute API")
    everywhere = {
        (use_of(part, ()), part.section)
        for pipeline in pipelines
        for part in pipeline.waffles
    }
    for pipeline in pipelines:
        here = {use_of(part, ()) for part in pipeline.waffles}
        for use, section in sorted(everywhere):
            if use not in here:
                problem = (
                    f"it does not stand in the pipeline of {pipeline.prefix}:"
                    f" requests there are not judged"
                )
                yield Problem(file, f"filter:{section}", "", problem)
        yield from _of_order(file, pipeline)


def _of_order(file: str, pipeline: Pipeline) -> Iterator[Problem]:
    for at, part in enumerate(pipeline.parts):
        if part.waffle is None:
            continue
        above = [other.target for other in pipeline.parts[:at]]
        below = pipeline.parts[at + 1 :]
        for maker, why in _ABOVE.items():
            late = [other for other in below if maker in other.target]
            missing = maker == "NovaKeystoneContext" and not any(
                maker in target for target in above
            )
            if late or missing:
                name = late[0].section if late else "keystonecontext"
                yield Problem(
                    file,
                    f"filter:{part.section}",
                    "",
                    f"in {pipeline.prefix} it does not stand below {name}:"
                    f" {why}",
                )


def _names(pipeline: Pipeline) -> Iterator[str]:
    return (part.section for part in pipeline.parts)
