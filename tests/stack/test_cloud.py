"""What the tests of this tier take for granted of their cloud."""

NETWORK = "10.1.0.0/24"


def test_a_server_has_an_address_on_a_network(cloud):
    cloud.configure("")
    network = cloud.admin.network.create_network(name="net", shared=True)
    cloud.admin.network.create_subnet(
        network_id=network.id, ip_version=4, cidr=NETWORK
    )

    server = cloud.demo.create_server(
        "with-port", "cirros", "m1.tiny", network=network.id, wait=True
    )

    (port,) = cloud.admin.network.ports(device_id=server.id)
    assert port.status == "ACTIVE"
    assert port.binding_host_id in cloud.states()
    assert server.private_v4 == port.fixed_ips[0]["ip_address"]
    assert cloud.admin.network.get_network_ip_availability(network.id)

    # Others count the servers that there are.
    cloud.demo.delete_server(server.id, wait=True)
    cloud.admin.network.delete_network(network.id)


def test_a_dead_compute_is_seen_as_down_until_it_comes_back(cloud):
    cloud.configure("")

    cloud.kill("c4")
    cloud.wait_for("c4", "down")
    cloud.start("c4")
    cloud.wait_for("c4", "up")
