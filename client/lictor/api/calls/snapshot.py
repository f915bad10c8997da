"""All state of the servers as an archive: `/v1/snapshot`. Source: Consul's document `api-docs/snapshot`."""

from __future__ import annotations

from typing import Final

from lictor.api.messages import Call, Options, Request, Response

__all__ = ["PATIENCE_S", "restore", "save"]

PATIENCE_S: Final = 600.0
"""How long servers may take over a large state, on top of a client's own time-out."""


def save(options: Options | None = None) -> Call[bytes]:
    """The state as an archive, taken at one index and verified; of `options` the datacenter and `stale` count."""
    chosen = options or Options()
    pairs = Options(datacenter=chosen.datacenter, stale=chosen.stale).pairs()
    request = Request(method="GET", path="/v1/snapshot", parameters=tuple(pairs), waits_s=PATIENCE_S)

    def read(response: Response) -> bytes:
        response.check()
        return response.body

    return Call(request=request, read=read)


def restore(archive: bytes, *, dc: str = "") -> Call[None]:
    """Put the state in `archive` in place of the current one."""
    parameters = (("dc", dc),) if dc else ()
    request = Request(method="PUT", path="/v1/snapshot", parameters=parameters, body=archive, waits_s=PATIENCE_S)

    def read(response: Response) -> None:
        response.check()

    return Call(request=request, read=read)
