"""Mutual TLS of the mesh."""

import pytest

from lictor_connect_proxy.snapshot import TrustRoots
from lictor_connect_proxy.xds.builders.tls import upstream_tls, validation_secret
from tests.connect_proxy.build import service_id


def test_whoever_is_connected_to_must_be_exactly_the_service() -> None:
    found = str(upstream_tls("db.sni", [service_id("db")]))
    assert f"{{'exact': '{service_id('db').uri()}'}}" in found
    assert "regex" not in found


def test_an_empty_list_of_names_is_never_sent() -> None:
    with pytest.raises(AssertionError, match="admit every certificate"):
        validation_secret("intentions:db", TrustRoots(trust_domain="td", pems=("root",)), [])


def test_each_root_ends_its_line() -> None:
    found = validation_secret("roots", TrustRoots(trust_domain="td", pems=("one\n", "two")))
    assert found["validation_context"] == {"trusted_ca": {"inline_string": "one\ntwo\n"}}
