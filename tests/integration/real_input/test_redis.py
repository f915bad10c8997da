"""A Redis server behind two sidecars, used by the `redis` client as if it were local."""

import time
from collections.abc import Generator
from pathlib import Path

import pytest
import redis

from tests.support.agents import DevAgent, Product
from tests.support.api import WAIT_S_MAX, listens
from tests.support.conditions import wait_until
from tests.support.mesh import Mesh, mesh
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.redis_client import ANSWER_S_MAX, Channel, client_of, pings

pytestmark = [pytest.mark.slow, pytest.mark.needs("redis-server")]


@pytest.fixture
def redis_mesh(agent: DevAgent, tmp_path: Path) -> Generator[Mesh]:
    """A mesh whose backend is a Redis server that answers through both sidecars."""
    port = free_port()
    argv = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with (
        running("redis-server", argv, tmp_path, ready=lambda: listens(port)),
        mesh(agent, tmp_path, port) as running_mesh,
    ):
        wait_until(lambda: _answers(running_mesh), within_s=WAIT_S_MAX, what="redis answers through the mesh")
        yield running_mesh


def test_the_client_works_unchanged(redis_mesh: Mesh) -> None:
    with client_of(redis_mesh.port) as client:
        client.set("greeting", "salve")
        assert client.get("greeting") == b"salve"
        assert client.incrby("count", 5) == 5
        with client.pipeline() as pipeline:
            for number in range(1_000):
                pipeline.rpush("numbers", number)
            assert pipeline.execute() == list(range(1, 1_001))
        large = b"x" * 2_000_000
        client.set("large", large)
        assert client.get("large") == large


def test_messages_are_pushed_to_a_silent_subscriber(redis_mesh: Mesh) -> None:
    with (
        client_of(redis_mesh.port) as publisher,
        client_of(redis_mesh.port) as subscriber,
        subscriber.pubsub() as channel,
    ):
        channel.subscribe("news")
        assert channel.get_message(timeout=ANSWER_S_MAX) is not None
        publisher.publish("news", "habemus")
        message = channel.get_message(timeout=ANSWER_S_MAX)
        assert message is not None
        assert message["data"] == b"habemus"


def test_a_denied_client_is_cut_off_and_let_in_again(redis_mesh: Mesh) -> None:
    redis_mesh.deny()
    wait_until(lambda: not _answers(redis_mesh), within_s=WAIT_S_MAX, what="redis is out of reach")
    redis_mesh.allow()
    wait_until(lambda: _answers(redis_mesh), within_s=WAIT_S_MAX, what="redis is in reach again")


def test_a_denial_cuts_the_connection_of_a_subscriber(product: Product, beyond_consul: None, redis_mesh: Mesh) -> None:
    with client_of(redis_mesh.port) as client, client.pubsub() as channel:
        channel.subscribe("news")
        assert channel.get_message(timeout=ANSWER_S_MAX) is not None
        redis_mesh.deny()
        with pytest.raises(redis.ConnectionError):
            _listen_until_cut_off(channel)


def _listen_until_cut_off(channel: Channel) -> None:
    """The client connects again by itself; when that is denied as well, it raises `redis.ConnectionError`."""
    deadline = time.monotonic() + WAIT_S_MAX
    while time.monotonic() < deadline:
        channel.get_message(timeout=0.1)


def _answers(running_mesh: Mesh) -> bool:
    return pings(running_mesh.port)
