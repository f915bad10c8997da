"""Clients of the HTTP API. A call is a value: what to send, and how to read the answer; a client carries it out.

`messages`, `calls`, `pacing` and `errors` are pure and shared by both clients; `blocking` and `asynchronous` do I/O.
"""

__all__: list[str] = []
