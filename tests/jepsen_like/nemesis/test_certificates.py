"""Faults of certificates: what is in the files, and who is told to read them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest
from cryptography import x509

from lictor_jepsen.certificates import Certificates
from lictor_jepsen.db import Cluster, Program
from lictor_jepsen.disk import Folders
from lictor_jepsen.nemesis import FAULTS, Surroundings
from lictor_jepsen.net import Loopback, Node
from tests.support.conditions import eventually


class Found(msgspec.Struct):
    """One finding of `results.json`."""

    verdict: str


class Told(msgspec.Struct):
    """What is read of `results.json`."""

    findings: dict[str, Found]


# Serves where an agent serves HTTP, and says when it is told to reload.
SERVES = """
import signal, socket, sys
address = sys.argv[sys.argv.index("-bind") + 1]
signal.signal(signal.SIGHUP, lambda *_: print("reload", flush=True))
doors = socket.create_server((address, 8500))
while True:
    doors.accept()[0].close()
"""


@pytest.fixture
async def proven(tmp_path: Path) -> AsyncIterator[Surroundings]:
    now = datetime.now(UTC)  # noqa: TID251 certificates end by the clock of the world
    program = Program("serves", (sys.executable, "-c", SERVES), (), clock_can_jump=False)
    disks = Folders(tmp_path / "data")
    cluster = Cluster(program, Loopback(2), disks, tmp_path, certificates=Certificates(tmp_path / "tls", now))
    for node in cluster.nodes:
        await cluster.start(node)

    async def leader() -> Node | None:
        return None

    yield Surroundings(cluster, disks, leader)
    await cluster.stop()


def _ends(around: Surroundings, node: Node) -> datetime:
    path = around.cluster.logs / "tls" / f"{node.name}.pem"
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


def _reloads(around: Surroundings) -> list[int]:
    return [around.cluster.log_path(node).read_text().count("reload") for node in around.cluster.nodes]


async def test_certificates_that_end_do_so_soon_and_at_the_end_all_have_new_ones(proven: Surroundings) -> None:
    fault, acting = FAULTS["certificates-ended"], proven.acting("certificates-ended")
    soon = datetime.now(UTC) + timedelta(minutes=1)  # noqa: TID251 as above
    told = await fault.begin(acting, Random(7))
    victims = [node for node in proven.cluster.nodes if node.name in told]
    assert victims
    assert all((_ends(proven, node) < soon) == (node in victims) for node in proven.cluster.nodes)
    await fault.end(acting)
    assert all(_ends(proven, node) > soon for node in proven.cluster.nodes)
    await eventually(lambda: min(_reloads(proven)) >= 1, what="all are told to reload")
    assert proven.cluster.deaths == []


async def test_a_renewal_gives_all_another_certificate_and_tells_them(proven: Surroundings) -> None:
    fault, acting = FAULTS["certificates-renewed"], proven.acting("certificates-renewed")
    files = [proven.cluster.logs / "tls" / f"{node.name}.pem" for node in proven.cluster.nodes]
    before = [path.read_bytes() for path in files]
    await fault.begin(acting, Random(7))
    assert all(path.read_bytes() != old for path, old in zip(files, before, strict=True))
    await eventually(lambda: min(_reloads(proven)) >= 1, what="all are told to reload")


async def test_without_certificates_it_says_why(around: Surroundings) -> None:
    assert "without TLS" in FAULTS["certificates-ended"].lacks(around)


@pytest.mark.slow
def test_a_cluster_lives_through_certificates_that_end_and_its_own_word_says_why_somebody_was_refused(
    tmp_path: Path,
) -> None:
    flags = ("--net=loopback", "--workload=append", "--nemesis=certificates-ended", "--seconds=16", "--seed=2")
    command = [sys.executable, "-m", "lictor_jepsen", "run", f"--store={tmp_path}", *flags]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    [folder] = [path for path in tmp_path.iterdir() if path.is_dir()]
    told = msgspec.json.decode((folder / "results.json").read_bytes(), type=Told)
    wrong = {name for name, found in told.findings.items() if found.verdict == "invalid"}
    assert wrong == set(), ended.stdout
    assert told.findings["faults"].verdict == "valid", ended.stdout
    said = "".join(path.read_text() for path in folder.glob("n?.log"))
    assert re.search(r"expired|trust the certificate", said), said[-4000:]
