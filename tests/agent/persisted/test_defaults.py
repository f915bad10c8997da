"""What the cluster said of proxies, as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from lictor_agent.persisted.defaults import SavedDefaults, defaults_bytes, read_defaults, recalled
from lictor_agent.persisted.forms import file_name
from lictor_agent.persisted.shelf import FILE_BYTES_MAX, Item, Kind, Shelf
from lictor_core.config_queries import ServiceConfigQuery
from lictor_core.config_records import ServiceConfig
from lictor_core.errors import RequestError
from lictor_core.records import Expose, MeshGateway
from tests.agent.harness import quiet_log

_ID = "web-sidecar-proxy"
_SAID = ServiceConfig(
    proxy_config={"protocol": "http"},
    upstream_configs={"db": {"protocol": "tcp"}},
    mesh_gateway=MeshGateway(mode="local"),
    expose=Expose(checks=True),
)
_ASKED = ServiceConfigQuery(service="web", upstreams=("db",))
_OF_CONSUL = (
    b'{"ServiceID":"web-sidecar-proxy","Defaults":{"ProxyConfig":{"protocol":"http","x":"y"},"UpstreamConfigs":null,'
    b'"UpstreamIDConfigs":null,"MeshGateway":{},"Expose":{},"Index":16,"LastContact":0,"KnownLeader":true,'
    b'"ConsistencyLevel":""}}'
)


def test_a_file_says_what_was_said_and_what_was_asked() -> None:
    saved = read_defaults(defaults_bytes(_ID, _ASKED, _SAID))
    assert saved == SavedDefaults(service_id=_ID, question=_ASKED, config=_SAID)


def test_a_file_of_consul_is_read() -> None:
    saved = read_defaults(_OF_CONSUL)
    assert (saved.service_id, saved.question) == (_ID, None)
    assert saved.config.proxy_config == {"protocol": "http", "x": "y"}
    assert saved.config.upstream_configs == {}


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"ServiceID":1,"Defaults":{}}', b'{"ServiceID":"a"}'])
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(RequestError):
        read_defaults(data)


@pytest.mark.parametrize("data", [b"{", defaults_bytes("another", _ASKED, _SAID), b" " * (FILE_BYTES_MAX + 1)])
def test_what_cannot_be_used_is_set_aside_and_keeps_nothing_else_back(tmp_path: Path, data: bytes) -> None:
    shelf, (log, captured) = Shelf(tmp_path), quiet_log()
    good, bad = Item(Kind.DEFAULTS, file_name(_ID)), Item(Kind.DEFAULTS, file_name("bad"))
    assert shelf.apply({good: defaults_bytes(_ID, _ASKED, _SAID), bad: data}) == {}
    assert list(recalled(shelf, log)) == [good]
    assert not shelf.path(bad).exists()
    assert [one["event"] for one in captured.entries] == ["agent.registration.damaged"]
