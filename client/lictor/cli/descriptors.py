"""File descriptors of the processes that serve: every connection takes one.

Shells and service managers hand down a soft limit of 1,024, for programs that use `select`; ours do not, and may
take what the hard limit allows.
"""

from __future__ import annotations

import contextlib
import resource

__all__ = ["allow_all_descriptors"]


def allow_all_descriptors() -> int:
    """Let this process open as many files and sockets as its hard limit says; returns how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # A system may refuse a soft limit of "unlimited", or have lowered the hard one meanwhile.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
