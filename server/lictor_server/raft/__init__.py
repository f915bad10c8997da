"""Agreement: one log on all servers, on pysyncobj 0.3.17, hardened.

What may enter: the subclass of pysyncobj (in `core`, the sole importer), the log, the wire, the asyncio driver, their
settings, and what failures mean. What may not: what is in a command, HTTP, the catalog. The rest of the room knows
`Driver` alone. The settings come without the rest.
"""

from typing import TYPE_CHECKING

from lictor_core.lazy import lazily

if TYPE_CHECKING:
    from lictor_server.raft.core import RaftCore
    from lictor_server.raft.driver import Driver
    from lictor_server.raft.settings import RaftSettings
else:
    __getattr__ = lazily(
        __name__,
        {
            "Driver": "lictor_server.raft.driver",
            "RaftCore": "lictor_server.raft.core",
            "RaftSettings": "lictor_server.raft.settings",
        },
    )

__all__ = ["Driver", "RaftCore", "RaftSettings"]
