"""Agents that get their certificates from the servers: real processes, over TLS alone."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
from base64 import b64encode
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.server.certificates import Authority
from tests.support.agents import program_of
from tests.support.recorder.certificates import describe_pem
from tests.support.server_cluster import Launch, ServerCluster

pytestmark = pytest.mark.slow


def _servers(authority: Authority) -> dict[str, object]:
    pair = authority.server()
    return {
        "ca_file": authority.ca_file,
        "cert_file": pair.cert_file,
        "key_file": pair.key_file,
        "verify_incoming_rpc": True,
        "verify_server_hostname": True,
        "auto_encrypt": {"allow_tls": True},
    }


def _agent(authority: Authority, **more: object) -> dict[str, object]:
    return {
        "ca_file": authority.ca_file,
        "verify_server_hostname": True,
        "ports": {"https": 8501},
        "auto_encrypt": {"tls": True, "dns_san": ["web.example"], "ip_san": ["10.1.2.3"]},
        **more,
    }


def _shown(cluster: ServerCluster, number: int) -> x509.Certificate:
    """The certificate that an agent shows at HTTPS, believed by the roots of the mesh."""
    roots = json.loads(cluster.ask(1, "/v1/connect/ca/roots").body)["Roots"]
    context = ssl.create_default_context(cadata="".join(root["RootCert"] for root in roots))
    with (
        socket.create_connection((cluster.address(number), 8501), timeout=10) as sock,
        context.wrap_socket(sock, server_hostname="localhost") as secured,
    ):
        return x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")


def test_an_encrypt_key_comes_before_the_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    key = b64encode(b"k" * 32).decode()
    with ServerCluster(tmp_path, 1, {**_servers(authority), "encrypt": key}).running() as cluster:
        cluster.start_client(2, joins=[1], settings=_agent(authority, encrypt=key))
        cluster.until(lambda: cluster.put(2, "k", "1"), "a write over TLS")
        cluster.start_client(3, joins=[1], settings=_agent(authority))
        cluster.until(
            lambda: "agent.certificate.refused" in cluster.programs[3].log(), "without the key nothing is given"
        )


def test_an_agent_with_the_ca_alone_gets_a_certificate_and_works(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    with ServerCluster(tmp_path, 1, _servers(authority)).running() as cluster:
        cluster.start_client(2, joins=[1], settings=_agent(authority))
        cluster.until(lambda: cluster.put(2, "k", "1"), "a write over TLS")
        certificate = _shown(cluster, 2)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["localhost", "web.example"]
        assert names.get_values_for_type(x509.IPAddress) == [
            ip_address(one) for one in ("127.0.0.1", "::1", "10.1.2.3")
        ]
        trust_domain = json.loads(cluster.ask(1, "/v1/connect/ca/roots").body)["TrustDomain"]
        uri = f"spiffe://{trust_domain}/agent/client/dc/dc1/id/c2"
        assert names.get_values_for_type(x509.UniformResourceIdentifier) == [uri]
        assert cluster.ask(2, "/v1/status/leader").body.strip('"\n') == f"{cluster.address(1)}:8300"
        os.kill(cluster.programs[2].pid, signal.SIGHUP)
        cluster.until(lambda: "agent.configuration.reloaded" in cluster.programs[2].log(), "a reload")
        assert _shown(cluster, 2) == certificate, "a reload keeps what the servers gave"
        assert cluster.put(2, "k", "2")


def test_an_agent_that_does_not_ask_is_kept_out_and_one_that_came_before_the_server_gets_in(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    cluster = ServerCluster(tmp_path, 1, _servers(authority))
    cluster.start_client(2, joins=[1], settings=_agent(authority))
    cluster.until(lambda: "agent.certificate.refused" in cluster.programs[2].log(), "nobody signs yet")
    with cluster.running():
        cluster.until(lambda: cluster.put(2, "k", "1"), "a write over TLS")
        plain: dict[str, object] = {"ca_file": authority.ca_file, "verify_outgoing": True}
        cluster.start_client(3, joins=[1], settings=plain)
        cluster.until(lambda: "PEER_DID_NOT_RETURN_A_CERTIFICATE" in cluster.programs[1].log(), "the refusal")
        assert not cluster.put(3, "k", "2")


def test_an_agent_that_knows_no_server_gets_in_once_it_is_told_of_one(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    with ServerCluster(tmp_path, 1, _servers(authority)).running() as cluster:
        cluster.start_client(2, joins=[], settings=_agent(authority))
        cluster.until(lambda: "agent.certificate.refused" in cluster.programs[2].log(), "nobody is known")
        cluster.until(lambda: cluster.ask(2, f"/v1/agent/join/{cluster.address(1)}", "PUT").status == 200, "it joins")
        cluster.until(lambda: cluster.put(2, "k", "1"), "a write over TLS")


def test_another_root_gives_agents_another_certificate_and_hangs_up_on_nobody(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    with ServerCluster(tmp_path, 1, _servers(authority)).running() as cluster:
        cluster.start_client(2, joins=[1], settings=_agent(authority))
        cluster.until(lambda: cluster.put(2, "k", "1"), "a write over TLS")
        before = _shown(cluster, 2)
        config = {"Provider": "consul", "Config": {"PrivateKeyType": "rsa", "PrivateKeyBits": 2048}}
        cluster.until(
            lambda: cluster.ask(1, "/v1/connect/ca/configuration", "PUT", json.dumps(config)).status == 200,
            "a new root",
        )
        cluster.until(lambda: _shown(cluster, 2) != before, "a certificate by the new root")
        after = _shown(cluster, 2)
        assert after.signature_algorithm_oid != before.signature_algorithm_oid
        assert cluster.put(2, "k", "2")
        assert "agent.server.lost" not in cluster.programs[2].log()
        # The way to the servers is found again with it, too.
        cluster.kill(1)
        cluster.start(1)
        cluster.until(lambda: cluster.put(2, "k", "3"), "a write to the server that came back")


def test_servers_that_another_ca_signed_for_are_told_nothing(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "ca"), Authority(tmp_path / "other")
    with ServerCluster(tmp_path, 1, _servers(authority)).running() as cluster:
        cluster.start_client(2, joins=[1], settings=_agent(other))
        cluster.until(lambda: "cannot be trusted" in cluster.programs[2].log(), "the agent refuses")
        assert "ca.leaf.signed" not in cluster.programs[1].log()


def test_servers_that_give_no_certificates_say_so(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    settings = _servers(authority)
    del settings["auto_encrypt"]
    with ServerCluster(tmp_path, 1, settings).running() as cluster:
        cluster.start_client(2, joins=[1], settings=_agent(authority))
        cluster.until(lambda: "auto_encrypt.allow_tls is off here" in cluster.programs[1].log(), "the refusal")
        cluster.until(lambda: "agent.certificate.refused" in cluster.programs[2].log(), "and the agent's word of it")


def test_with_access_control_a_certificate_is_for_who_may_write_its_node(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    secret = "11111111-2222-3333-4444-555555555555"
    acl: dict[str, object] = {"enabled": True, "default_policy": "deny"}
    known = {**acl, "tokens": {"master": secret, "default": secret}}
    with ServerCluster(tmp_path, 1, {**_servers(authority), "acl": known}).running() as cluster:
        here = "99999999-2222-3333-4444-555555555555"
        alone = {**acl, "tokens": {"agent_master": here}}
        cluster.start_client(2, joins=[1], settings=_agent(authority, acl=alone))
        # The first word may be that of a server that is not up yet.
        cluster.until(lambda: "Permission denied" in cluster.programs[2].log(), "nobody vouches for this one")
        assert "agent.certificate.refused" in cluster.programs[2].log()
        allowed = {**acl, "tokens": {"default": secret}}
        cluster.start_client(3, joins=[1], settings=_agent(authority, acl=allowed))
        cluster.until(lambda: cluster.put(3, "k", "1"), "a write over TLS")
        assert "agent.certificate.issued" not in cluster.programs[2].log()
        told = cluster.ask(2, f"/v1/agent/token/agent?token={here}", "PUT", json.dumps({"Token": secret}))
        assert told.status == 200
        cluster.until(lambda: "agent.certificate.issued" in cluster.programs[2].log(), "the token that it was told")


@pytest.mark.needs("consul")
def test_the_certificate_is_made_as_consuls_is(tmp_path: Path) -> None:
    described: dict[str, str] = {}
    for product in ("lictor", "consul"):
        directory = tmp_path / product
        authority = Authority(directory / "ca")
        settings = {**_servers(authority), "connect": {"enabled": True}}
        cluster = ServerCluster(directory, 1, settings)
        cluster.launches = {number: Launch(command=[program_of(product)]) for number in (1, 2)}
        with cluster.running():
            cluster.start_client(2, joins=[1], settings=_agent(authority))
            cluster.until(lambda: cluster.put(2, "k", "1"), "a write over TLS")  # noqa: B023 waited for at once
            pem = _shown(cluster, 2).public_bytes(Encoding.PEM).decode()
            trust_domain = json.loads(cluster.ask(1, "/v1/connect/ca/roots").body)["TrustDomain"]
            described[product] = describe_pem(pem).replace(trust_domain, "TD").replace(trust_domain[:8], "TD")
    assert described["lictor"] == described["consul"]
