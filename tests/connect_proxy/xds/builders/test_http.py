"""The HTTP connection manager."""

from lictor_connect_proxy.xds.builders.http import Managed, exposed_http, inbound_http, outbound_http
from lictor_core.records import JsonObject

PLAIN = Managed(stat_prefix="a", routes="b", protocol="http")


def inbound(managed: Managed) -> JsonObject:
    return inbound_http(managed, "tokens")


def test_rules_see_a_path_in_one_form() -> None:
    found = str(inbound(PLAIN))
    assert "'normalize_path': True, 'merge_slashes': True" in found
    assert "UNESCAPE_AND_FORWARD" in found


def test_nobody_can_say_who_he_is_but_by_his_certificate() -> None:
    assert "'forward_client_cert_details': 'SANITIZE_SET'" in str(inbound(PLAIN))


def test_websockets_pass() -> None:
    for made in (inbound, outbound_http, exposed_http):
        assert "{'upgrade_type': 'websocket'}" in str(made(PLAIN))


def test_calls_of_grpc_are_counted_and_bridged() -> None:
    calls = Managed(stat_prefix="a", routes="b", protocol="grpc")
    for made in (inbound, outbound_http):
        assert "grpc_http1_bridge" in str(made(calls))
        assert "grpc_stats" in str(made(calls))
        assert "grpc" not in str(made(PLAIN))
