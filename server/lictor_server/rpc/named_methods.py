"""The methods by which an agent says something in the name of its node: each is held against its certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from lictor_core.calls import TELL_KEYS, TELL_PROXIES, PlaceRequest
from lictor_core.codec import unpack
from lictor_core.coordinates import NodeCoordinate
from lictor_core.errors import PermissionDeniedError
from lictor_core.membership import LeaseGrant, Renewal
from lictor_core.peers import RaftServer
from lictor_core.proxy_status import ProxyTidings
from lictor_core.sealed_ring import KeyTidings
from lictor_server.keyrings import ServerKeyrings
from lictor_server.proxies import ServerProxies
from lictor_server.rpc.methods import VisitedStep
from lictor_server.rpc.roles import check_member_role, check_speaks_for
from lictor_server.rpc.visitor import Visitor
from lictor_server.vouching import RpcLink

__all__ = ["Leases", "Nodes", "named_methods"]


class Nodes(Protocol):
    """What a server does with what agents say."""

    async def leave(self, name: str) -> None:
        """Give up the lease of `name`."""
        ...

    async def place(self, update: NodeCoordinate, *, token: str = "") -> None:
        """Take a report of where a node stands."""
        ...


class Leases(Protocol):
    """The leases that agents hold at this server."""

    async def renew(self, renewal: Renewal, link: RpcLink | None = None) -> LeaseGrant:
        """Take or renew one, which hangs on `link`."""
        ...

    def holds(self, name: str, link: RpcLink) -> bool:
        """Whether the lease of `name` hangs on `link`."""
        ...


def named_methods(
    nodes: Nodes,
    leases: Leases,
    proxies: ServerProxies,
    keyrings: ServerKeyrings,
    servers: Callable[[], Iterable[RaftServer]],
) -> dict[str, VisitedStep]:
    """Each method by its name on the wire; `servers` are those that stand in the log."""

    async def renew(payload: bytes, visitor: Visitor) -> object:
        renewal = unpack(payload, Renewal)
        check_member_role(renewal.member, visitor.proof, servers())
        return await leases.renew(renewal, visitor)

    async def leave(payload: bytes, visitor: Visitor) -> object:
        name, proof = unpack(payload, str), visitor.proof
        check_speaks_for(name, proof, servers())
        is_named = proof is None or proof.is_server or bool(proof.node_names)
        if not is_named and not leases.holds(name, visitor):
            raise PermissionDeniedError(
                f"only who holds the lease of {name[:64]!r} on this connection may say that it leaves; what has failed "
                "is taken out by force-leave"
            )
        await nodes.leave(name)
        return None

    async def place(payload: bytes, visitor: Visitor) -> object:
        request = unpack(payload, PlaceRequest)
        check_speaks_for(request.update.node, visitor.proof, servers())
        await nodes.place(request.update, token=request.token)
        return None

    async def tell_proxies(payload: bytes, visitor: Visitor) -> object:
        tidings = unpack(payload, ProxyTidings)
        check_speaks_for(tidings.node, visitor.proof, servers())
        proxies.note(tidings, visitor)
        return None

    async def tell_keys(payload: bytes, visitor: Visitor) -> object:
        tidings = unpack(payload, KeyTidings)
        check_speaks_for(tidings.node, visitor.proof, servers())
        keyrings.note(tidings, visitor)
        return None

    return {"renew": renew, "leave": leave, "place": place, TELL_KEYS: tell_keys, TELL_PROXIES: tell_proxies}
