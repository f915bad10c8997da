"""A TCP server that greets and echoes, in a thread."""

import contextlib
import socket
import threading
from collections.abc import Generator

GREETING = b"salve\n"
_CHUNK = 65_536


@contextlib.contextmanager
def echo_server() -> Generator[int]:
    """Serve on a port of 127.0.0.1, which is the value: each connection gets `GREETING`, then back what it sends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        open_streams: set[socket.socket] = set()
        accepting = threading.Thread(target=_accept, args=(listener, open_streams))
        accepting.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for stream in list(open_streams):
                with contextlib.suppress(OSError):
                    stream.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, open_streams: set[socket.socket]) -> None:
    workers: list[threading.Thread] = []
    with contextlib.suppress(OSError):
        while True:
            stream, _ = listener.accept()
            open_streams.add(stream)
            worker = threading.Thread(target=_echo, args=(stream, open_streams), daemon=True)
            worker.start()
            workers.append(worker)


def _echo(stream: socket.socket, open_streams: set[socket.socket]) -> None:
    with stream, contextlib.suppress(OSError):
        stream.sendall(GREETING)
        while data := stream.recv(_CHUNK):
            stream.sendall(data)
    open_streams.discard(stream)
