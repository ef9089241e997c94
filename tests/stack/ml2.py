"""A mechanism driver for Neutron's ML2: any port can be bound on any host.

So servers of Nova's fake driver get their ports without an agent.
"""

from typing import Any

from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class AnyPort(api.MechanismDriver):  # type: ignore[misc]
    """Binds each port to the first segment of its network."""

    def initialize(self) -> None:
        """There is nothing to be prepared."""

    def bind_port(self, context: Any) -> None:
        segment = context.segments_to_bind[0]
        context.set_binding(
            segment[api.ID], portbindings.VIF_TYPE_OVS, {}, status="ACTIVE"
        )
