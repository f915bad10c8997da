"""The CA of several servers: any of them signs on when the leader is gone, also after a root has changed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.chains import chains
from tests.support.server_cluster import ServerCluster

pytestmark = pytest.mark.slow

SETTINGS: dict[str, object] = {"connect": {"enabled": True, "ca_config": {"sign_by_intermediate": True}}}
CHANGE = {"Provider": "consul", "Config": {"PrivateKeyBits": 384, "SignByIntermediate": True}}


def asked(cluster: ServerCluster, number: int, path: str) -> Any:
    """The answer, once there is one: a cluster without a leader answers in a while."""
    found: list[Any] = []

    def answered() -> bool:
        answer = cluster.ask(number, path)
        if answer.status == 200:
            found.append(json.loads(answer.body))
        return bool(found)

    cluster.until(answered, f"an answer to {path}")
    return found[0]


def leaf(cluster: ServerCluster, number: int, service: str) -> str:
    return str(asked(cluster, number, f"/v1/agent/connect/ca/leaf/{service}")["CertPEM"])


def bundle(cluster: ServerCluster, number: int) -> list[str]:
    return [root["RootCert"] for root in asked(cluster, number, "/v1/connect/ca/roots")["Roots"]]


def test_servers_sign_on_without_the_leader_that_made_the_root(tmp_path: Path) -> None:
    with ServerCluster(tmp_path, 3, SETTINGS).running() as cluster:
        leader = cluster.leader()
        others = [number for number in cluster.programs if number != leader]
        first = bundle(cluster, leader)
        old = leaf(cluster, others[0], "web")
        answer = cluster.ask(others[0], "/v1/connect/ca/configuration", "PUT", json.dumps(CHANGE))
        assert answer.status == 200, answer.body
        cluster.kill(leader)
        cluster.leader()
        for number in others:
            new = leaf(cluster, number, "db")
            trusted = bundle(cluster, number)
            assert len(trusted) == 2
            assert chains(new, trusted, time.time())  # noqa: TID251 certificates of processes with the machine's clock
            assert chains(new, first, time.time())  # noqa: TID251
            assert chains(old, trusted, time.time())  # noqa: TID251
        status = asked(cluster, others[0], "/v1/connect/ca/status")
        assert [root["Signer"] for root in status["Roots"]] == ["intermediate", "intermediate"]
        assert (status["Roots"][0]["LeavesIssued"], status["Problems"]) == (1, [])
