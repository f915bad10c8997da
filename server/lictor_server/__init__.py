"""The truth: the replicated state, how servers agree on it, and the duties of the one that leads.

What may enter: Raft, the state and its tables, endpoints (what a request means), the CA, leases, the servers' RPC. What
may not: HTTP, DNS, checks, proxies. Other rooms use what is named here and nothing else of this package. Each name is
imported when it is asked for: `RpcPool` and TLS, which every agent needs, bring nothing of the server's inside.
"""

from typing import TYPE_CHECKING

from lictor_core.lazy import lazily

if TYPE_CHECKING:
    from lictor_server.acl.settings import AclSettings
    from lictor_server.coordinates import CoordinateSettings
    from lictor_server.door import Server
    from lictor_server.keyed import UNKEYED, Keyed
    from lictor_server.raft.settings import RaftSettings
    from lictor_server.recovery import Recovery, RecoveryPlan
    from lictor_server.request_limits import RequestRates
    from lictor_server.rpc.client import RpcPool
    from lictor_server.settings import ServerSettings
    from lictor_server.sockets import SERVER_PORT, resolve
    from lictor_server.tls import PLAIN, Tls, TlsSettings, load_tls
    from lictor_server.tls_material import certificate_times
    from lictor_server.tls_pair import PemPair, show_pair
else:
    __getattr__ = lazily(
        __name__,
        {
            "AclSettings": "lictor_server.acl.settings",
            "CoordinateSettings": "lictor_server.coordinates",
            "Keyed": "lictor_server.keyed",
            "PLAIN": "lictor_server.tls",
            "PemPair": "lictor_server.tls_pair",
            "SERVER_PORT": "lictor_server.sockets",
            "RaftSettings": "lictor_server.raft.settings",
            "RequestRates": "lictor_server.request_limits",
            "Recovery": "lictor_server.recovery",
            "RecoveryPlan": "lictor_server.recovery",
            "RpcPool": "lictor_server.rpc.client",
            "Server": "lictor_server.door",
            "ServerSettings": "lictor_server.settings",
            "Tls": "lictor_server.tls",
            "TlsSettings": "lictor_server.tls",
            "UNKEYED": "lictor_server.keyed",
            "certificate_times": "lictor_server.tls_material",
            "load_tls": "lictor_server.tls",
            "resolve": "lictor_server.sockets",
            "show_pair": "lictor_server.tls_pair",
        },
    )

__all__ = [
    "PLAIN",
    "SERVER_PORT",
    "UNKEYED",
    "AclSettings",
    "CoordinateSettings",
    "Keyed",
    "PemPair",
    "RaftSettings",
    "Recovery",
    "RecoveryPlan",
    "RequestRates",
    "RpcPool",
    "Server",
    "ServerSettings",
    "Tls",
    "TlsSettings",
    "certificate_times",
    "load_tls",
    "resolve",
    "show_pair",
]
