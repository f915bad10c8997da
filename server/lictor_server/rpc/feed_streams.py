"""The streams of views over RPC: `feed` and `ticks`, those of core's `FeedSource`."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from lictor_core.calls import FEED, TICKS
from lictor_core.codec import unpack
from lictor_core.feed import FeedRequest
from lictor_core.registry import FeedSource
from lictor_server.rpc.methods import Stream
from lictor_server.rpc.visitor import Visitor

__all__ = ["feed_streams"]


def feed_streams(source: FeedSource) -> dict[str, Stream]:
    """Each stream by its name on the wire: the payload of `feed` is a `FeedRequest`, that of `ticks` is empty."""

    def feed(payload: bytes, visitor: Visitor) -> AsyncGenerator[bytes]:
        return source.feed(unpack(payload, FeedRequest))

    def ticks(payload: bytes, visitor: Visitor) -> AsyncGenerator[bytes]:
        return source.ticks()

    return {FEED: feed, TICKS: ticks}
