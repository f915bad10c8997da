"""What is configured of TLS: checked at start, and what two ends prove to each other."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lictor_core.errors import ConfigurationError, PeerError
from lictor_server import PemPair, ca
from lictor_server.tls import ALPN_RAFT, ALPN_RPC, NOBODY, PLAIN, Proof, Tls, TlsSettings, load_tls, untrusted
from tests.server.ca.build import csr
from tests.server.certificates import Authority, strict

NODE_ID = "5c1e2f30-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def loaded(settings: TlsSettings) -> Tls:
    return load_tls(settings, now=time.time())  # noqa: TID251 OpenSSL asks the machine, too


def shaken(dialing: Tls, listening: Tls, alpn: str = ALPN_RAFT) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """A handshake in memory; the two ends."""
    context = dialing.dialing_raft if alpn == ALPN_RAFT else dialing.dialing_rpc
    assert context is not None
    assert listening.listening is not None
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(down, up, server_hostname=dialing.server_name)
    server = listening.listening.wrap_bio(up, down, server_side=True)
    waiting = {client, server}
    for _ in range(10):
        for end in list(waiting):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.discard(end)
    assert not waiting
    return client, server


def test_without_settings_nothing_is_secured() -> None:
    assert replace(loaded(TlsSettings()), server_name="") == PLAIN


def test_servers_prove_their_role_to_each_other_with_tls_13(authority: Authority) -> None:
    tls = loaded(strict(authority, authority.server()))
    client, server = shaken(tls, tls)
    assert (client.version(), server.selected_alpn_protocol()) == ("TLSv1.3", ALPN_RAFT)
    assert tls.proof(client) == tls.proof(server) == Proof(is_server=True, node_ids=frozenset())
    assert shaken(tls, tls, ALPN_RPC)[1].selected_alpn_protocol() == ALPN_RPC


def test_a_certificate_may_be_made_out_to_a_node(authority: Authority) -> None:
    tls = loaded(strict(authority, authority.server("node", node_id=NODE_ID)))
    assert tls.proof(shaken(tls, tls)[1]) == Proof(is_server=True, node_ids=frozenset({NODE_ID}))


def test_a_name_before_the_role_that_is_no_node_id_proves_nothing(authority: Authority) -> None:
    pair = authority.issue("named", ["server.dc1.consul", "n1.server.dc1.consul", f"{NODE_ID}.server.dc2.consul"])
    tls = loaded(strict(authority, pair))
    assert tls.proof(shaken(tls, tls)[1]) == Proof(is_server=True, node_ids=frozenset())


def test_a_client_is_no_server(authority: Authority) -> None:
    servers = loaded(strict(authority, authority.server()))
    client = loaded(strict(authority, authority.client()))
    assert servers.proof(shaken(client, servers)[1]) == Proof(is_server=False, node_ids=frozenset())
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shaken(servers, client)


def test_the_connect_cas_certificate_of_an_agent_names_its_node(authority: Authority) -> None:
    """As `auto_encrypt` gives it, in the form of Consul; the identity of a service is none of an agent."""
    domain = "spiffe://11111111-2222-3333-4444-555555555555.consul"
    uris = [f"{domain}/agent/client/dc/dc1/id/Web%2D1", f"{domain}/ns/default/dc/dc1/svc/agent"]
    client = loaded(strict(authority, authority.issue("agent", ["client.dc1.consul"], uris=uris)))
    servers = loaded(strict(authority, authority.server()))
    assert servers.proof(shaken(client, servers)[1]) == Proof(False, frozenset(), frozenset({"web-1"}))


def test_who_shows_none_where_one_is_asked_for_is_nobody(authority: Authority) -> None:
    """So it would be where a server has to take newcomers without a certificate: none of them is a server."""
    nobody = loaded(TlsSettings(ca_file=authority.ca_file, verify_outgoing=True))
    lenient = loaded(replace(strict(authority, authority.server()), verify_incoming_rpc=False))
    assert replace(lenient, incoming_required=True).proof(shaken(nobody, lenient)[1]) == NOBODY


def test_the_server_of_another_datacenter_is_no_server_here(authority: Authority) -> None:
    here = loaded(strict(authority, authority.server()))
    there = loaded(replace(strict(authority, authority.server("dc2", datacenter="dc2")), datacenter="dc2"))
    assert here.proof(shaken(replace(there, server_name="server.dc1.consul"), here)[1]) == Proof(False, frozenset())


def test_without_hostname_verification_the_chain_is_enough(authority: Authority) -> None:
    client = strict(authority, authority.client())
    trusting = loaded(replace(client, verify_outgoing=True, verify_server_hostname=False))
    shaken(trusting, loaded(client))


def test_who_shows_no_certificate_is_refused_only_where_one_is_demanded(authority: Authority) -> None:
    nobody = loaded(TlsSettings(ca_file=authority.ca_file, verify_outgoing=True))
    settings = strict(authority, authority.server())
    open_to_all = loaded(replace(settings, verify_incoming_rpc=False))
    assert open_to_all.proof(shaken(nobody, open_to_all)[1]) is None
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        shaken(nobody, loaded(settings))


def test_the_certificate_of_another_ca_is_refused(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(loaded(strict(other, other.server())), loaded(strict(authority, authority.server())))


def test_tls_12_is_spoken_only_where_it_is_allowed(authority: Authority) -> None:
    settings = strict(authority, authority.server())
    old = loaded(replace(settings, min_version="tls12"))
    assert old.dialing_raft is not None
    old.dialing_raft.maximum_version = ssl.TLSVersion.TLSv1_2
    assert shaken(old, loaded(replace(settings, min_version="tls10")))[0].version() == "TLSv1.2"
    with pytest.raises(ssl.SSLError, match=r"UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION"):
        shaken(old, loaded(settings))


def test_a_directory_of_cas_is_read_file_by_file(authority: Authority, tmp_path: Path) -> None:
    Authority(tmp_path, "other")
    shutil.copy(authority.ca_file, tmp_path / "first")
    settings = replace(strict(authority, authority.server()), ca_file="", ca_path=str(tmp_path))
    shaken(loaded(settings), loaded(settings))


def test_what_cannot_be_used_is_told_with_its_setting_file_and_reason(authority: Authority, tmp_path: Path) -> None:
    pair, other = authority.server(), authority.client()
    good = strict(authority, pair)
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    empty = tmp_path / "empty"
    empty.mkdir()
    missing = str(tmp_path / "missing.pem")
    expired = authority.server("expired", expired=True)
    locked = authority.issue("locked", ["server.dc1.consul"], password=b"secret")
    old_ca = Authority(tmp_path, "old", expired=True)
    cases: dict[TlsSettings, str] = {
        replace(good, ca_file=missing): f"ca_file: {missing} cannot be read: no such file",
        replace(good, ca_file=str(text)): f"ca_file: {text} holds no certificate in PEM",
        replace(good, ca_file=old_ca.ca_file): f"ca_file: every certificate in {old_ca.ca_file} is expired",
        replace(good, ca_file="", ca_path=missing): f"ca_path: {missing} cannot be read: no such file",
        replace(good, ca_file="", ca_path=str(empty)): f"ca_path: there is no file in {empty}",
        replace(good, ca_file=""): "verify_server_hostname: needs ca_file",
        replace(good, ca_file="", verify_server_hostname=False): "verify_incoming: needs ca_file",
        replace(good, cert_file=missing): f"cert_file: {missing} cannot be read: no such file",
        replace(good, cert_file=str(text)): f"cert_file: {text} holds no certificate in PEM",
        replace(good, cert_file=expired.cert_file): f"cert_file: {expired.cert_file} expired at 20",
        replace(good, cert_file=""): "verify_incoming: needs cert_file and key_file",
        replace(good, key_file=missing): f"key_file: {missing} cannot be read: no such file",
        replace(good, key_file=str(text)): f"key_file: {text} holds no private key in PEM",
        replace(good, key_file=other.key_file): f"key_file: {other.key_file} is not the key of the certificate in",
        replace(
            good, cert_file=locked.cert_file, key_file=locked.key_file
        ): f"key_file: {locked.key_file} is encrypted",
        replace(good, min_version="1.2"): "tls_min_version: '1.2' is none of tls10",
    }
    for settings, complaint in cases.items():
        with pytest.raises(ConfigurationError) as caught:
            loaded(settings)
        assert str(caught.value).startswith(complaint)


def test_a_certificate_that_is_not_valid_yet_is_refused(authority: Authority) -> None:
    with pytest.raises(ConfigurationError, match="valid only from"):
        load_tls(strict(authority, authority.server()), now=0.0)


def test_a_server_whose_certificate_is_none_of_a_server_is_warned(authority: Authority) -> None:
    assert loaded(strict(authority, authority.server())).warnings == ()
    (warning,) = loaded(strict(authority, authority.client())).warnings
    assert "does not name server.dc1.consul" in warning


@pytest.mark.needs("consul")
def test_certificates_made_by_consul_are_good(tmp_path: Path) -> None:
    for command in (["ca", "create"], ["cert", "create", "-server"], ["cert", "create", "-client"]):
        subprocess.run(["consul", "tls", *command], cwd=tmp_path, check=True, capture_output=True, timeout=30)
    settings = TlsSettings(
        ca_file=str(tmp_path / "consul-agent-ca.pem"),
        cert_file=str(tmp_path / "dc1-server-consul-0.pem"),
        key_file=str(tmp_path / "dc1-server-consul-0-key.pem"),
        verify_incoming_rpc=True,
        verify_server_hostname=True,
    )
    server = loaded(settings)
    assert server.proof(shaken(server, server)[1]) == Proof(is_server=True, node_ids=frozenset())
    client = loaded(
        replace(
            settings,
            cert_file=str(tmp_path / "dc1-client-consul-0.pem"),
            key_file=str(tmp_path / "dc1-client-consul-0-key.pem"),
        )
    )
    assert server.proof(shaken(client, server)[1]) == Proof(is_server=False, node_ids=frozenset())


def shown(tls: Tls) -> int:
    """The serial number of the certificate that a server with `tls` shows."""
    certificate = shaken(tls, tls)[0].getpeercert()
    assert certificate is not None
    return int(str(certificate["serialNumber"]), 16)


def test_a_renewed_certificate_is_shown_to_whoever_connects_from_then_on(authority: Authority) -> None:
    settings = strict(authority, authority.server("old"))
    tls = loaded(settings)
    before, standing = shown(tls), shaken(tls, tls)[0].getpeercert()
    authority.server("old")  # another one, in the same files
    assert shown(tls) == before
    tls.take(loaded(settings))
    assert shown(tls) != before
    assert standing is not None
    assert int(str(standing["serialNumber"]), 16) == before


def test_a_ca_that_was_taken_away_is_trusted_no_more(tmp_path: Path) -> None:
    first, second = Authority(tmp_path, "one"), Authority(tmp_path, "two")
    old, new = strict(first, first.server("1")), strict(second, second.server("2"))
    tls = loaded(old)
    shaken(loaded(old), tls)
    tls.take(loaded(new))
    shaken(loaded(new), tls)
    with pytest.raises(ssl.SSLError):
        shaken(loaded(replace(old, ca_file=new.ca_file)), tls)


def test_what_must_be_proven_changes_with_what_is_taken(authority: Authority) -> None:
    settings = strict(authority, authority.server())
    tls = loaded(replace(settings, verify_incoming_rpc=False))
    nobody = loaded(TlsSettings(ca_file=authority.ca_file, verify_outgoing=True))
    shaken(nobody, tls)
    tls.take(loaded(settings))
    assert tls.incoming_required
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        shaken(nobody, tls)


def test_a_message_names_the_key_that_said_it(authority: Authority) -> None:
    settings = strict(authority, authority.server())
    said = {"cert_file": "tls.internal_rpc.cert_file", "ca_file": "tls.defaults.ca_file"}
    with pytest.raises(ConfigurationError, match=r"tls\.internal_rpc\.cert_file: /nowhere cannot be read"):
        loaded(replace(settings, cert_file="/nowhere", said=said))
    with pytest.raises(ConfigurationError, match=r"tls\.defaults\.ca_file: /nowhere cannot be read"):
        loaded(replace(settings, ca_file="/nowhere", said=said))


def test_cipher_suites_hold_for_tls_12(authority: Authority) -> None:
    settings = replace(strict(authority, authority.server()), min_version="tls12")
    old = loaded(settings)
    assert old.dialing_raft is not None
    old.dialing_raft.maximum_version = ssl.TLSVersion.TLSv1_2
    suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    chosen = shaken(old, loaded(replace(settings, cipher_suites=suite)))[0].cipher()
    assert chosen is not None
    assert chosen[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"


DOMAIN = "11111111-2222-3333-4444-555555555555.consul"


def made_mesh(unique: str) -> tuple[str, ca.PrivateKey]:
    """A root of the mesh, PEM, and its key."""
    key = ca.new_key()
    now = time.time()  # noqa: TID251 OpenSSL asks the machine, too
    return ca.make_root(key, cluster_id=DOMAIN[:36], serial=7, unique=unique, now=now).root_cert, key


def given(authority: Authority, mesh: tuple[str, ca.PrivateKey] | None, uri: str = "", *dns: str) -> Tls:
    """What an agent dials with that comes by the door for agents, with a leaf of the mesh for `uri`."""
    settings = TlsSettings(ca_file=authority.ca_file, verify_server_hostname=True, asks_for_certificate=True)
    if mesh is not None:
        key = ca.new_key()
        order = ca.read_csr(csr(uri, key=key, dns=dns))
        now = time.time()  # noqa: TID251 OpenSSL asks the machine, too
        leaf = ca.sign_leaf(order, issuer_pem=mesh[0], key=mesh[1], serial=9, now=now, lifetime_s=3600)
        settings = replace(settings, pair=PemPair(leaf.certificate, ca.key_pem(key)))
    return loaded(settings)


def giving(authority: Authority, roots: str, domain: str = DOMAIN) -> Tls:
    """A server that gives agents certificates, and believes those of `roots`."""
    tls = loaded(replace(strict(authority, authority.server()), gives_certificates=True))
    tls.trust_agents(domain, roots)
    return tls


def arrived(agent: Tls, server: Tls) -> ssl.SSLObject:
    """The server's end after a handshake at the door for agents."""
    assert server.for_agents is not None
    return shaken(agent, replace(server, listening=server.for_agents), ALPN_RPC)[1]


