"""Names that are not ours, asked of other DNS servers: the recursors.

`servers` says who they are and in which order they are asked, `reply` reads what they say (both pure), `exchange` asks
one of them, `recursion` all of them in turn, `hosts` keeps the addresses of host names that instances and nodes were
registered with.

What may enter: settings, clock, chance that nobody can predict, a log. What may not: the catalog; a message that nobody
asked for (RFC 5452: every question has a socket, a port and an id of its own, and one that waits is asked once).
"""

from lictor_dns.recursion.recursion import ElsewhereError, Recursion

__all__ = ["ElsewhereError", "Recursion"]
