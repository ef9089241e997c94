"""What tests/fakes.py claims of Nova is so."""

import dataclasses

import pytest
from nova import context as nova_context

from tests import fakes
from waffles.demo import cloud as demo


@pytest.mark.usefixtures("cloud")
def test_a_context_has_the_fields_of_the_fake():
    real = nova_context.RequestContext(
        "ann-id", "red-id", user_name="ann", project_name="red",
        roles=["member"],
    )  # fmt: skip
    fake = fakes.FakeContext()

    for field in dataclasses.fields(fake):
        assert getattr(real, field.name) == getattr(fake, field.name), field


@pytest.mark.usefixtures("cloud")
def test_an_elevated_context_is_another_one():
    real = nova_context.RequestContext("a", "b", roles=["member"])
    fake = fakes.FakeContext()

    for context in (real, fake):
        elevated = context.elevated()
        assert elevated.is_admin
        assert elevated.roles == ["member", "admin"]
        assert context.roles == ["member"]


def test_what_nova_does_not_show_is_a_fault_of_that_form(nova):
    real = nova.call("GET", f"/v2.1/servers/{fakes.SERVER}/metadata")
    fake = fakes.send(fakes.FakeNova(), "GET", "/servers/x/metadata")

    assert real.status_int == fake.status_int == 404
    assert real.json.keys() == fake.json.keys() == {"itemNotFound"}
    assert real.json["itemNotFound"].keys() == fake.json["itemNotFound"].keys()


def test_a_page_is_of_that_form(nova):
    for _ in range(2):
        nova.server()
    page = nova.call("GET", "/v2.1/servers?limit=1").json

    assert set(page) == {"servers", "servers_links"}
    assert {"id", "name"} <= set(page["servers"][0])


def test_services_are_of_that_form(nova):
    found = nova.call(
        "GET", "/v2.1/os-services", user=demo.ADMIN, microversion="2.69"
    ).json

    assert {service["status"] for service in found["services"]} == {"enabled"}
