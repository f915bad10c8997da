"""The truth: the replicated state, how servers agree on it, and the duties of the one that leads.

What may enter: Raft, the state and its tables, endpoints (what a request means), the CA, leases, the servers' RPC. What
may not: HTTP, DNS, checks, proxies. Other rooms use `Server` and `ServerSettings` and nothing else of this package.
"""

from lictor_server.door import Server
from lictor_server.settings import ServerSettings

__all__ = ["Server", "ServerSettings"]
