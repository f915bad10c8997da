"""The blocking and the asyncio client: the same calls, the same answers, the same errors."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lictor.api import messages
from lictor.api.asynchronous import AsyncClient
from lictor.api.blocking import Client
from lictor.api.calls import agent, catalog, health, kv, status
from lictor.api.errors import AgentError, TimedOutError, UnreachableError
from lictor.api.settings import Settings, parse_address
from lictor_core.clock import SystemClock
from lictor_core.errors import ConfigurationError, LictorError, PeerError
from tests.client.fake_agent import FakeAgent, Reply, Seen, fake_agent
from tests.client.senders import Sender
from tests.support.conditions import wait_until

T = TypeVar("T")


def reaching(fake: FakeAgent, timeout_s: float = 10.0) -> Settings:
    return Settings(endpoint=parse_address(fake.address), timeout_s=timeout_s)


def always(reply: Reply) -> Callable[[Seen], Reply]:
    return lambda _: reply


def test_a_real_agent_answers(send: Sender, live_settings: Settings) -> None:
    key = f"clients/{send.kind}/ä b"
    assert send(live_settings, status.leader())
    assert send(live_settings, kv.put(key, b"\x00\xff", flags=7))
    entry = send(live_settings, kv.get(key))
    assert entry is not None
    assert (entry.key, entry.value, entry.flags) == (key, b"\x00\xff", 7)
    assert send(live_settings, kv.keys("clients/", "")) != []
    assert send(live_settings, kv.delete(key))
    assert send(live_settings, kv.get(key)) is None


def test_the_records_of_a_real_agent_are_read(send: Sender, live_settings: Settings) -> None:
    name = f"records-{send.kind}"
    send(live_settings, agent.register_service({"Name": name, "Port": 80, "Check": {"TTL": "60s"}}))
    try:
        send(live_settings, agent.update_check(f"service:{name}", "passing", "fine"))
        assert send(live_settings, agent.services())[name].port == 80
        assert send(live_settings, agent.checks())[f"service:{name}"].output == "fine"
        assert [member.tags["dc"] for member in send(live_settings, agent.members())] == ["dc1"]
        assert name in send(live_settings, catalog.services())
        (node,) = send(live_settings, catalog.nodes())
        (row,) = send(live_settings, health.service(name))
        assert row.node.node == node.node
        on_node = send(live_settings, catalog.node(node.node))
        assert on_node is not None
        assert name in on_node.services
        assert send(live_settings, catalog.node("nobody")) is None
    finally:
        send(live_settings, agent.deregister_service(name))


def test_the_token_goes_with_every_request(send: Sender) -> None:
    with fake_agent(always(Reply(body=b'""'))) as fake:
        send(replace(reaching(fake), token="hush", basic_auth="me:you"), status.leader())
    assert fake.seen[0].headers["x-consul-token"] == "hush"
    assert fake.seen[0].headers["authorization"] == "Basic bWU6eW91"
    assert "user-agent" in fake.seen[0].headers or send.kind == "blocking"


def test_bodies_are_sent_as_they_are(send: Sender) -> None:
    with fake_agent(always(Reply(body=b"true"))) as fake:
        send(reaching(fake), kv.put("a b/ä", b"\x00value", flags=3))
    assert (fake.seen[0].method, fake.seen[0].target) == ("PUT", "/v1/kv/a%20b/%C3%A4?flags=3")
    assert fake.seen[0].body == b"\x00value"


def test_nobody_there_is_told_with_the_next_step(send: Sender) -> None:
    with pytest.raises(UnreachableError) as caught:
        send(Settings(endpoint=parse_address("127.0.0.1:1")), status.leader())
    assert str(caught.value).startswith("could not reach the agent at http://127.0.0.1:1 (connection refused)")
    assert "lictor agent -dev" in str(caught.value)
    assert caught.value.definite


def test_an_unknown_host_is_told(send: Sender) -> None:
    with pytest.raises(UnreachableError, match="no such host"):
        send(Settings(endpoint=parse_address("nobody.invalid:1")), status.leader())


def test_every_call_has_a_time_out(send: Sender) -> None:
    with (
        fake_agent(always(Reply(after_s=1.0))) as fake,
        pytest.raises(TimedOutError, match=r"did not answer within 0\.1 s") as caught,
    ):
        send(reaching(fake, 0.1), status.leader())
    assert not caught.value.definite


def test_a_broken_off_answer_leaves_the_outcome_unknown(send: Sender) -> None:
    with fake_agent(always(Reply(breaks_off=True))) as fake, pytest.raises(TimedOutError, match="broke off") as caught:
        send(reaching(fake), kv.put("a", b"b"))
    assert not caught.value.definite


def test_a_refusal_keeps_its_status_and_reason(send: Sender) -> None:
    with fake_agent(always(Reply(403, b"Permission denied"))) as fake, pytest.raises(AgentError) as caught:
        send(reaching(fake), status.leader())
    assert (caught.value.status, caught.value.reason) == (403, "Permission denied")


def test_an_answer_over_the_bound_is_not_read(send: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("blocking_transport", "asynchronous_transport"):
        monkeypatch.setattr(f"lictor.api.{module}.RESPONSE_BYTES_MAX", 1000)
    assert messages.RESPONSE_BYTES_MAX > 1000
    with fake_agent(always(Reply(body=b" " * 1001))) as fake, pytest.raises(PeerError, match="larger than 1000"):
        send(reaching(fake), status.leader())


def test_a_unix_socket_is_an_address(send: Sender, tmp_path: Path) -> None:
    with fake_agent(always(Reply(body=b'"x"')), unix_path=str(tmp_path / "s")) as fake:
        assert send(reaching(fake), status.leader()) == "x"
    with pytest.raises(UnreachableError, match="no such file"):
        send(Settings(endpoint=parse_address(f"unix://{tmp_path}/none")), status.leader())


def test_one_connection_carries_many_calls() -> None:
    with fake_agent(always(Reply(body=b'"x"'))) as fake, Client(reaching(fake)) as client:
        for _ in range(20):
            client.send(status.leader())
        assert fake.connections == 1


def test_a_connection_that_the_agent_closed_is_opened_anew() -> None:
    closing = Reply(body=b'"x"', headers={"Connection": "close"})
    with fake_agent(always(closing)) as fake, Client(reaching(fake)) as client:
        assert [client.send(status.leader()) for _ in range(3)] == ["x"] * 3
        assert fake.connections == 3


def test_a_kept_connection_that_died_unnoticed_fails_no_call() -> None:
    with fake_agent(always(Reply(body=b'"x"', closes=True))) as fake, Client(reaching(fake)) as client:
        assert client.send(status.leader()) == "x"
        wait_until(lambda: fake.closed == 1, within_s=10, what="the agent has closed its end")
        assert client.send(status.leader()) == "x"


def test_many_calls_run_at_a_time() -> None:
    async def all_at_once(settings: Settings) -> list[str]:
        async with AsyncClient(settings) as client:
            return await asyncio.gather(*(client.send(status.leader()) for _ in range(10)))

    with fake_agent(always(Reply(body=b'"x"', after_s=0.2))) as fake:
        clock = SystemClock()
        begun = clock.monotonic()
        assert asyncio.run(all_at_once(reaching(fake))) == ["x"] * 10
        assert clock.monotonic() - begun < 1.9


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a self-signed certificate for 127.0.0.1 and agent.test, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "agent.test")])
    names = [x509.DNSName("agent.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2120, 1, 1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "agent.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_an_agent_over_tls_is_verified(send: Sender, certificate: Path) -> None:
    with fake_agent(always(Reply(body=b'"x"')), tls=server_context(certificate)) as fake:
        trusting = replace(reaching(fake), ca_file=str(certificate))
        assert send(trusting, status.leader()) == "x"
        assert send(replace(trusting, tls_server_name="agent.test"), status.leader()) == "x"
        assert send(replace(reaching(fake), tls_verify=False), status.leader()) == "x"
        for untrusted in (reaching(fake), replace(trusting, tls_server_name="other.test")):
            with pytest.raises(LictorError, match=r"(?i)certificate|hostname|tls"):
                send(untrusted, status.leader())


def test_tls_files_that_are_no_use_are_named(send: Sender, tmp_path: Path) -> None:
    settings = Settings(endpoint=parse_address("https://127.0.0.1:1"), ca_file=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigurationError, match=r"none\.pem"):
        send(settings, status.leader())
