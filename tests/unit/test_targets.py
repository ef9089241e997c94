import pytest

from tests import fakes
from waffles import exceptions, targets
from waffles.request import ComputeRequest

SHOWN = {
    "server": {
        "id": fakes.SERVER,
        "flavor": {"id": "1"},
        "image": {"id": "i"},
        "OS-EXT-AZ:availability_zone": "z",
    }
}
IMAGE = "155d900f-4e14-4e4c-a73d-069cbf4541e6"
PATH = f"/servers/{fakes.SERVER}"


def _target(method, path, body, answers=None):
    request = ComputeRequest.of(fakes.environ(method, path, body))
    return targets.of_request(request, fakes.FakeNova(answers))


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ({}, ("", "", "")),
        ({"flavorRef": 1, "imageRef": "i"}, ("1", "i", "")),
        ({"flavorRef": "http://x/y/1?z=2#a"}, ("1", "", "")),
        ({"availability_zone": " z:host:node "}, ("", "", "z")),
        ({"availability_zone": None, "imageRef": ""}, ("", "", "")),
        (
            {
                "block_device_mapping_v2": [
                    {"source_type": "image", "uuid": "j", "boot_index": -1},
                    {
                        "source_type": "image",
                        "uuid": "i",
                        "boot_index": "00\n",
                    },
                ]
            },
            ("", "i", ""),
        ),
        (
            {
                "block_device_mapping_v2": [
                    {"source_type": "volume", "uuid": "v", "boot_index": 0}
                ]
            },
            ("", "", ""),
        ),
        ({"block_device_mapping_v2": "x"}, ("", "", "")),
        ({"flavorRef": 0}, ("0", "", "")),
        ({"imageRef": f"{{{IMAGE.upper()}}}"}, ("", IMAGE, "")),
        (
            {
                "imageRef": IMAGE,
                "block_device_mapping_v2": [
                    {
                        "source_type": "image",
                        "uuid": IMAGE.upper(),
                        "boot_index": 0.0,
                    }
                ],
            },
            ("", IMAGE, ""),
        ),
    ],
)
def test_a_create_says_what_the_server_will_be(server, expected):
    assert _target("POST", "/servers", {"server": server}) == expected


def test_a_flavor_is_the_one_that_nova_finds():
    """MySQL finds gpu.large by GPU.LARGE too."""
    answers = {"/flavors/GPU": {"flavor": {"id": "gpu"}}}
    body = {"server": {"flavorRef": "http://any/flavors/GPU"}}

    assert _target("POST", "/servers", body, answers).flavor == "gpu"


def test_a_flavor_that_is_called_detail_is_no_list():
    answers = {"/flavors/detail": {"flavors": [{"id": "1"}]}}
    body = {"server": {"flavorRef": "detail"}}

    assert _target("POST", "/servers", body, answers).flavor == "detail"


def test_a_flavor_that_nova_cannot_tell_is_not_judged():
    with pytest.raises(exceptions.Unavailable):
        _target(
            "POST",
            "/servers",
            {"server": {"flavorRef": "1"}},
            {"/flavors/1": 500},
        )


@pytest.mark.parametrize(
    "server",
    [
        {"flavorRef": "http://[/1"},
        {
            "imageRef": "i",
            "block_device_mapping_v2": [
                {"source_type": "image", "uuid": "j", "boot_index": 0}
            ],
        },
        {
            "imageRef": "i",
            "block_device_mapping_v2": [
                {"source_type": "volume", "uuid": "v", "boot_index": "0"}
            ],
        },
    ],
    ids=["no_id", "another_image", "a_volume"],
)
def test_a_server_that_is_two_things_is_malformed(server):
    with pytest.raises(exceptions.Malformed):
        _target("POST", "/servers", {"server": server})


def test_for_anything_else_nova_is_asked():
    found = _target("PUT", PATH, {"server": {}}, {PATH: SHOWN})

    assert found == ("1", "i", "z")


def test_a_rebuild_brings_its_own_image():
    body = {"rebuild": {"imageRef": "j"}}
    found = _target("POST", f"{PATH}/action", body, {PATH: SHOWN})

    assert found == ("1", "j", "z")


@pytest.mark.parametrize(
    "shown", [{"server": {"id": "a", "status": "UNKNOWN"}}, {}], ids=repr
)
def test_a_server_that_is_shown_in_part_is_not_judged(shown):
    with pytest.raises(exceptions.Unavailable):
        _target("PUT", PATH, {"server": {}}, {PATH: shown})


def test_a_server_without_image_or_zone_has_empty_ones():
    assert targets.of_server({"flavor": {"id": "1"}, "image": ""}) == (
        "1",
        "",
        "",
    )
