"""The edge of the data plane: the only place of the room that knows event loops, sockets and TLS.

It performs the commands of the layers and tells them what happened. TLS is held in memory BIOs over plain non-blocking
sockets: the proxy decides when ciphertext is read, so it can half-close, refuse before a byte flows, bound handshakes,
and reuse its buffers.
"""

__all__: list[str] = []
