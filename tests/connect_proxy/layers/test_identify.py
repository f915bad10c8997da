import pytest

from lictor_connect_proxy.layers.identify import identify, identify_upstream
from lictor_connect_proxy.layers.stages import Accepted, Identified, Refusal
from tests.connect_proxy.build import NOW, OTHER_DOMAIN, TRUST_DOMAIN, certificate, service_id

PEER = Accepted("192.0.2.1:4000")
WEB = service_id("web").uri()
API = service_id("api").uri()


def test_one_service_of_our_trust_domain_is_identified() -> None:
    assert identify(PEER, certificate(WEB), TRUST_DOMAIN, NOW) == Identified(PEER, service_id("web"), WEB)


def test_the_trust_domain_compares_without_case() -> None:
    found = identify(PEER, certificate(WEB.replace(TRUST_DOMAIN, TRUST_DOMAIN.upper())), TRUST_DOMAIN.upper(), NOW)
    assert isinstance(found, Identified)
    assert found.identity == service_id("web")


@pytest.mark.parametrize(
    ("uris", "reason"),
    [
        ((), "carries 0 URI names"),
        ((WEB, API), "carries 2 URI names"),
        ((WEB, WEB), "carries 2 URI names"),
        ((WEB, "https://example.org/"), "carries 2 URI names"),
        ((service_id("web", trust_domain=OTHER_DOMAIN).uri(),), "is not ours"),
        ((f"spiffe://{TRUST_DOMAIN}",), "does not name a service"),
        ((f"spiffe://{TRUST_DOMAIN}/agent/client/dc/dc1/id/n1",), "does not name a service"),
        (("https://example.org/ns/default/dc/dc1/svc/web",), "no SPIFFE id"),
        ((f"{WEB}/more",), "names neither"),
        ((WEB.replace("/ns/default/", "/ns/other/"),), "namespace other"),
        ((f"{WEB}?x=1",), "query"),
        (("",), "no SPIFFE id"),
    ],
)
def test_every_other_certificate_is_refused_with_its_reason(uris: tuple[str, ...], reason: str) -> None:
    refusal = identify(PEER, certificate(*uris), TRUST_DOMAIN, NOW)
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason


@pytest.mark.parametrize("shift_s", [-11, 11])
def test_a_certificate_outside_its_time_is_refused(shift_s: int) -> None:
    refusal = identify(PEER, certificate(WEB), TRUST_DOMAIN, NOW + shift_s)
    assert isinstance(refusal, Refusal)
    assert "not valid at this time" in refusal.reason


def test_an_upstream_must_be_exactly_the_service_that_was_dialed() -> None:
    assert isinstance(identify_upstream(PEER, certificate(WEB), service_id("web"), NOW), Identified)


@pytest.mark.parametrize(
    "uri",
    [
        API,
        service_id("web", datacenter="dc2").uri(),
        service_id("web", trust_domain=OTHER_DOMAIN).uri(),
        WEB.replace("/ns/default/", "/ns/other/"),
        service_id("web-admin").uri(),
        service_id("WEB").uri(),
    ],
)
def test_an_upstream_that_is_anything_else_is_refused(uri: str) -> None:
    assert isinstance(identify_upstream(PEER, certificate(uri), service_id("web"), NOW), Refusal)
