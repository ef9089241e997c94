"""Stand-ins for what is around a cloud: power switches, and a receiver.

``PUT /power/{host}`` with ``{"power": "off"}`` takes the power of a host
away: its nova-compute is gone, and Nova does not know yet.  With ``"on"`` it
starts, and finds on the disks what it has left there.  ``POST /events`` takes
notices, and ``GET /events`` shows those that came.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from unittest import mock

import webob

if TYPE_CHECKING:
    from waffles.demo.cloud import Cloud

#: Seconds between two reports of a nova-compute that was started again, and
#: until the first: with Nova's own ten and five everybody would have to wait.
INTERVAL, FIRST = 1, 0

#: What paths begin with that are answered here.
PATHS = ("/events", "/power/")


def switch(cloud: "Cloud", host: str, power: str) -> None:
    """Turn the power of a host on or off; as it is already, nothing."""
    with cloud.switches:
        if power == "off" and host not in cloud.off:
            cloud.computes[host].stop()
            cloud.off.add(host)
        elif power == "on" and host in cloud.off:
            _start(cloud, host)
            cloud.off.remove(host)


def _start(cloud: "Cloud", host: str) -> None:
    cloud.flags(report_interval=INTERVAL)
    with mock.patch("nova.servicegroup.api.INITIAL_REPORTING_DELAY", FIRST):
        cloud.computes[host] = cloud.restart_compute_service(
            cloud.computes[host]
        )


def _power(
    request: webob.Request, cloud: "Cloud", host: str
) -> webob.Response:
    power = request.json_body.get("power")
    if host not in cloud.computes or power not in ("on", "off"):
        return _json(404, {"message": "There is no such host, or no on, off."})
    switch(cloud, host, power)
    return _json(200, {"host": host, "power": power})


def _take(request: webob.Request, cloud: "Cloud") -> webob.Response:
    cloud.events.append(request.json_body)
    return webob.Response(status=204)


def _events(request: webob.Request, cloud: "Cloud") -> webob.Response:
    return _json(200, {"events": list(cloud.events)})


def _json(status: int, body: dict[str, Any]) -> webob.Response:
    return webob.Response(status=status, json_body=body)


#: Method and path -> what answers.
ROUTES: dict[str, Callable[..., webob.Response]] = {
    r"PUT /power/([^/]+)": _power,
    r"POST /events": _take,
    r"GET /events": _events,
}
