"""The client of the CA against a real agent."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509

from lictor_jepsen.checker.ca import roots_of
from lictor_jepsen.checker.lives import text
from lictor_jepsen.clients.ca import CAClient
from lictor_jepsen.db import Cluster, lictor
from lictor_jepsen.disk import Folders
from lictor_jepsen.net import Loopback
from lictor_jepsen.op import Invocation, Kind, Value
from tests.support.agents import dev_agent
from tests.support.ports import free_port


def client_of(address: str, folder: Path) -> CAClient:
    return CAClient(f"http://{address}", Cluster(lictor(), Loopback(1), Folders(folder / "data"), folder))


def part(value: Value, place: int) -> tuple[Value, ...]:
    assert isinstance(value, tuple)
    found = value[place]
    assert isinstance(found, tuple)
    return found


@pytest.mark.slow
async def test_operations_do_to_a_real_agent_what_they_say(tmp_path: Path) -> None:
    with dev_agent("lictor", tmp_path) as agent:
        client = client_of(agent.http_address, tmp_path)

        async def ask(f: str, value: Value = None) -> Value:
            outcome = await client.invoke(Invocation(f, "web", value))
            assert outcome.kind is Kind.OK, outcome
            return outcome.value

        before = await ask("roots")
        [new] = part(before, 2)
        assert text(new, 0) == text(before, 0)
        assert part(await ask("roots"), 2) == (), "each certificate is told once"

        leaf = await ask("leaf")
        assert isinstance(leaf, tuple)
        chain = x509.load_pem_x509_certificates(text(leaf, 1).encode())
        known = {text(new, 0): x509.load_pem_x509_certificate(text(new, 1).encode())}
        assert roots_of(chain, known) == {text(before, 0)}
        assert all(isinstance(seconds, float) and seconds > 0 for seconds in leaf[2:])
        assert text(await ask("leaf"), 1) == ""

        assert await ask("rotate", 384) == 384
        after = await ask("roots")
        assert text(after, 0) != text(before, 0)
        assert set(part(after, 1)) > set(part(before, 1)), "the old one is trusted still"
        assert len(part(after, 2)) == 1
        assert text(await ask("known"), 0) in part(after, 1)


async def test_without_an_agent_nothing_is_changed(tmp_path: Path) -> None:
    client = client_of(f"127.0.0.1:{free_port()}", tmp_path)
    for f in ("rotate", "leaf", "roots"):
        assert (await client.invoke(Invocation(f, "web", 384))).kind is Kind.FAIL
