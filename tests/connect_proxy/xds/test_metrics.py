"""Figures of an Envoy: the tags take Consul's cluster names apart. What is refused stands in `test_bootstrap`."""

from __future__ import annotations

import re
from typing import cast

import pytest

from lictor_connect_proxy.xds.metrics import metrics_listeners, stats_config
from lictor_core.records import JsonObject

DOMAIN = "0ec883be-01cd-4116-9e98-7945fa4d321e"
PLAIN = f"cluster.db.default.dc1.internal.{DOMAIN}.consul.upstream_cx_total"
CUSTOM = f"cluster.1a2b~v2.db.default.dc1.internal.{DOMAIN}.consul.upstream_cx_total"


def tags_of(figure: str) -> dict[str, str]:
    """As Envoy finds them: the second group is the value, where there is one."""
    found: dict[str, str] = {}
    for tag in cast(list[JsonObject], stats_config({}, "web")["stats_tags"]):
        if "regex" in tag and (match := re.search(str(tag["regex"]), figure)):
            found[str(tag["tag_name"]).removeprefix("consul.")] = match[2] or ""
    return found


@pytest.mark.parametrize(("figure", "hash", "subset"), [(PLAIN, "", ""), (CUSTOM, "1a2b", "v2")])
def test_the_tags_are_the_parts_of_the_name(figure: str, hash: str, subset: str) -> None:
    name = figure.removeprefix("cluster.").removesuffix(".consul.upstream_cx_total")
    assert tags_of(figure) == {
        "custom_hash": hash,
        "service_subset": subset,
        "service": "db",
        "namespace": "default",
        "datacenter": "dc1",
        "routing_type": "internal",
        "trust_domain": DOMAIN,
        "target": name.removesuffix(f".internal.{DOMAIN}"),
        "full_target": name,
    }


def test_other_clusters_have_no_such_tags() -> None:
    assert tags_of("cluster.local_app.upstream_cx_total") == {}


def test_no_listener_needs_no_admin_cluster() -> None:
    assert metrics_listeners({}, "self_admin") == ([], False)
