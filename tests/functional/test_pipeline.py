"""The shipped pipeline, on a real Nova."""

import configparser
import sys
from pathlib import Path

import pytest

from waffles import exceptions

OURS = Path(__file__).parents[2] / "etc" / "api-paste.ini"
NOVAS = Path(sys.prefix) / "etc" / "nova" / "api-paste.ini"

NAMES = "[waffles_naming]\npattern = [a-z]{3}-(prd|dev)-[a-z0-9-]+\n"


def test_a_refusal_has_the_headers_of_novas_own_fault(configured):
    api = configured(NAMES)
    refused = api.call(
        "POST",
        "/v2.1/servers",
        {"server": {"name": "Web_1"}},
        microversion="2.90",
    )
    native = api.call("GET", "/v2.1/servers/none", microversion="2.90")

    assert refused.status_int == 403
    assert refused.json == {
        "forbidden": {
            "code": 403,
            "message": 'Server name "Web_1" breaks this cloud\'s naming'
            " policy: /server/name must match [a-z]{3}-(prd|dev)-[a-z0-9-]+",
        }
    }
    assert native.status_int == 404
    assert _headers(refused) == _headers(native)


def _headers(response):
    own = {"content-length", "x-compute-request-id", "x-openstack-request-id"}
    return sorted(
        (name, "" if name.lower() in own else value)
        for name, value in response.headerlist
    )


def test_the_shipped_file_is_novas_with_the_waffles_in_it():
    ours, novas = configparser.ConfigParser(), configparser.ConfigParser()
    ours.read(OURS)
    novas.read(NOVAS)
    for section in list(ours):
        if ours.get(section, "use", fallback="").startswith("egg:waffles"):
            ours.remove_section(section)
    assert ours.remove_option("app:osapi_compute_app_v21", "filter-with")

    assert {name: dict(ours[name]) for name in ours} == {
        name: dict(novas[name]) for name in novas
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[waffles_naming]\npatern = x", "[waffles_naming] patern: there is"),
        ("[waffles_naming]\npattern = [", "[waffles_naming] pattern: [: "),
        (
            "[waffles_naming]\npattern = (?:a?){1000}b{1000}c{1000}",
            "a request could make it slow",
        ),
        ("[waffles_naming]\nmax_length = x", "[waffles_naming] max_length: "),
        (
            "[waffles_metadata]\nschema_file = /none",
            "[waffles_metadata] schema_file: /none cannot be read: No such",
        ),
    ],
    ids=["unknown", "no_pattern", "slow_pattern", "no_number", "no_schema"],
)
def test_a_bad_option_stops_novas_start_with_a_sentence(
    configured, settings, text, said
):
    with pytest.raises(exceptions.ConfigError) as caught:
        configured(text)

    assert str(caught.value).startswith(f"{settings}: [waffles_")
    assert said in str(caught.value)
