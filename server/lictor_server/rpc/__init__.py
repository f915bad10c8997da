"""The servers' port: requests of agents without a server of their own, in frames.

What may enter: frames to calls and results to frames, the table of methods, the listener. What may not: what a method
means, which the door knows.
"""

from lictor_server.rpc.listener import RpcListener
from lictor_server.rpc.methods import Methods

__all__ = ["Methods", "RpcListener"]
