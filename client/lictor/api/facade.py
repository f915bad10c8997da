"""What both clients have: an attribute for each area of the API. Areas are imported when one is asked for: commands,
which make single calls, start without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from lictor.api.areas import (
        ACL,
        CA,
        KV,
        Agent,
        Catalog,
        Config,
        Coordinate,
        DiscoveryChain,
        Dns,
        Event,
        Health,
        Intentions,
        Operator,
        Query,
        Session,
        Snapshot,
        Status,
        Txn,
    )

__all__ = ["Facade"]

C = TypeVar("C")


class Facade(Generic[C]):
    """The areas of the API, bound to a client of the kind `C`."""

    if TYPE_CHECKING:
        acl: ACL[C]
        agent: Agent[C]
        ca: CA[C]
        catalog: Catalog[C]
        config: Config[C]
        coordinate: Coordinate[C]
        discovery_chain: DiscoveryChain[C]
        dns: Dns[C]
        event: Event[C]
        health: Health[C]
        intentions: Intentions[C]
        kv: KV[C]
        operator: Operator[C]
        query: Query[C]
        session: Session[C]
        snapshot: Snapshot[C]
        status: Status[C]
        txn: Txn[C]
    else:

        def __getattr__(self, name: str) -> object:
            from lictor.api.areas import BY_NAME

            if name not in BY_NAME:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            area = self.__dict__[name] = BY_NAME[name](self)
            return area

        def __dir__(self) -> list[str]:
            from lictor.api.areas import BY_NAME

            return sorted({*super().__dir__(), *BY_NAME})
