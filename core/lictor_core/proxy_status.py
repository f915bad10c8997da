"""What proxies tell their agents of themselves, and how agents show it. Consul has no such thing.

A proxy reports by `PUT /v1/agent/connect/proxies/<proxy id>` whenever something of it changed, and at least every
`REPORT_EVERY_S`; its agent forgets one that is silent for `SILENT_S_MAX`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_core.errors import RequestError
from lictor_core.records import Record

__all__ = [
    "BUILT_IN",
    "ENVOY",
    "PROXIES_OF_AGENT_MAX",
    "REJECTED_MAX",
    "REPORT_EVERY_S",
    "SILENT_S_MAX",
    "Enforcement",
    "ProxyPolicy",
    "ProxyReport",
    "ProxyStatus",
    "ProxyTidings",
    "RejectedResource",
    "XdsOffer",
    "check_report",
]

BUILT_IN: Final = "built-in"
ENVOY: Final = "envoy"
"""The data planes of Lictor; others may name themselves."""
REPORT_EVERY_S: Final = 10.0
SILENT_S_MAX: Final = 30.0
REJECTED_MAX: Final = 32
"""Rejected resources of one report."""
PROXIES_OF_AGENT_MAX: Final = 2_000
"""Proxies of one host of which its agent tells the servers."""
_TEXT_CHARS_MAX: Final = 512
_INDEX_MAX: Final = 2**63 - 1


class RejectedResource(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A part of its configuration that a data plane refused; it goes on with what it had. `type` is as `listener`."""

    type: str
    name: str
    reason: str


class ProxyReport(Record, frozen=True, kw_only=True, omit_defaults=False):
    """What a proxy says of itself.

    `policy_index` is the index (`X-Consul-Index` of `/v1/connect/intentions/match`) of the intentions by which it
    judges every new connection and request from now on; 0 while it has none, and then it lets nobody in.
    `config_age_ms` is the time since it last knew its configuration to be current; `leaf_valid_before` is RFC 3339,
    empty without a leaf.
    """

    data_plane: str
    version: str = ""
    policy_index: int = 0
    config_age_ms: int = 0
    leaf_valid_before: str = ""
    rejected: tuple[RejectedResource, ...] = ()


class ProxyStatus(ProxyReport, frozen=True, kw_only=True, omit_defaults=False):
    """A proxy of an agent: `service` is whom it stands for, `reported_ms` the time since it last told of itself."""

    proxy_id: str = msgspec.field(name="ProxyID")
    node: str
    service: str
    reported_ms: int


class ProxyPolicy(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Which policy one proxy of the cluster runs, as far as is known.

    `policy_index` is 0 where nothing is known of it; `age_ms` is the time since it told so, -1 where it never did.
    `lost`: its agent is not there to tell, while it may still run.
    """

    proxy_id: str = msgspec.field(name="ProxyID")
    node: str
    service: str
    policy_index: int
    age_ms: int
    lost: bool = False


class ProxyTidings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which policies the proxies of an agent's node run: all of them, in place of what it told before."""

    node: str
    policies: tuple[ProxyPolicy, ...]


class Enforcement(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Which proxies judge by a policy of `index` or later, and which do not as far as is known."""

    index: int
    is_complete: bool = msgspec.field(name="Complete")
    enforced: list[ProxyPolicy]
    pending: list[ProxyPolicy]


class XdsOffer(Record, frozen=True, kw_only=True, omit_defaults=False):
    """Where an agent serves Envoys (delta xDS): a Unix socket on its host, and addresses, which may speak TLS."""

    socket: str = ""
    addresses: tuple[str, ...] = ()
    is_secure: bool = msgspec.field(name="TLS", default=False)


def check_report(report: ProxyReport) -> ProxyReport:
    """The report with its texts at their bounds. Raises `RequestError` for what no proxy can mean."""
    if not report.data_plane:
        raise RequestError(f"DataPlane is missing: say what the proxy is, such as {BUILT_IN} or {ENVOY}")
    for key, number in (("PolicyIndex", report.policy_index), ("ConfigAgeMs", report.config_age_ms)):
        if not 0 <= number <= _INDEX_MAX:
            raise RequestError(f"{key} is {number}, and must be from 0 to {_INDEX_MAX}")
    rejected = tuple(
        RejectedResource(type=_short(one.type), name=_short(one.name), reason=_short(one.reason))
        for one in report.rejected[:REJECTED_MAX]
    )
    return msgspec.structs.replace(
        report,
        data_plane=_short(report.data_plane),
        version=_short(report.version),
        leaf_valid_before=_short(report.leaf_valid_before),
        rejected=rejected,
    )


def _short(text: str) -> str:
    return text if len(text) <= _TEXT_CHARS_MAX else text[: _TEXT_CHARS_MAX - 3] + "..."
