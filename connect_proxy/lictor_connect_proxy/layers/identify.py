"""Who is the peer? Reads the one SPIFFE id of a certificate whose chain TLS has already verified.

Rules: an X.509-SVID carries exactly one URI SAN (X509-SVID specification, section 2); a client's must name a service of
our own trust domain; an upstream's must name exactly the service that was dialed.
"""

from __future__ import annotations

import functools
from typing import Final

from lictor_connect_proxy.layers.stages import Accepted, Identified, PeerCertificate, Refusal
from lictor_core.errors import RequestError
from lictor_core.names import NAMESPACE, ServiceId, parse_spiffe

__all__ = ["identify", "identify_upstream"]

_parsed: Final = functools.lru_cache(maxsize=1024)(parse_spiffe)
"""Few services make most connections: what each is called is read once, and kept once."""


def identify(accepted: Accepted, certificate: PeerCertificate, trust_domain: str, now: float) -> Identified | Refusal:
    """The peer's identity, or why it has none. `now` is in seconds since 1970."""
    if len(certificate.uris) != 1:
        return Refusal(f"the certificate carries {len(certificate.uris)} URI names; exactly one SPIFFE id is needed")
    uri = certificate.uris[0]
    # TLS checks the time as well; this holds also for a session that TLS may resume without looking again.
    if not certificate.not_before <= now <= certificate.not_after:
        return Refusal("the certificate is not valid at this time", uri)
    try:
        identity = _parsed(uri)
    except RequestError as error:
        return Refusal(str(error), uri)
    if not isinstance(identity, ServiceId):
        return Refusal("the certificate does not name a service", uri)
    if identity.trust_domain != trust_domain.lower():
        return Refusal(f"trust domain {identity.trust_domain} is not ours ({trust_domain})", uri)
    if identity.namespace != NAMESPACE:
        return Refusal(f"namespace {identity.namespace} is none that intentions speak of; there is {NAMESPACE}", uri)
    return Identified(accepted, identity, uri)


def identify_upstream(
    accepted: Accepted, certificate: PeerCertificate, expected: ServiceId, now: float
) -> Identified | Refusal:
    """The upstream's identity when it is exactly `expected`: trust domain, namespace, datacenter and service."""
    identified = identify(accepted, certificate, expected.trust_domain, now)
    if isinstance(identified, Identified) and identified.identity != expected:
        return Refusal(f"expected {expected.uri()}, the instance is {identified.uri}", identified.uri)
    return identified
