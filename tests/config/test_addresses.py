"""Which address is advertised, and what can be listened at."""

from ipaddress import ip_interface

import pytest

from lictor_config.addresses import address_flaw, expand_addresses, resolve_addresses, resolve_advertise
from lictor_config.interfaces import Interface
from lictor_config.tree import Addresses, Configuration
from lictor_core.errors import ConfigurationError


def interfaces(*addresses: str) -> list[Interface]:
    return [Interface("eth0", ip_interface(address)) for address in addresses]


def never() -> list[Interface]:
    raise AssertionError("nobody should ask for the interfaces")


def test_what_is_bound_is_advertised() -> None:
    assert resolve_advertise("192.0.2.1", never) == "192.0.2.1"
    assert resolve_advertise("[2001:db8::1]", never) == "2001:db8::1"


@pytest.mark.parametrize("bound", ["0.0.0.0", "::", "[::]"])
def test_the_one_private_address_stands_for_all(bound: str) -> None:
    addresses = ["127.0.0.1", "169.254.1.1", "8.8.8.8", "192.168.1.5"]
    assert resolve_advertise(bound, lambda: interfaces(*addresses)) == "192.168.1.5"


@pytest.mark.parametrize(("addresses", "reason"), [(["8.8.8.8"], "no private"), (["10.0.0.1", "10.0.0.2"], "several")])
def test_without_exactly_one_private_address_somebody_must_choose(addresses: list[str], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        resolve_advertise("0.0.0.0", lambda: interfaces(*addresses))


def test_listeners_without_addresses_of_their_own_use_the_clients() -> None:
    configuration = Configuration(
        client_addr=("127.0.0.1", "[::1]", "unix:///x"), addresses=Addresses(dns=("127.0.0.2",))
    )
    resolved = resolve_addresses(configuration)
    assert resolved.dns == ("127.0.0.2",)
    assert resolved.http == ("127.0.0.1", "::1", "unix:///x")
    assert resolve_addresses(Configuration(client_addr=("127.0.0.1", "unix:///x"))).dns == ("127.0.0.1",)


def test_a_socket_path_must_fit() -> None:
    assert address_flaw("unix://" + "x" * 107, unix_allowed=True) is None
    assert address_flaw("unix://" + "x" * 108, unix_allowed=True) is not None


def test_where_all_of_ipv6_is_bound_a_public_address_comes_first() -> None:
    assert resolve_advertise("[::]", lambda: interfaces("10.0.0.1", "fd00::1", "2600::1")) == "2600::1"
    assert resolve_advertise("0.0.0.0", lambda: interfaces("10.0.0.1", "2600::1")) == "10.0.0.1"


def test_only_what_may_be_a_template_is_expanded_and_without_one_nobody_is_asked() -> None:
    given: dict[str, object] = {"node_name": "{{ GetPrivateIP }}", "bind_addr": "127.0.0.1", "retry_join": ["a b"]}
    assert expand_addresses(given, never) == (given | {"retry_join": ["a", "b"]}, [])
