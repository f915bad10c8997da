"""Why a DNS question is answered as it is, as agents tell it (`/v1/internal/dns/explain`). Consul has no such thing."""

from __future__ import annotations

import msgspec

from lictor_core.records import Record

__all__ = ["DnsDependency", "DnsExplanation", "DnsInstance", "DnsSetting"]


class DnsInstance(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One instance that was looked at, whether the answer has it (`given`), and why or why not.

    `address` is where it is reached: its own, or its node's. `status` is the worst of its checks.
    """

    node: str
    id: str = msgspec.field(name="ID")
    service: str
    address: str
    port: int
    tags: list[str]
    status: str
    given: bool
    reason: str


class DnsSetting(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A setting, or a bound of the client's (`name` is then none of the configuration), that shaped the answer."""

    name: str
    value: str
    effect: str


class DnsDependency(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What the answer was made from, such as `service:web`, and at which index that was."""

    name: str
    index: int


class DnsExplanation(Record, frozen=True, kw_only=True, omit_defaults=False):
    """How one question is answered.

    `kind` and `reading`: what the name was taken for. `code`, `answers`, `authority`, `additional`, `truncated` and
    `bytes`: the reply, records as in a zone file; all of it is empty where recursors are asked. `bytes_max` is what the
    client takes. `instances` are those that were looked at, at most as many as are explained; `instances_more` come
    besides. `age_s` is None while it is not known, and `fetched` says how many things this agent had to fetch for the
    question.
    """

    name: str
    type: str
    transport: str
    bytes_max: int
    kind: str
    reading: str
    code: str
    reason: str
    truncated: bool
    bytes: int
    answers: list[str]
    authority: list[str]
    additional: list[str]
    instances: list[DnsInstance]
    instances_more: int
    settings: list[DnsSetting]
    depends_on: list[DnsDependency]
    age_s: float | None = msgspec.field(name="AgeSeconds")
    age_s_max: float = msgspec.field(name="MaxAgeSeconds")
    fetched: int = 0
