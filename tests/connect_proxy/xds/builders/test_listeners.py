"""The frame of listeners, and rules about connections."""

from lictor_connect_proxy.xds.builders.listeners import connection_filters, framed, source_check, tcp_proxy
from lictor_connect_proxy.xds.forms import socket_address


def test_two_envoys_never_share_a_port() -> None:
    found = framed("a", socket_address("127.0.0.1", 80), [], inbound=True)
    assert found["enable_reuse_port"] is False


def test_rules_without_principals_let_nobody_in() -> None:
    assert "'rules': {'action': 'ALLOW', 'policies': {}}" in str(connection_filters("a", "b", []))


def test_rules_are_referred_to_by_name() -> None:
    assert connection_filters("a", "b", [])["name"] == source_check("a")["name"]
    assert "policies" not in str(source_check("a"))


def test_the_application_is_dialed_after_the_handshake_where_there_is_one() -> None:
    assert "ON_DOWNSTREAM_TLS_HANDSHAKE" in str(tcp_proxy("a", "b", after_handshake=True))
    assert "upstream_connect_mode" not in str(tcp_proxy("a", "b"))
