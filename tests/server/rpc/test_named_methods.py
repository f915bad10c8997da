"""What agents say in the name of their nodes, beside what their certificates say."""

from __future__ import annotations

import pytest

from lictor_core.calls import PlaceRequest
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.codec import pack
from lictor_core.coordinates import NodeCoordinate
from lictor_core.errors import PermissionDeniedError, RequestError
from lictor_core.membership import LeaseGrant, Renewal
from lictor_core.peers import RaftServer
from lictor_core.proxy_status import ProxyTidings
from lictor_core.sealed_ring import KeyTidings
from lictor_server import RpcPool
from lictor_server.keyrings import ServerKeyrings
from lictor_server.proxies import ServerProxies
from lictor_server.rpc.named_methods import named_methods
from lictor_server.rpc.visitor import Visitor
from lictor_server.tls import Proof
from lictor_server.vouching import RpcLink
from tests.server.build import member, placed, renewal
from tests.server.conftest import made_log

CLIENT = Proof(is_server=False, node_ids=frozenset())
A1 = Proof(is_server=False, node_ids=frozenset(), node_names=frozenset({"a1"}))
SERVERS = (RaftServer(id="5c1e2f30-0000-4000-8000-000000000001", name="s1", address="127.0.0.1:8300", voter=True),)


class Told:
    """Keeps what it is told."""

    def __init__(self, holder: Visitor | None = None) -> None:
        self.left: list[str] = []
        self.placed: list[str] = []
        self.renewed: list[str] = []
        self._holder = holder

    async def leave(self, name: str) -> None:
        self.left.append(name)

    async def place(self, update: NodeCoordinate, *, token: str = "") -> None:
        self.placed.append(update.node)

    async def renew(self, renewal: Renewal, link: RpcLink | None = None) -> LeaseGrant:
        self.renewed.append(renewal.member.name)
        return LeaseGrant(renew_s=1.0, server="s")

    def holds(self, name: str, link: RpcLink) -> bool:
        return link is self._holder


async def say(told: Told, visitor: Visitor, method: str, payload: bytes) -> None:
    pool, clock, log = RpcPool(rng=SeededRng(1)), SystemClock(), made_log().logger
    proxies, keyrings = ServerProxies(dict, pool, clock, log), ServerKeyrings(dict, pool, clock, log)
    await named_methods(told, told, proxies, keyrings, lambda: SERVERS)[method](payload, visitor)


@pytest.mark.parametrize("proof", [None, A1, Proof(is_server=True, node_ids=frozenset())])
async def test_who_may_speak_for_a_node_says_that_it_leaves(proof: Proof | None) -> None:
    told = Told()
    await say(told, Visitor("x", proof), "leave", pack("a1"))
    assert told.left == ["a1"]


async def test_where_a_certificate_names_no_node_the_lease_does() -> None:
    holder, other = Visitor("x", CLIENT), Visitor("y", CLIENT)
    told = Told(holder)
    with pytest.raises(PermissionDeniedError, match="force-leave"):
        await say(told, other, "leave", pack("a1"))
    await say(told, holder, "leave", pack("a1"))
    assert told.left == ["a1"]


async def test_who_is_another_node_says_nothing_for_it() -> None:
    told, visitor = Told(), Visitor("x", A1)
    said = {
        "renew": pack(renewal(member("a2", id="x"))),
        "leave": pack("a2"),
        "place": pack(PlaceRequest(update=placed("a2", 0.1))),
        "tell_keys": pack(KeyTidings(node="a2", keys=())),
        "tell_proxies": pack(ProxyTidings(node="a2", policies=())),
    }
    for method, payload in said.items():
        with pytest.raises(PermissionDeniedError, match="one of node a1"):
            await say(told, visitor, method, payload)
    await say(told, visitor, "renew", pack(renewal(member("A1", id="x"))))
    await say(told, visitor, "place", pack(PlaceRequest(update=placed("a1", 0.1))))
    await say(told, visitor, "tell_proxies", pack(ProxyTidings(node="a1", policies=())))
    assert (told.renewed, told.left, told.placed) == (["A1"], [], ["a1"])


@pytest.mark.parametrize("method", ["renew", "leave", "place", "tell_keys", "tell_proxies"])
async def test_what_cannot_be_read_is_refused(method: str) -> None:
    with pytest.raises(RequestError):
        await say(Told(), Visitor("x"), method, b"\xc1")
