"""An application behind a proxy: it says which service it is, and then sends back what it gets.

`python -m lictor_jepsen.echo db=10.0.0.1:7001 api=10.0.0.1:7002` is both until it is killed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

__all__ = ["main"]

_BYTES_MAX = 65_536


async def _serve(pairs: Sequence[str]) -> None:
    servers = [await _server(*pair.partition("=")[::2]) for pair in pairs]
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def _server(name: str, address: str) -> asyncio.Server:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(f"{name}\n".encode())
            while data := await reader.read(_BYTES_MAX):
                writer.write(data)
                await writer.drain()
        except OSError:
            return
        finally:
            writer.close()

    host, _, port = address.rpartition(":")
    return await asyncio.start_server(talk, host, int(port))


def main(pairs: Sequence[str]) -> None:
    """Serve `name=host:port` for each of them."""
    asyncio.run(_serve(pairs))


if __name__ == "__main__":
    main(sys.argv[1:])
