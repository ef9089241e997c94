"""The shipped pipeline, on a real Nova."""

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
