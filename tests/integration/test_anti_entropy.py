"""The catalog and what agents hold, as real processes: churn, kills, a thousand services, disks that take nothing."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.lone_server import LoneServer
from tests.support.server_cluster import ServerCluster
from tests.support.small_disk import small_disk

pytestmark = pytest.mark.slow

AGENT = 4
WRITERS = 16
RATE = 200.0
"""Registrations and deregistrations a second."""


class Client:
    """An agent's API; what fails is answered with status 0."""

    def __init__(self, address: str, port: int = 8500) -> None:
        self._address = address, port

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """Status and body."""
        connection = http.client.HTTPConnection(*self._address, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error)
        finally:
            connection.close()


def _services_here(client: Client) -> dict[str, tuple[str, int]] | None:
    """Name and port by id, as the agent has them; None for no answer."""
    status, body = client.ask("GET", "/v1/agent/services")
    if status != 200:
        return None
    return {key: (one["Service"], one["Port"]) for key, one in json.loads(body).items()}


def _services_there(client: Client, node: str) -> dict[str, tuple[str, int]] | None:
    """The same as the catalog has them."""
    status, body = client.ask("GET", f"/v1/catalog/node/{node}")
    found = json.loads(body) if status == 200 else None
    if not found:
        return None
    return {key: (one["Service"], one["Port"]) for key, one in found["Services"].items() if key != "consul"}


def _checks_here(client: Client) -> dict[str, str] | None:
    status, body = client.ask("GET", "/v1/agent/checks")
    return {key: one["Status"] for key, one in json.loads(body).items()} if status == 200 else None


def _checks_there(client: Client, node: str) -> dict[str, str]:
    body = client.ask("GET", f"/v1/health/node/{node}")[1]
    return {one["CheckID"]: one["Status"] for one in json.loads(body) if one["CheckID"] != "serfHealth"}


class Churn:
    """Registers and deregisters at a rate from several threads, and knows what was acknowledged."""

    def __init__(self, address: str, rate: float) -> None:
        self.acknowledged = 0
        self.failed = 0
        self.wanted: dict[str, int | None] = {}
        """The port that was last acknowledged for an id, None for gone; ids in doubt are not in it."""
        self._ends = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(Client(address), number, WRITERS / rate))
            for number in range(WRITERS)
        ]

    def __enter__(self) -> Churn:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def _run(self, client: Client, writer: int, pause_s: float) -> None:
        chance = random.Random(writer)
        due = time.monotonic()
        while not self._ends.is_set():
            due += pause_s
            time.sleep(max(due - time.monotonic(), 0))
            id = f"churn-{writer}-{chance.randrange(10)}"
            port = chance.choice([None, 1000 + chance.randrange(1000)])
            if port is None:
                status, _ = client.ask("PUT", f"/v1/agent/service/deregister/{id}")
            else:
                body = {"ID": id, "Name": "churn", "Port": port, "Check": {"TTL": "1h"}}
                status, _ = client.ask("PUT", "/v1/agent/service/register", body)
            if status == 200:
                self.acknowledged += 1
                self.wanted[id] = port
            else:
                self.failed += 1
                self.wanted.pop(id, None)


def test_the_catalog_comes_to_what_an_agent_holds_through_churn_and_kills(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 1)
    with cluster.running():
        cluster.start_client(AGENT, joins=(1,))
        cluster.until(lambda: cluster.put(AGENT, "k", "0"), "a write through the agent")
        address, server = cluster.address(AGENT), Client(cluster.address(1))
        agent = Client(address)
        with Churn(address, RATE) as churn:
            for _ in range(3):
                before = churn.acknowledged
                cluster.until(lambda: churn.acknowledged > before + 600, "churn")  # noqa: B023 waited for at once
                cluster.kill(AGENT)
                cluster.start_client(AGENT, joins=(1,))
        cluster.until(lambda: _services_here(agent) is not None, "the agent answers")
        here = _services_here(agent) or {}
        held = {key: here[key][1] if key in here else None for key in churn.wanted}
        assert held == churn.wanted, "what was acknowledged outlives a kill"
        cluster.until(lambda: _services_there(server, "c4") == _services_here(agent), "the catalog agrees")
        cluster.until(lambda: _checks_there(server, "c4") == _checks_here(agent), "so do the checks")


def test_a_thousand_services_of_one_agent_are_registered_kept_and_back(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 1)
    with cluster.running():
        cluster.start_client(AGENT, joins=(1,))
        cluster.until(lambda: cluster.put(AGENT, "k", "0"), "a write through the agent")
        server, agent = Client(cluster.address(1)), Client(cluster.address(AGENT))

        def register(writer: int) -> set[int]:
            client = Client(cluster.address(AGENT))
            bodies = (
                {"ID": f"s{number}", "Name": f"n{number % 50}", "Port": number + 1, "Check": {"TTL": "1h"}}
                for number in range(writer, 1000, WRITERS)
            )
            return {client.ask("PUT", "/v1/agent/service/register", body)[0] for body in bodies}

        with ThreadPoolExecutor(WRITERS) as threads:
            assert set[int]().union(*threads.map(register, range(WRITERS))) == {200}
        here = _services_here(agent)
        assert here is not None
        assert len(here) == 1000
        assert _services_there(server, "c4") == here, "a registration that was answered is in the catalog"
        cluster.kill(AGENT)
        assert server.ask("PUT", "/v1/catalog/deregister", {"Node": "c4"})[0] == 200
        cluster.start_client(AGENT, joins=(1,))
        cluster.until(lambda: _services_here(agent) == here, "all of it again")
        cluster.until(lambda: _services_there(server, "c4") == here, "all of it again")
        cluster.until(lambda: _checks_there(server, "c4") == _checks_here(agent), "the checks too")


def test_an_agent_that_cannot_write_refuses_registrations_and_takes_them_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with small_disk(data, tmp_path, kib=80_000) as disk:
        server = LoneServer(tmp_path, data_dir=data)
        with server.agent(kill=True, prefix=disk.prefix):
            client = Client("127.0.0.1", server.ports["http"])
            assert client.ask("PUT", "/v1/agent/service/register", {"Name": "before", "Check": {"TTL": "1h"}})[0] == 200
            disk.run("mount", "--bind", data / "services", data / "services")
            disk.run("mount", "-o", "remount,ro,bind", data / "services")
            status, body = client.ask("PUT", "/v1/agent/service/register", {"Name": "refused"})
            assert status == 500
            assert "nothing was registered" in body
            assert str(data / "services") in body
            assert client.ask("PUT", "/v1/agent/check/pass/service:before")[0] == 200, (
                "health does not depend on a disk"
            )
            status, body = client.ask("PUT", "/v1/agent/service/deregister/before")
            assert (status, "it would come back" in body) == (500, True)
            assert _services_here(client) == {}
            disk.run("umount", data / "services")
            assert client.ask("PUT", "/v1/agent/service/register", {"Name": "after"})[0] == 200
            assert set(_services_here(client) or {}) == {"after"}
        with server.agent(kill=True, prefix=disk.prefix):
            found = set(_services_here(Client("127.0.0.1", server.ports["http"])) or {})
            assert "after" in found
            assert "refused" not in found
