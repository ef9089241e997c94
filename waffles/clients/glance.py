"""Glance, asked as ourselves for what is said of an image."""

from typing import Any
from urllib import parse

from keystoneauth1 import adapter

from waffles import exceptions
from waffles.clients import deadline, errors, session

#: Of a header: the id that Glance gives to a request.
ID = "x-openstack-request-id"


class Glance:
    """The image API of a cloud, with the rights of ``[waffles]``.

    :param timeout: seconds that one call may take, with a token for it
    """

    def __init__(self, access: session.Access, timeout: float) -> None:
        options = dict(access.at_once().options)
        self._timeout = timeout
        self._http = adapter.Adapter(
            access.session,
            service_type="image",
            interface=options.pop("valid_interfaces"),
            **options,
        )

    def properties(self, image_id: str) -> dict[str, Any]:
        """The properties of an image, with all else that Glance shows of it.

        :raises Hidden: Glance itself says that there is none (404)
        :raises Unavailable: there is no useful answer
        """
        path = f"/v2/images/{parse.quote(image_id, safe='')}"
        what = f"Glance could not be asked for {path}"
        answer = self._get(what, path)
        if answer.status_code == 404 and ID in answer.headers:
            raise exceptions.Hidden(404, f"There is no image {image_id}.")
        if answer.status_code != 200:
            raise exceptions.Unavailable(
                f"{what}: it answers {answer.status_code}."
            )
        found = _json(answer)
        if not isinstance(found, dict) or found.get("id") != image_id:
            raise exceptions.Unavailable(f"{what}: there is no image in it.")
        return found

    def _get(self, what: str, path: str) -> Any:
        try:
            with errors.mapped(what), deadline.within(self._timeout):
                return self._http.get(path, raise_exc=False)
        except exceptions.Hidden as error:
            # What Keystone says on the way is nothing of the image.
            raise exceptions.Unavailable(str(error)) from error


def _json(answer: Any) -> Any:
    """The body of an answer; a proxy may answer 200 with something else."""
    try:
        return answer.json()
    except ValueError:
        return None
