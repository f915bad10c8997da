"""Names on the wire: SPIFFE ids, SNI, common names."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import RequestError
from lictor_core.names import (
    AgentId,
    ServiceId,
    SigningId,
    agent_common_name,
    parse_spiffe,
    root_common_name,
    service_common_name,
    service_sni,
    trust_domain,
)

DOMAIN = "11111111-2222-3333-4444-555555555555.consul"
PARTS = st.text(min_size=1, max_size=20, alphabet=st.characters(codec="utf-8"))


@given(PARTS, PARTS, PARTS)
def test_the_id_of_a_service_is_read_back(namespace: str, datacenter: str, service: str) -> None:
    identity = ServiceId(DOMAIN, namespace, datacenter, service)
    assert parse_spiffe(identity.uri()) == identity


@given(PARTS, PARTS)
def test_the_id_of_an_agent_is_read_back(datacenter: str, node: str) -> None:
    identity = AgentId(DOMAIN, datacenter, node)
    assert parse_spiffe(identity.uri()) == identity


def test_the_id_of_a_ca_is_its_trust_domain() -> None:
    assert parse_spiffe(f"spiffe://{DOMAIN}") == SigningId(DOMAIN)
    assert SigningId(DOMAIN).uri() == f"spiffe://{DOMAIN}"


def test_a_service_id_has_consuls_form() -> None:
    assert ServiceId(DOMAIN, "default", "dc1", "web").uri() == f"spiffe://{DOMAIN}/ns/default/dc/dc1/svc/web"


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "spiffe:",
        "spiffe://",
        "http://x.consul/ns/default/dc/dc1/svc/web",
        f"spiffe://{DOMAIN}/",
        f"spiffe://{DOMAIN}/ns/default/dc/dc1/svc/",
        f"spiffe://{DOMAIN}/ns/default/dc/dc1/svc",
        f"spiffe://{DOMAIN}/ns/default/dc/dc1/svc/web/more",
        f"spiffe://{DOMAIN}/ns//dc/dc1/svc/web",
        f"spiffe://{DOMAIN}/dc/dc1/ns/default/svc/web",
        f"spiffe://{DOMAIN}/ns/default/dc/dc1/svc/web?x=y",
        f"spiffe://{DOMAIN}/ns/default/dc/dc1/svc/web#x",
        f"spiffe://user@{DOMAIN}/ns/default/dc/dc1/svc/web",
        f"spiffe://{DOMAIN}:8443/ns/default/dc/dc1/svc/web",
        f"spiffe://{DOMAIN}/ns/default/dc/dc1/svc/" + "w" * 2048,
        f"spiffe://{DOMAIN}/ns/default/dc/dc1/svc/wéb",
    ],
)
def test_other_uris_are_refused(uri: str) -> None:
    with pytest.raises(RequestError):
        parse_spiffe(uri)


@given(st.text(max_size=100))
def test_any_text_is_an_identity_or_one_error(text: str) -> None:
    with contextlib.suppress(RequestError):
        parse_spiffe("spiffe://" + text)


def test_trust_domains_ignore_case() -> None:
    assert parse_spiffe("spiffe://ABC.consul/ns/default/dc/dc1/svc/web") == ServiceId(
        "abc.consul", "default", "dc1", "web"
    )
    assert trust_domain("ABCD") == "abcd.consul"


def test_server_names_have_consuls_form() -> None:
    assert service_sni("web", "dc1", DOMAIN) == f"web.default.dc1.internal.{DOMAIN}"
    assert service_sni("web", "dc1", DOMAIN, subset="v2") == f"v2.web.default.dc1.internal.{DOMAIN}"


@given(st.text(max_size=200))
def test_common_names_never_exceed_what_x520_allows(name: str) -> None:
    for common_name in (service_common_name(name, DOMAIN), agent_common_name(name, DOMAIN)):
        assert len(common_name) <= 64
        assert common_name.isascii()


def test_common_names_have_consuls_form() -> None:
    assert service_common_name("Web_1", DOMAIN) == "web1.svc.default.11111111.consul"
    assert agent_common_name("node-1", DOMAIN) == "node1.agnt.11111111.consul"
    assert root_common_name("abc", DOMAIN) == "pri-abc.consul.ca.11111111.consul"
