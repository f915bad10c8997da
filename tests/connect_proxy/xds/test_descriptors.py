"""Envoy's messages from descriptors alone."""

import subprocess
import sys

import pytest

from lictor_connect_proxy.xds.descriptors import DecodeError, decoded, encoded, message_class, shown
from lictor_connect_proxy.xds.kinds import CLUSTER, LISTENER, ORDER
from lictor_core.errors import ConfigurationError
from lictor_core.records import JsonObject

MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
LUA = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"


def test_what_is_encoded_is_shown_again() -> None:
    lua: JsonObject = {"name": "lua", "typed_config": {"@type": LUA, "inline_code": "x = 1"}}
    manager: JsonObject = {"@type": MANAGER, "stat_prefix": "public", "http_filters": [lua]}
    listener: JsonObject = {
        "name": "public",
        "listener_filters_timeout": "1.500s",
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    assert shown(LISTENER, encoded(LISTENER, listener)) == listener


def test_equal_fields_give_equal_bytes_whatever_their_order() -> None:
    metadata: dict[str, object] = {"filter_metadata": {name: {"a": 1} for name in "qwertzuiop"}}
    backwards: dict[str, object] = {"filter_metadata": {name: {"a": 1} for name in reversed("qwertzuiop")}}
    one = encoded(CLUSTER, {"name": "db", "metadata": metadata})
    assert one == encoded(CLUSTER, {"metadata": backwards, "name": "db"})


@pytest.mark.parametrize("kind", ORDER)
def test_every_kind_has_a_class(kind: str) -> None:
    assert kind.endswith(message_class(kind).DESCRIPTOR.full_name)


def test_a_field_that_envoy_does_not_know_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r'no Cluster that Envoy understands.*"naem"') as caught:
        encoded(CLUSTER, {"naem": "db"})
    assert "Available" not in str(caught.value)


def test_a_message_that_envoy_does_not_know_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"envoy\.Nothing is no message"):
        message_class("type.googleapis.com/envoy.Nothing")


def test_bytes_that_are_no_message_are_refused() -> None:
    with pytest.raises(DecodeError):
        decoded(CLUSTER, b"\xff\xff\xff")


@pytest.mark.slow
def test_the_pool_of_other_libraries_stays_as_it_was() -> None:
    program = """
from google.protobuf import descriptor_pool
from lictor_connect_proxy.xds.descriptors import encoded
from lictor_connect_proxy.xds.kinds import CLUSTER
encoded(CLUSTER, {"name": "db"})
try:
    descriptor_pool.Default().FindMessageTypeByName("envoy.config.cluster.v3.Cluster")
except KeyError:
    print("untouched")
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout == "untouched\n"
