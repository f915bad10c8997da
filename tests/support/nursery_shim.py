"""Stands for `lictor` where a program of others starts it: has a fork be it, passes signals on, ends as it ends.

Run by itself, without any package: what it costs to start is what a fork saves.
"""

import json
import os
import signal
import socket
import sys


def main() -> None:
    """Ask at the door that the first argument names; the others are those of `lictor`."""
    door, *arguments = sys.argv[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
        asking.connect(door)
        order = {"arguments": arguments, "directory": os.getcwd(), "environment": dict(os.environ)}
        with os.fdopen(os.memfd_create("order"), "wb") as paper:
            paper.write(json.dumps(order).encode())
            paper.flush()
            socket.send_fds(asking, [b"!"], [paper.fileno(), 0, 1, 2])
        pid = int(asking.recv(20))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, lambda got, _: os.kill(pid, got))
        code = int(asking.recv(20))
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main()
