"""`/v1/snapshot`: save all state, and restore it. Source: Consul's document `api-docs/snapshot`.

Archives may be large: they go from the network to a file without a name and back, never as a whole into memory.
"""

from __future__ import annotations

import asyncio
import tempfile
from typing import BinaryIO, Final, cast

from lictor_agent.http.described import DC, NOTHING, STALE, Body, described
from lictor_agent.http.encoding import Answer, FileBody
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.commands import ReadMode
from lictor_core.errors import StorageError
from lictor_core.registry import ReadOptions
from lictor_core.scratch import discard

__all__ = ["ROUTES"]

_ARCHIVE: Final = Body(None, media="application/x-gzip")
_GZIP: Final = ("Content-Type", "application/x-gzip")


@described(
    bytes,
    DC,
    STALE,
    media=("application/x-gzip",),
    headers=("X-Consul-Index", "X-Consul-KnownLeader", "X-Consul-LastContact"),
)
async def save(site: Site, request: Request) -> Answer:
    """The whole state as an archive, verified before the first byte of it is sent."""
    site.check_datacenter(request.parameters.get("dc"))
    mode = ReadMode.STALE if "stale" in request.parameters else ReadMode.DEFAULT
    state = await site.registry.save_state(ReadOptions(mode=mode, token=request.token))
    headers = (
        _GZIP,
        ("X-Consul-Index", str(max(state.index, 1))),
        ("X-Consul-Knownleader", "true" if state.known_leader else "false"),
        ("X-Consul-Lastcontact", str(state.last_contact_ms)),
    )
    return Answer(headers=headers, file=FileBody(state.archive, state.size_bytes))


@described(NOTHING, DC, STALE, body=_ARCHIVE)
async def restore(site: Site, request: Request) -> Answer:
    """Put the state of an archive in place of the current one."""
    if "stale" in request.parameters:
        raise Refusal("stale not allowed for restore", status=500)
    site.check_datacenter(request.parameters.get("dc"))
    archive = await _received(site, request)
    with refusing_with(500):
        await site.registry.restore_state(archive, token=request.token)
    return Answer()


async def _received(site: Site, request: Request) -> BinaryIO:
    loop = asyncio.get_running_loop()
    try:
        archive = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 it is handed on open
    except OSError as error:
        raise _no_file(error) from error
    try:
        async for part in request.read_parts(site.settings.snapshot_bytes_max):
            await loop.run_in_executor(None, archive.write, part)
        archive.seek(0)
    except OSError as error:
        discard(archive)
        raise _no_file(error) from error
    except BaseException:
        discard(archive)
        raise
    return archive


def _no_file(error: OSError) -> StorageError:
    reason = error.strerror or str(error)
    return StorageError(
        f"cannot keep the snapshot in {tempfile.gettempdir()} while it comes: {reason}; "
        "make room there, or set TMPDIR to another directory"
    )


ROUTES: Final = (Route("/v1/snapshot", {"GET": save, "PUT": restore}),)
