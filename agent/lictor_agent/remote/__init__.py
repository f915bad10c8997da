"""The servers as an agent sees them that is none itself: one connection to one of them, and another when that is lost.

What may enter: which server to talk to, and calls to it. What may not: what is asked, which core's `Registry` defines,
and anything of the server's inside.
"""

from lictor_agent.remote.registry import RemoteRegistry
from lictor_agent.remote.settings import RemoteSettings

__all__ = ["RemoteRegistry", "RemoteSettings"]
