"""The cluster of others, as the rest of the harness takes a cluster: it can be asked, and nothing of it can be hit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lictor_jepsen.db import Cluster, Program
from lictor_jepsen.disk import Folders
from lictor_jepsen.guest.file import ClusterFile
from lictor_jepsen.net import Loopback, NetError, Node

__all__ = ["Hosts"]


class _Elsewhere(Loopback):
    """A network that is none of ours: as on loopback, nothing is built, cut or shaped."""

    lacks_cuts = "the links of this cluster are its owner's"

    def __init__(self, nodes: Sequence[Node], agents: Sequence[Node]) -> None:
        super().__init__(0)
        self.nodes = nodes
        self.agents = agents

    def within(self, node: Node) -> list[str]:
        raise NetError(f"{node.name} is its owner's: nothing is started there")

    async def place(self, name: str = "") -> Node:
        raise NetError(f"no place is made for {name or 'another server'}: the servers are their owner's")


class Hosts(Cluster):
    """The cluster of the file. Nothing of it is started, so nothing of it can be signalled either."""

    def __init__(self, file: ClusterFile, folder: Path, prefix: str) -> None:
        """`prefix` is what keys stand below, and how sessions are named."""
        program = Program("cluster", (), (), clock_can_jump=False)
        super().__init__(program, _Elsewhere(file.servers, file.agents), Folders(folder), folder)
        self.prefix = prefix
        self.owner = prefix
        self.domain = file.domain
        self._urls = file.urls
        self._dns = file.dns

    def url(self, node: Node) -> str:
        return self._urls[node.name]

    def dns(self, node: Node) -> tuple[str, int]:
        return self._dns[node.name]
