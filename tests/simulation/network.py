"""The network: one queue for each directed link, in order, as TCP keeps it; cuts lose what is on them or delay it.

Messages go through the wire's encoding, so that nobody shares an object with another voter.
"""

from __future__ import annotations

import random
from collections import deque
from typing import cast

import msgpack

from lictor_server.raft.wire import Message

__all__ = ["Link", "LinkWire", "Network"]

Link = tuple[str, str]
LINK_MESSAGES_MAX = 5_000
"""More unread messages than that on one link are lost, as when a write buffer is full."""


class Network:
    """All links between `nodes`."""

    def __init__(self, nodes: list[str], chance: random.Random) -> None:
        self._chance = chance
        self.links: dict[Link, deque[bytes]] = {(a, b): deque() for a in nodes for b in nodes if a != b}
        self.cut: set[Link] = set()

    def send(self, link: Link, message: Message) -> bool:
        """Put `message` onto a link. Of what enters a cut one, half is lost and half waits for it to heal."""
        queue = self.links[link]
        if len(queue) >= LINK_MESSAGES_MAX or (link in self.cut and self._chance.random() < 0.5):
            return True
        queue.append(msgpack.packb(message))
        return True

    def deliverable(self) -> list[Link]:
        """The links from which something can be taken, always in the same order."""
        return [link for link, queue in self.links.items() if queue and link not in self.cut]

    def take(self, link: Link) -> Message:
        """The next message of a link."""
        return cast(Message, msgpack.unpackb(self.links[link].popleft(), use_list=False))

    def isolate(self, node: str) -> None:
        """Cut all links of `node`."""
        self.cut |= {link for link in self.links if node in link}

    def heal(self) -> None:
        """Mend every link."""
        self.cut.clear()

    def crashed(self, node: str) -> None:
        """What was on its way to `node` is gone; what it sent may have arrived and not been read yet."""
        for (_, to), queue in self.links.items():
            if to == node:
                queue.clear()

    def connected(self, node: str) -> None:
        """`node` is back, with new connections: what came over the old ones is not read any more."""
        for link, queue in self.links.items():
            if node in link:
                queue.clear()


class LinkWire:
    """What one voter holds of the network."""

    def __init__(self, network: Network, node: str) -> None:
        self._network = network
        self._node = node

    def send(self, node_id: str, message: Message) -> bool:
        """Send to `node_id`."""
        return self._network.send((self._node, node_id), message)
