"""A door of the nursery for programs of others: what they start as `lictor`, or as `consul`, is a fork."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import socket
import sys
import threading
from collections.abc import Generator
from pathlib import Path

from tests.support.nursery import PROGRAM, Fork, fork, load

__all__ = ["stand_in"]

_SHIM = Path(__file__).with_name("nursery_shim.py")


@contextlib.contextmanager
def stand_in(program: Path) -> Generator[None]:
    """Put a program at this path that is `lictor` for whoever starts it, while the block runs."""
    door = program.with_name("door")
    words = [sys.executable, "-I", "-S", str(_SHIM), str(door)]
    program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    program.chmod(0o755)
    load()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(str(door))
        listening.listen(64)
        threading.Thread(target=_admit, args=(listening,), daemon=True).start()
        try:
            yield
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            door.unlink()


def _admit(listening: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            guest, _ = listening.accept()
            threading.Thread(target=_serve, args=(guest,), daemon=True).start()


def _serve(guest: socket.socket) -> None:
    """One start: the id of the fork is told, and its end. A guest that is killed takes the fork with it."""
    with guest, contextlib.suppress(OSError):
        _, files, _, _ = socket.recv_fds(guest, 1, 4)
        with os.fdopen(files[0], "rb") as paper:
            paper.seek(0)
            order = json.loads(paper.read())
        words = [str(PROGRAM), *order["arguments"]]
        started = fork(words, Path(order["directory"]), order["environment"], (files[1], files[2], files[3]))
        telling = threading.Thread(target=_tell_end, args=(started, guest), daemon=True)
        try:
            for number in files[1:]:
                os.close(number)
            guest.send(str(started.pid).encode())
            telling.start()
            guest.recv(1)  # nothing but the end
        finally:
            if started.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(started.pid, signal.SIGKILL)
            (telling.join if telling.ident else started.wait)()


def _tell_end(started: Fork, guest: socket.socket) -> None:
    with contextlib.suppress(OSError):
        guest.send(str(started.wait()).encode())
