"""The servers' port: requests of agents and other servers in frames, and the way to the ports of others.

What may enter: frames to calls and results to frames, the table of methods, the listener, the client. What may not:
what a method means, which the door knows.
"""

from lictor_server.rpc.client import RpcPool
from lictor_server.rpc.listener import RpcListener
from lictor_server.rpc.methods import Methods

__all__ = ["Methods", "RpcListener", "RpcPool"]
