"""Snapshots with everything that Envoys are given, each with what is to become of it in `expected/<name>.json`.

`python -m tests.connect_proxy.xds.examples` writes what becomes of them now; the difference is to be read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import msgspec

from lictor_connect_proxy.snapshot import (
    Leaf,
    Limits,
    PassiveHealth,
    ProxySnapshot,
    UpstreamListener,
)
from lictor_connect_proxy.xds.builders import build
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import endpoint, policy, rule, snapshot

__all__ = ["EXAMPLES", "EXPECTED", "genuine", "written"]

EXPECTED: Final = Path(__file__).with_name("expected")


def genuine(one: ProxySnapshot, authority: Authority) -> ProxySnapshot:
    """The snapshot with certificates that a real Envoy loads."""

    def real(leaf: Leaf | None) -> Leaf | None:
        return None if leaf is None else authority.leaf_with(leaf.uri)

    terminated = tuple(msgspec.structs.replace(each, leaf=real(each.leaf)) for each in one.terminated)
    return msgspec.structs.replace(one, leaf=real(one.leaf), roots=authority.roots(), terminated=terminated)


def written(one: ProxySnapshot) -> str:
    """What becomes of a snapshot, as it is kept."""
    return json.dumps(build(one), indent=1, sort_keys=True) + "\n"


def _connections() -> ProxySnapshot:
    upstream = UpstreamListener(
        service="cache",
        bind_port=9191,
        limits=Limits(max_connections=3, max_pending_requests=4, max_concurrent_requests=5),
        passive_health=PassiveHealth(interval_s=2, failures_max=7),
    )
    query = UpstreamListener(service="nearest", is_query=True, socket_path="/run/nearest.sock", socket_mode=0o660)
    ill = endpoint(2)._replace(healthy=False)
    return msgspec.structs.replace(
        snapshot(rule("web", "allow"), rule("*", "deny"), rule("a b", "allow")),
        upstreams=(upstream, query),
        endpoints={
            upstream.key: (endpoint(1)._replace(weight=500), ill, endpoint(3)._replace(weight=0)),
            query.key: (endpoint(4)._replace(service="api"), endpoint(5)._replace(host="db.example", service="api2")),
        },
    )


EXAMPLES: Final[dict[str, ProxySnapshot]] = {
    "connections": _connections(),
    "nobody": snapshot(has_policy=False),
    "all_but": msgspec.structs.replace(
        snapshot(default_allow=True), policy=policy(rule("web", "deny"), rule("a b", "deny"))
    ),
    "no_certificate": msgspec.structs.replace(_connections(), leaf=None),
}


if __name__ == "__main__":
    EXPECTED.mkdir(exist_ok=True)
    for name, one in EXAMPLES.items():
        EXPECTED.joinpath(f"{name}.json").write_text(written(one))
