"""What clients ask a compute API of flavors, aggregates, zones and more.

A chapter is a generator: it yields calls, and is sent the JSON of each
answer.  It leaves nothing behind, so chapters go in any order.
"""

from collections.abc import Callable

from tests.realcells.script import (
    aggregates,
    flavor_lists,
    flavor_parts,
    flavors,
    forms,
    server_groups,
    zones,
)
from tests.realcells.script.calls import Chapter

#: By name.
CHAPTERS: dict[str, Callable[[], Chapter]] = {
    chapter.__name__: chapter
    for chapter in (
        flavors.flavors_made,
        flavors.flavors_with_fields,
        flavors.flavors_without_id,
        flavors.flavors_refused,
        flavors.flavors_updated,
        flavor_lists.flavors_listed,
        flavor_lists.flavors_sorted,
        flavor_parts.extra_specs,
        flavor_parts.access,
        aggregates.aggregates,
        aggregates.aggregates_refused,
        aggregates.aggregate_actions,
        aggregates.aggregate_images,
        zones.zones,
        zones.zones_with_hosts,
        server_groups.server_groups,
        forms.forms,
    )
}
