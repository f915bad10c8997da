"""A TLS context that stands for another one, which may change while a listener holds it."""

from __future__ import annotations

import ssl

__all__ = ["RelayContext"]


class RelayContext(ssl.SSLContext):
    """Each handshake is made by the `current` context; those that are done are not touched when it is exchanged.

    For listeners of libraries, which keep the context that they were given. Event loops ask a context for nothing but
    `wrap_bio`, which alone is relayed.
    """

    current: ssl.SSLContext

    def __new__(cls, current: ssl.SSLContext) -> RelayContext:
        """Stands for `current`, a server's."""
        made = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        made.current = current
        return made

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As that of `ssl.SSLContext`."""
        return self.current.wrap_bio(incoming, outgoing, server_side, server_hostname, session)
