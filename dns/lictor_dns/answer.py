"""What a lookup found, before it has a form on the wire: records, and how they may be cut and kept."""

from __future__ import annotations

import enum
from typing import NamedTuple

import msgspec

from lictor_core.topics import Topic
from lictor_dns.names import IpAddress, Labels

__all__ = ["Address", "Answer", "Data", "Record", "RecordType", "Result", "Soa", "Srv", "Target", "Text"]


class RecordType(enum.IntEnum):
    """The types that are answered or mean something in a question; numbers of IANA's DNS parameters."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    TXT = 16
    AAAA = 28
    SRV = 33
    OPT = 41
    AXFR = 252
    ANY = 255


class Result(enum.Enum):
    """How a lookup ended.

    FOUND: there are records. NO_NAME: nothing has this name (NXDOMAIN). NO_DATA: the name is there, not in this
    type. NOT_OFFERED: the zone is not handed out as a whole (NOTIMP). REFUSED: the name is not ours to answer.
    ELSEWHERE: nor is this one, but the recursors are asked for it. FAILED: we cannot know now (SERVFAIL).
    """

    FOUND = enum.auto()
    NO_NAME = enum.auto()
    NO_DATA = enum.auto()
    NOT_OFFERED = enum.auto()
    REFUSED = enum.auto()
    ELSEWHERE = enum.auto()
    FAILED = enum.auto()


class Address(NamedTuple):
    """A or AAAA."""

    ip: IpAddress


class Target(NamedTuple):
    """CNAME, NS or PTR."""

    name: Labels


class Srv(NamedTuple):
    """SRV (RFC 2782). Numbers are in 0..65535."""

    priority: int
    weight: int
    port: int
    target: Labels


class Text(NamedTuple):
    """TXT: character strings of at most 255 bytes each (RFC 1035, section 3.3.14)."""

    strings: tuple[bytes, ...]


class Soa(NamedTuple):
    """SOA (RFC 1035, section 3.3.13); times in seconds."""

    primary: Labels
    mailbox: Labels
    serial: int
    refresh: int
    retry: int
    expire: int
    minimum: int


Data = Address | Target | Srv | Text | Soa


class Record(NamedTuple):
    """One resource record of class IN. `ttl` in seconds."""

    name: Labels
    type: RecordType
    ttl: int
    data: Data


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The records of an answer, best first: what is cut is cut from the end of a section.

    `additional` belongs to the whole, `attached` to the answer at the same place: it goes when that one is cut.

    `turns`: in how many orders it is worth giving, 1 where order means nothing. `interchangeable`: the answers are
    instances of one service, so that a client who gets some of them is served. `ranked`: some are nearer than others.
    `recursion_available` and `authoritative`: the RA and AA flags, the latter but for what is refused.

    `scoped`: it may be another one for who asks from elsewhere (RFC 7871, section 7.2.1), as with all that prepared
    queries find.

    For whoever keeps the answer: it holds while none of `topics` is touched, with `any_change` while nothing in the
    catalog is, and with `this_second` no longer than the clock's second, which it shows. With `by_client` it is for the
    address alone that the question came from.
    """

    result: Result
    answers: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    attached: tuple[tuple[Record, ...], ...] = ()
    turns: int = 1
    interchangeable: bool = False
    ranked: bool = False
    recursion_available: bool = False
    authoritative: bool = True
    scoped: bool = False
    topics: tuple[Topic, ...] = ()
    any_change: bool = False
    this_second: bool = False
    by_client: bool = False
