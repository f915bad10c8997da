"""A place for a workload's client: one agent that a test started."""

from __future__ import annotations

from pathlib import Path

from lictor_jepsen.db import PROGRAMS, Cluster
from lictor_jepsen.disk import Folders
from lictor_jepsen.net import Loopback, Node
from lictor_jepsen.workload import Place
from tests.support.agents import NODE


class OneAgent(Cluster):
    """A cluster of one agent, which somebody else started."""

    def __init__(self, http_address: str, folder: Path, product: str = "lictor", name: str = NODE) -> None:
        super().__init__(PROGRAMS[product](), Loopback(1), Folders(folder), folder)
        self.nodes = [self.nodes[0]._replace(name=name)]
        self._url = f"http://{http_address}"

    def url(self, node: Node) -> str:
        """Where the agent serves HTTP."""
        del node
        return self._url

    def place(self, thread: int = 0) -> Place:
        """For a client of that thread."""
        return Place(self._url, self.nodes[0], self, thread)
