"""The settings of services, of proxies and of the mesh."""

from __future__ import annotations

import pytest

from lictor_core.entries.defaults import is_http_like, protocol_in
from lictor_core.limits import NESTING_MAX
from tests.core.entries.build import entry, flaws


@pytest.mark.parametrize(("protocol", "expected"), [("http", True), ("GRPC", True), ("http2", True), ("tcp", False)])
def test_requests_of_http_alone_can_be_routed(protocol: str, expected: bool) -> None:
    assert is_http_like(protocol) is expected


def test_a_proxy_configuration_names_a_protocol_or_none() -> None:
    assert protocol_in({"protocol": "HTTP"}) == "http"
    assert protocol_in({"protocol": 5}) == protocol_in({}) == protocol_in(None) == ""


def test_the_entries_of_which_there_is_one_have_their_name() -> None:
    assert entry("proxy-defaults", "anything").name == "global"
    assert entry("mesh", "anything").name == "mesh"


def test_a_configuration_may_not_nest_without_bound() -> None:
    deep: object = 1
    for _ in range(NESTING_MAX + 1):
        deep = {"a": deep}
    assert flaws("proxy-defaults", {"Config": {"a": deep}}) == ["Config"]


def test_versions_of_tls_are_known_and_in_order() -> None:
    def tls(low: str, high: str = "") -> list[str]:
        return flaws("mesh", {"TLS": {"Outgoing": {"TLSMinVersion": low, "TLSMaxVersion": high}}})

    assert tls("TLSv1_2", "TLSv1_3") == tls("TLS_AUTO", "TLSv1_0") == tls("TLSv1_3") == []
    assert tls("TLSv1_3", "TLSv1_2") == ["TLS.Outgoing.TLSMinVersion"]
    assert tls("SSLv3", "x") == ["TLS.Outgoing.TLSMinVersion", "TLS.Outgoing.TLSMaxVersion"]
