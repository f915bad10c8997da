"""The servers' port: requests of agents and other servers in frames, and the way to the ports of others.

What may enter: frames to calls and results to frames, the table of methods, the listener, the client. What may not:
what a method means, which the door knows. The client comes without the listener, for agents that are no server.
"""

from typing import TYPE_CHECKING

from lictor_core.lazy import lazily

if TYPE_CHECKING:
    from lictor_server.rpc.client import RpcPool
    from lictor_server.rpc.listener import RpcListener
    from lictor_server.rpc.methods import Methods
else:
    __getattr__ = lazily(
        __name__,
        {
            "Methods": "lictor_server.rpc.methods",
            "RpcListener": "lictor_server.rpc.listener",
            "RpcPool": "lictor_server.rpc.client",
        },
    )

__all__ = ["Methods", "RpcListener", "RpcPool"]
