"""A decoder with a mistake in it, by which the engine is tried: it is none of the targets."""

from __future__ import annotations

from collections.abc import Iterable

from lictor_core.addresses import join_host_port


def run(data: bytes) -> None:
    """Break at one input in a few million, which whoever sees the branches taken comes to step by step."""
    join_host_port("host", 1)
    for place, wanted in enumerate(b"LIC"):
        if data[place : place + 1] != bytes([wanted]):
            return
    raise ValueError("a planted mistake")


def seeds() -> Iterable[bytes]:
    """Nothing that is near it."""
    yield b"abc"
