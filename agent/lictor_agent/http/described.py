"""What an endpoint takes and gives, said beside it: the OpenAPI document is made of this.

    @described(list[Node], *BLOCKING, NODE_META, NEAR)
    async def nodes(site: Site, request: Request) -> Answer: ...

The decorator gives the endpoint back as it is: nothing is added to a request's way. Types are those of the records, or
the name of a shape in `document/shapes/` where an endpoint puts its answer together by hand; they are looked at when
somebody asks for the document, not before. What every endpoint has (`pretty`, the token, 403, 429, ...) is said there
once.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import unwrap
from typing import Final

from lictor_agent.http.router import Endpoint

__all__ = [
    "BLOCKING",
    "BYTES",
    "CACHED",
    "CACHE_CONTROL",
    "CONSISTENT",
    "DC",
    "FILTER",
    "FRESHNESS",
    "LEADER",
    "MAX_STALE",
    "NEAR",
    "NODE_META",
    "NOTHING",
    "STALE",
    "TAG",
    "Body",
    "Description",
    "Kind",
    "Parameter",
    "Reply",
    "described",
    "description_of",
]


class Kind(enum.Enum):
    """How a query parameter is read."""

    TEXT = "text"
    FLAG = "flag"
    """It counts by being there, whatever its value, `false` as well."""
    TRUTH = "truth"
    """A truth value in one of Go's spellings; without a value it is true."""
    BOOLEAN = "boolean"
    """A truth value in one of Go's spellings."""
    COUNT = "count"
    """A whole number of 64 bits, not below 0."""
    DURATION = "duration"
    """Go's text for a duration, such as `1m30s`."""
    PAIR = "pair"
    """`key:value`."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter, or with `is_header` a header. `choices` are all the values that it may have, if few."""

    name: str
    about: str
    kind: Kind = Kind.TEXT
    repeats: bool = False
    required: bool = False
    is_header: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent: JSON of `form` (a type, or the name of a shape), or with `media` something else."""

    form: object
    media: str = "application/json"
    required: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: JSON of `form`, or `media`; with several `media` (`application/json` among them) any of these."""

    about: str
    form: object = None
    media: tuple[str, ...] = ("application/json",)
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of one endpoint. `tail` names what follows the path of a route that ends in a slash.

    `replies` are the answers by status but for those that each endpoint may give.
    """

    replies: Mapping[int, Reply]
    parameters: tuple[Parameter, ...]
    tail: str
    body: Body | None
    blocks: bool


NOTHING: Final = None
"""The form of an answer without a body."""
BYTES: Final = Body(None, media="application/octet-stream", required=False)
"""A body that is taken as it is."""

DC: Final = Parameter("dc", "The datacenter that is asked. Only this agent's own is known.")
INDEX: Final = Parameter(
    "index", "Wait until the answer is newer than this X-Consul-Index, or `wait` is over.", Kind.COUNT
)
WAIT: Final = Parameter("wait", "How long to wait with `index`; a sixteenth is added at most.", Kind.DURATION)
STALE: Final = Parameter("stale", "Any server may answer, also one that has not heard of the newest change.", Kind.FLAG)
CONSISTENT: Final = Parameter("consistent", "The leader makes sure that it still leads before it answers.", Kind.FLAG)
MAX_STALE: Final = Parameter("max_stale", "As `stale`, if the answer is no older than this.", Kind.DURATION)
CACHED: Final = Parameter("cached", "The agent may answer with what it keeps, where the endpoint allows it.", Kind.FLAG)
CACHE_CONTROL: Final = Parameter(
    "Cache-Control",
    "With `cached`: `max-age=<seconds>`, `stale-if-error=<seconds>`, `must-revalidate`.",
    is_header=True,
)
LEADER: Final = Parameter("leader", "At the leader, also where `discovery_max_stale` has it otherwise.", Kind.FLAG)
FRESHNESS: Final = (INDEX, WAIT, STALE, CONSISTENT, LEADER, MAX_STALE, CACHED, CACHE_CONTROL)
"""How fresh an answer shall be, and what to wait for."""
BLOCKING: Final = (DC, *FRESHNESS)
"""What every read of the registry takes."""
FILTER: Final = Parameter("filter", "An expression that chooses among the rows.")
NEAR: Final = Parameter("near", "Sort by the round trip from this node; `_agent` is the agent's own.")
NODE_META: Final = Parameter("node-meta", "Only nodes with this metadata; all of several.", Kind.PAIR, repeats=True)
TAG: Final = Parameter("tag", "Only instances with this tag; with all of several.", repeats=True)

_SAID: Final[dict[Endpoint, Description]] = {}


def described(
    form: object,
    *parameters: Parameter,
    about: str = "",
    media: tuple[str, ...] = ("application/json",),
    headers: tuple[str, ...] = (),
    also: Mapping[int, Reply | str] | None = None,
    tail: str = "",
    body: Body | None = None,
) -> Callable[[Endpoint], Endpoint]:
    """Say of an endpoint what it answers with 200 (`form`), and what else may be known of it.

    `about` is what that answer is, where the endpoint's own first sentence does not say it.
    `also` has the other statuses that only some endpoints have, with a text for those that are answered in text.
    """
    replies = {200: Reply(about, form, media, headers)}
    for status, reply in (also or {}).items():
        replies[status] = reply if isinstance(reply, Reply) else Reply(reply, str, ("text/plain",))
    said = Description(replies, parameters, tail, body, blocks=INDEX in parameters)

    def keep(endpoint: Endpoint) -> Endpoint:
        _SAID[endpoint] = said
        return endpoint

    return keep


def description_of(endpoint: Endpoint) -> Description | None:
    """What is said of an endpoint, also of one that is wrapped (`functools.wraps`)."""
    return _SAID.get(unwrap(endpoint))
