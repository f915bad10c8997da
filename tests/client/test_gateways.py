"""What `connect envoy -register` registers: as Consul 1.8.7 did when it was asked the same."""

import pytest

from lictor.cli.errors import CommandError
from lictor.cli.gateways import GatewayOptions, gateway_definition


def test_a_mesh_gateway_is_registered_with_both_addresses() -> None:
    wishes = GatewayOptions(kind="mesh", address="127.0.0.1:8443", wan_address="1.2.3.4:443")
    assert gateway_definition(wishes) == {
        "Kind": "mesh-gateway",
        "Name": "mesh-gateway",
        "ID": "mesh-gateway",
        "Address": "127.0.0.1",
        "Port": 8443,
        "TaggedAddresses": {
            "lan": {"Address": "127.0.0.1", "Port": 8443},
            "wan": {"Address": "1.2.3.4", "Port": 443},
        },
        "Check": {
            "Name": "mesh-gateway listening",
            "TCP": "127.0.0.1:8443",
            "Interval": "10s",
            "DeregisterCriticalServiceAfter": "6h",
        },
    }


def test_without_an_address_it_is_the_agents_own() -> None:
    made = gateway_definition(GatewayOptions(kind="terminating", service="tg", proxy_id="tgid"))
    assert (made["Kind"], made["Name"], made["ID"]) == ("terminating-gateway", "tg", "tgid")
    assert (made["Address"], made["Port"]) == ("", 443)
    assert "TaggedAddresses" not in made


def test_bind_addresses_stand_in_the_configuration_and_servers_in_the_metadata() -> None:
    wishes = GatewayOptions(kind="mesh", bind_addresses=("pub=10.0.0.1:443", "six=[::1]:444"), expose_servers=True)
    made = gateway_definition(wishes)
    assert made["Proxy"] == {
        "Config": {
            "envoy_gateway_no_default_bind": True,
            "envoy_gateway_bind_addresses": {
                "pub": {"Address": "10.0.0.1", "Port": 443},
                "six": {"Address": "::1", "Port": 444},
            },
        }
    }
    assert made["Meta"] == {"consul-wan-federation": "1"}


def test_an_address_may_be_a_template_and_lack_its_port() -> None:
    made = gateway_definition(GatewayOptions(kind="ingress", address='{{ GetInterfaceIP "lo" }}:8443'))
    assert (made["Address"], made["Port"]) == ("", 8443)  # of the loopback no template has an address
    alone = gateway_definition(GatewayOptions(kind="ingress", address="::1"))
    assert (alone["Address"], alone["Port"]) == ("::1", 443)


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        (GatewayOptions(kind="mesh", address="127.0.0.1:x"), "-address: .* no port"),
        (GatewayOptions(kind="mesh", wan_address="1.2.3.4:70000"), "-wan-address"),
        (GatewayOptions(kind="mesh", address="{{ Nothing }}"), "-address"),
        (GatewayOptions(kind="mesh", bind_addresses=("10.0.0.1:1",)), "name=ip:port"),
        (GatewayOptions(kind="mesh", bind_addresses=("a=10.0.0.1",)), "name=ip:port"),
        (GatewayOptions(kind="mesh", deregister_after_critical="soon"), "-deregister-after-critical"),
    ],
)
def test_what_cannot_be_used_is_named(wishes: GatewayOptions, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        gateway_definition(wishes)
