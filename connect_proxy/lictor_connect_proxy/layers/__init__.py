"""The path of a connection as pure functions and small machines: accept, identify, authorize, route, balance, relay.

Each step takes the proof of the one before (`Accepted -> Identified -> Permitted`), so nothing can be relayed without
a permit. What happened comes in as an event, what shall be done goes out as commands.

What may enter: events, snapshots, the current time as a number. What may not: sockets, TLS, event loops, clocks, logs.
"""

__all__: list[str] = []
