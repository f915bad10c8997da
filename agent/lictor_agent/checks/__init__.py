"""Watching health: what a check is done by, when, and what its results make of its status.

What may enter: check definitions and the answers of what they ask. What leaves: a status and an output for each check,
into the local state. `status`, `ttl`, `alias` and `reaping` are pure; `http`, `tcp` and `script` each ask one kind of
thing; `runner` says when.
"""

__all__: list[str] = []
