"""Namespaces of its own for the whole harness: what a run does to networks, mounts and processes stays inside.

With root, or without it where the kernel lets users make namespaces (Debian does; containers often do not), the program
starts itself again under `unshare`: new user (without root), mount, network and process-id namespaces. When it ends,
however it ends, the kernel takes away the servers, cables, rules and small disks with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

__all__ = ["become", "confine", "is_confined", "lacks_namespaces", "settle"]

_MARK: Final = "LICTOR_JEPSEN_CONFINED"
_TRY_S_MAX: Final = 20.0
_NEEDED: Final = ("unshare", "nsenter", "ip", "mount")
_TRIAL: Final = " && ".join(
    (
        "mount --make-rprivate /",
        "mount -t tmpfs none /run",
        "ip link set lo up",
        "ip link add trial0 type veth peer name trial1",
        "echo 1 >/proc/sys/net/ipv4/ip_forward",
        "ip rule add pref 100 from 10.0.0.1 to 10.0.0.2 blackhole",
    )
)


def is_confined() -> bool:
    """Whether this process is the one inside."""
    return os.environ.get(_MARK) == "1"


def lacks_namespaces() -> str:
    """Why they cannot be made here; empty when they can. Tries what a run needs, in namespaces of a moment."""
    for program in _NEEDED:
        if shutil.which(program) is None:
            return f"there is no program {program!r} on PATH: install util-linux and iproute2"
    try:
        tried = subprocess.run(
            [*_unshare(), "sh", "-c", _TRIAL], capture_output=True, text=True, timeout=_TRY_S_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        return f"making namespaces took over {_TRY_S_MAX:.0f} s"
    if tried.returncode:
        return f"namespaces cannot be made here: {(tried.stderr or tried.stdout).strip()}"
    return ""


def _unshare() -> list[str]:
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--mount", "--net", "--pid", "--fork", "--kill-child"]


def confine(arguments: Sequence[str]) -> NoReturn:
    """Become `python -m lictor_jepsen <arguments>` inside namespaces of its own."""
    become([sys.executable, "-m", "lictor_jepsen", *arguments])


def become(command: Sequence[str]) -> NoReturn:
    """Become that command inside namespaces of its own."""
    os.environ[_MARK] = "1"
    words = [*_unshare(), *command]
    os.execvp(words[0], words)


def settle() -> None:
    """Make the inside ready, once: no mount leaves it, and `ip netns` has a place for its names."""
    subprocess.run(["mount", "--make-rprivate", "/"], check=True, timeout=_TRY_S_MAX)
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True, timeout=_TRY_S_MAX)