AGENT = f"spiffe://{DOMAIN}/agent/client/dc/dc1/id/Node1"


def test_an_agent_proves_its_node_and_never_to_be_a_server(authority: Authority) -> None:
    mesh = made_mesh("one")
    server = giving(authority, mesh[0])
    proof = server.agent_proof(arrived(given(authority, mesh, AGENT, "server.dc1.consul"), server))
    assert proof == Proof(is_server=False, node_ids=frozenset(), node_names=frozenset({"node1"}))
    assert server.agent_proof(arrived(given(authority, None), server)) is None


@pytest.mark.parametrize(
    "uri",
    [
        f"spiffe://{DOMAIN}/ns/default/dc/dc1/svc/web",
        f"spiffe://{DOMAIN}/agent/client/dc/dc2/id/n1",
        "spiffe://99999999-2222-3333-4444-555555555555.consul/agent/client/dc/dc1/id/n1",
    ],
    ids=["a service", "another datacenter", "another cluster"],
)
def test_what_the_mesh_signed_for_others_is_no_agent(authority: Authority, uri: str) -> None:
    mesh = made_mesh("one")
    server = giving(authority, mesh[0])
    with pytest.raises(PeerError, match="none of an agent of this datacenter"):
        server.agent_proof(arrived(given(authority, mesh, uri), server))


