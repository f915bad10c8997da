"""What is fuzzed: a module here for each target, with `run`, which takes an input, and `seeds`, which gives good ones.

`run` returns for whatever the decoder refuses in the way it documents; anything else that leaves it is a find. A
target's module is imported only where it is run, so that the engine can watch all that it imports.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, cast

__all__ = ["ALL", "TARGETS", "Loaded", "Target", "load"]


class Target(NamedTuple):
    """One decoder, or several that are fed in the same way."""

    module: str
    about: str
    bytes_max: int
    """The longest input that is tried."""


class Loaded(NamedTuple):
    """A target, imported."""

    run: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]


TARGETS: Final = {
    "access": Target("access", "texts of policies, tokens of issuers, selectors, keys", 2048),
    "archive": Target("archives", "the file of a saved state, and the state in it", 8192),
    "bodies": Target(
        "bodies", "requests to the HTTP API, to the answer: paths, parameters, bodies of every kind", 8192
    ),
    "command": Target("state_commands", "proposals for the log, carried out on a store", 4096),
    "definitions": Target("definitions", "agent files in HCL and JSON, to the checked configuration", 2048),
    "dns": Target("dns_questions", "DNS messages of clients, to the answer", 512),
    "feed": Target("feeds", "what servers send to agents: answers, streams, items of views", 2048),
    "filter": Target("filters", "filters and templates, applied to records", 1024),
    "http": Target("http_streams", "bytes of HTTP connections", 2048),
    "proxy": Target("proxies", "what proxies read: ClientHello, certificates' names, answers, Envoy's requests", 2048),
    "raft": Target("raft_messages", "Raft: greetings, answers, messages, pieces of snapshots", 2048),
    "reply": Target("dns_replies", "DNS messages of recursors", 1024),
    "rpc": Target("rpc_streams", "bytes of RPC connections, and the payload of every method", 4096),
    "wal": Target("wal_files", "files of the log, of snapshots, and of the vote", 4096),
}
"""By the names under which they are called."""
ALL: Final = {**TARGETS, "planted": Target("planted", "a mistake, by which the engine is tried", 64)}
"""With one that is none."""


def load(name: str) -> Loaded:
    """The target `name`, imported."""
    module = importlib.import_module(f"{__name__}.{ALL[name].module}")
    return cast(Loaded, module)
