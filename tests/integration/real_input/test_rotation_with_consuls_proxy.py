"""Roots change at Lictor's agent under the real Consul's proxy: what it presents and takes goes on being good."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from tests.support.agents import Product, dev_agent
from tests.support.api import call
from tests.support.echo import GREETING, echo_server
from tests.support.mesh import BACKEND, FRONTEND, mesh
from tests.support.recorder.json_types import Json, as_list, as_object, at

pytestmark = [pytest.mark.needs("consul"), pytest.mark.slow]

_WITHIN_S = 20.0
_CONFIGURATION = "/v1/connect/ca/configuration"
_BY_INTERMEDIATE: Json = {"connect": {"ca_config": {"sign_by_intermediate": True}}}
_CHANGES: tuple[Json, ...] = (
    {"PrivateKeyType": "ec", "PrivateKeyBits": 384},  # another root that signs itself, vouched for by the first
    {"PrivateKeyType": "rsa", "PrivateKeyBits": 2048, "SignByIntermediate": True},
)


def _exchange(port: int) -> None:
    """A new connection through both proxies."""
    with socket.create_connection(("127.0.0.1", port), timeout=_WITHIN_S) as stream:
        stream.settimeout(_WITHIN_S)
        stream.sendall(b"hail")
        got = b""
        while len(got) < len(GREETING) + 4:
            part = stream.recv(64)
            assert part, f"the connection ended after {got!r}"
            got += part
    assert got == GREETING + b"hail"


@pytest.mark.parametrize(("near", "far"), [("consul", "lictor"), ("lictor", "consul"), ("consul", "consul")])
def test_consuls_proxy_goes_on_while_roots_change(tmp_path: Path, near: Product, far: Product) -> None:
    with echo_server() as backend, dev_agent("lictor", tmp_path, as_object(_BY_INTERMEDIATE)) as agent:
        with mesh(agent, tmp_path, backend, near=near, far=far) as running:
            for change in _CHANGES:
                before = _leaves(agent.http_address)
                call(agent.http_address, "PUT", _CONFIGURATION, {"Provider": "consul", "Config": change})
                ends = time.monotonic() + _WITHIN_S
                while _leaves(agent.http_address) & before:
                    _exchange(running.port)
                    assert time.monotonic() < ends, "leaves of the old root are still given out"
                for _ in range(10):
                    _exchange(running.port)
        roots = as_list(at(call(agent.http_address, "GET", "/v1/connect/ca/roots"), "Roots"))
        assert [at(root, "Active") for root in roots] == [False, False, True]


def _leaves(address: str) -> set[str]:
    """The serial numbers of what both proxies present."""
    names = (FRONTEND, BACKEND)
    return {str(at(call(address, "GET", f"/v1/agent/connect/ca/leaf/{name}"), "SerialNumber")) for name in names}
