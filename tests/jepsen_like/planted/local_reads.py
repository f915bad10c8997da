"""Lictor with a planted bug: default reads are answered from the server's own store, without asking who leads.

`python tests/jepsen_like/planted/local_reads.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from lictor.cli import main
from lictor_core.commands import ReadMode
from lictor_core.queries import Query
from lictor_core.registry import Reading, ReadOptions
from lictor_server import Server

T = TypeVar("T")


def plant() -> None:
    """Take default reads for stale ones."""
    honest = Server.read

    async def read(self: Server, query: Query[T], options: ReadOptions) -> Reading[T]:
        if options.mode is ReadMode.DEFAULT:
            options = msgspec.structs.replace(options, mode=ReadMode.STALE)
        return await honest(self, query, options)

    setattr(Server, "read", read)  # noqa: B010 a bug is planted, which the type checker would not allow


if __name__ == "__main__":
    plant()
    main()
