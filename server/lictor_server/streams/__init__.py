"""Streams of what changes, for the views of agents: one publisher for each query that somebody follows.

What may enter: a query's answer before and after, kept changes, who follows. What may not: what an answer means, who
may see it, and connections; the door and `rpc` know these.
"""

from lictor_server.streams.publishers import Publishers
from lictor_server.streams.ticks import Ticks

__all__ = ["Publishers", "Ticks"]