def test_the_mesh_is_believed_at_the_door_for_agents_alone(authority: Authority) -> None:
    mesh = made_mesh("one")
    server, agent = giving(authority, mesh[0]), given(authority, mesh, AGENT)
    with pytest.raises(ssl.SSLError):
        shaken(agent, server, ALPN_RPC)
    with pytest.raises(ssl.SSLError):
        arrived(loaded(strict(authority, authority.client())), server)


def test_another_root_takes_the_place_of_the_one_before_also_after_a_reload(authority: Authority) -> None:
    first, second = made_mesh("one"), made_mesh("two")
    server = giving(authority, first[0])
    server.trust_agents(DOMAIN, second[0])
    server.take(loaded(server.settings))
    assert server.agent_proof(arrived(given(authority, second, AGENT), server)) is not None
    with pytest.raises(ssl.SSLError):
        arrived(given(authority, first, AGENT), server)


@pytest.mark.parametrize(("code", "hinted"), [(10, True), (18, False)])
def test_of_who_shows_a_certificate_that_has_expired_it_is_told_where_its_end_stands_and_what_to_do(
    code: int, hinted: bool
) -> None:
    error = ssl.SSLCertVerificationError(1, "refused")
    error.verify_code, error.verify_message = code, "certificate has expired"
    told = untrusted("192.0.2.1:8300", error)
    assert told.startswith("192.0.2.1:8300 shows a certificate that cannot be trusted: certificate has expired")
    assert ("agent.certificate.expired" in told and "reload" in told) == hinted
