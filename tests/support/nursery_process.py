"""The process of a nursery: it loads `lictor`, then becomes it in a fork as often as it is asked.

The loop returns in forks only, so that each runs and ends as a program of its own does: by falling off the end of its
main module.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import struct
import sys
import threading
from io import TextIOWrapper
from typing import Final, NamedTuple, TypedDict

TOLD: Final = "=ci"
"""How it is told that a fork is what it was asked to be, with its id, or how it ended."""
READY: Final = b"r"
STARTED: Final = b"s"
ENDED: Final = b"e"

_LOADED: Final = (
    "lictor_agent.main",
    "lictor_agent.embedded",
    "lictor_agent.assembly",
    "lictor_agent.http.general",
    "lictor.cli.program",
)
"""What an agent and a command have loaded when they are ready."""
_ORDER_BYTES_MAX: Final = 1


class _Order(TypedDict):
    words: list[str]
    directory: str
    environment: dict[str, str]
    apart: bool


class _Child(NamedTuple):
    pid: int
    status: socket.socket


def main() -> None:
    """Serve until who asks is gone; in a fork, return and be what was asked for."""
    requests, program = socket.socket(fileno=int(sys.argv[1])), sys.argv[2]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the tests
    for name in _LOADED:
        importlib.import_module(name)
    commands = importlib.import_module("lictor.cli.commands")
    for module in pkgutil.iter_modules(commands.__path__, "lictor.cli.commands."):
        importlib.import_module(module.name)
    gc.collect()
    gc.freeze()
    requests.send(READY)
    arguments = _serve(requests)
    if arguments is None:
        return
    sys.argv = [program, *arguments]
    from lictor.cli import main as lictor

    try:
        lictor()
    except SystemExit as ended:
        if isinstance(ended.code, int) and threading.active_count() == 1:
            _end(ended.code)
        raise


def _serve(requests: socket.socket) -> list[str] | None:
    """Fork for each request and tell how the forks end. The arguments in a fork; None when all requests are done."""
    poll = select.poll()
    poll.register(requests, select.POLLIN)
    children: dict[int, _Child] = {}
    while True:
        for ready, _ in poll.poll():
            if ready != requests.fileno():
                poll.unregister(ready)
                _tell_end(children.pop(ready))
                os.close(ready)
                continue
            _, files, _, _ = socket.recv_fds(requests, _ORDER_BYTES_MAX, 5)
            if not files:
                return None
            with os.fdopen(files[0], "rb") as paper:
                paper.seek(0)
                order: _Order = json.loads(paper.read())
            status = socket.socket(fileno=files[1])
            pid = os.fork()
            if pid == 0:
                requests.close()
                for number, child in children.items():
                    os.close(number)
                    child.status.close()
                _become(order, files[2:])
                status.sendall(struct.pack(TOLD, STARTED, os.getpid()))
                status.close()
                return order["words"][1:]
            for number in files[2:]:
                os.close(number)
            watched = os.pidfd_open(pid)
            children[watched] = _Child(pid, status)
            poll.register(watched, select.POLLIN)


def _end(code: int) -> None:
    """End but for the taking apart of what was loaded, which would touch, and so copy, all of the memory first."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _tell_end(child: _Child) -> None:
    _, ended = os.waitpid(child.pid, 0)
    with contextlib.suppress(OSError):  # nobody wants to know any more
        child.status.sendall(struct.pack(TOLD, ENDED, ended))
    child.status.close()


def _become(order: _Order, streams: list[int]) -> None:
    """Take on what the order says: streams, directory, environment, a session; and what a program starts with."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for place, number in enumerate(streams):
        os.dup2(number, place)
        os.close(number)
    _open_streams()
    os.chdir(order["directory"])
    if order["apart"]:
        os.setsid()
    os.environ.clear()
    os.environ.update(order["environment"])


def _open_streams() -> None:
    """As the interpreter does at its start: what they were here may have been files where they are pipes now."""
    at_once = bool(os.environ.get("PYTHONUNBUFFERED"))
    buffering = 0 if at_once else -1
    source = open(0, "rb", closefd=False)  # noqa: SIM115  as long as the process
    out = open(1, "wb", buffering=buffering, closefd=False)  # noqa: SIM115
    errors = open(2, "wb", buffering=buffering, closefd=False)  # noqa: SIM115
    sys.stdin = TextIOWrapper(source, sys.stdin.encoding, sys.stdin.errors)
    sys.stdout = TextIOWrapper(
        out, sys.stdout.encoding, sys.stdout.errors, line_buffering=os.isatty(1), write_through=at_once
    )
    sys.stderr = TextIOWrapper(
        errors, sys.stderr.encoding, sys.stderr.errors, line_buffering=True, write_through=at_once
    )


if __name__ == "__main__":
    main()
