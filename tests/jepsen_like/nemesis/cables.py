"""A network that remembers what was done to its links."""

from __future__ import annotations

from collections.abc import Sequence

from lictor_jepsen.net import Link, Loopback
from lictor_jepsen.wire import Shape


class Cables(Loopback):
    """Remembers what is cut and what is bad."""

    lacks_cuts = ""
    lacks_shapes = ""

    def __init__(self, count: int, agents: int = 0) -> None:
        super().__init__(count, agents)
        self.cut: list[Link] = []
        self.shapes: dict[Link, Shape] = {}

    async def drop(self, links: Sequence[Link]) -> None:
        self.cut += [link for link in links if link not in self.cut]

    async def mend(self, links: Sequence[Link]) -> None:
        self.cut = [link for link in self.cut if link not in links]

    async def shape(self, links: Sequence[Link], shape: Shape, seed: int) -> None:
        self.shapes.update(dict.fromkeys(links, shape))

    async def smooth(self, links: Sequence[Link]) -> None:
        for link in links:
            self.shapes.pop(link, None)
