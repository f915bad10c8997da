"""The truth: the replicated state, how servers agree on it, and the duties of the one that leads.

What may enter: Raft, the state and its tables, endpoints (what a request means), the CA, leases, the servers' RPC. What
may not: HTTP, DNS, checks, proxies. Other rooms use what is named here and nothing else of this package.
"""

from lictor_server.coordinates import CoordinateSettings
from lictor_server.door import Server
from lictor_server.raft.settings import RaftSettings
from lictor_server.recovery import Recovery, RecoveryPlan
from lictor_server.rpc import RpcPool
from lictor_server.settings import ServerSettings
from lictor_server.tls import Tls, TlsSettings, load_tls

__all__ = [
    "CoordinateSettings",
    "RaftSettings",
    "Recovery",
    "RecoveryPlan",
    "RpcPool",
    "Server",
    "ServerSettings",
    "Tls",
    "TlsSettings",
    "load_tls",
]
