"""Mutual TLS of the mesh: certificates by reference, so that a new one changes no listener and no cluster."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lictor_connect_proxy.snapshot import Leaf, TrustRoots
from lictor_connect_proxy.xds.forms import ADS, named_any
from lictor_connect_proxy.xds.naming import LEAF, ROOTS
from lictor_core.names import ServiceId
from lictor_core.records import JsonObject

__all__ = [
    "certificate_secret",
    "downstream_tls",
    "outer_tls",
    "plain_tls",
    "reference",
    "upstream_tls",
    "validation_secret",
]

_TLS: Final = "envoy.extensions.transport_sockets.tls.v3"
_PARAMETERS: Final[JsonObject] = {"tls_minimum_protocol_version": "TLSv1_2"}


def reference(secret: str) -> JsonObject:
    """Where a secret is to be had."""
    return {"name": secret, "sds_config": ADS}


def downstream_tls(validation: str, certificate: str = LEAF) -> JsonObject:
    """The side that is connected to: shows `certificate`, and demands one that the secret `validation` admits."""
    return named_any(
        "envoy.transport_sockets.tls",
        f"{_TLS}.DownstreamTlsContext",
        require_client_certificate=True,
        common_tls_context={
            "tls_params": _PARAMETERS,
            "tls_certificate_sds_secret_configs": [reference(certificate)],
            "validation_context_sds_secret_config": reference(validation),
        },
    )


def plain_tls(certificate: str = LEAF) -> JsonObject:
    """The side that is connected to from outside the mesh: shows `certificate`, and asks for none."""
    return named_any(
        "envoy.transport_sockets.tls",
        f"{_TLS}.DownstreamTlsContext",
        common_tls_context={
            "tls_params": _PARAMETERS,
            "tls_certificate_sds_secret_configs": [reference(certificate)],
        },
    )


def outer_tls(ca_file: str, cert_file: str, key_file: str, sni: str) -> JsonObject | None:
    """The side that connects to a service outside the mesh; None without a CA to check it by.

    Files are those of the gateway's host. With `sni` the other end must have it among its names.
    """
    if not ca_file:
        return None
    context: JsonObject = {"trusted_ca": {"filename": ca_file}}
    fields: JsonObject = {}
    if sni:
        context["match_typed_subject_alt_names"] = [{"san_type": "DNS", "matcher": {"exact": sni}}]
        fields["sni"] = sni
    common: JsonObject = {"tls_params": _PARAMETERS, "validation_context": context}
    if cert_file and key_file:
        chain: JsonObject = {"filename": cert_file}
        common["tls_certificates"] = [{"certificate_chain": chain, "private_key": {"filename": key_file}}]
    return named_any("envoy.transport_sockets.tls", f"{_TLS}.UpstreamTlsContext", **fields, common_tls_context=common)


def upstream_tls(sni: str, expected: Iterable[ServiceId]) -> JsonObject:
    """The side that connects: asks for `sni`, and takes nobody but exactly one of `expected` for it."""
    uris = sorted({one.uri() for one in expected})
    names: list[JsonObject] = [{"san_type": "URI", "matcher": {"exact": uri}} for uri in uris]
    return named_any(
        "envoy.transport_sockets.tls",
        f"{_TLS}.UpstreamTlsContext",
        sni=sni,
        common_tls_context={
            "tls_params": _PARAMETERS,
            "tls_certificate_sds_secret_configs": [reference(LEAF)],
            "combined_validation_context": {
                "default_validation_context": {"match_typed_subject_alt_names": names},
                "validation_context_sds_secret_config": reference(ROOTS),
            },
        },
    )


def certificate_secret(name: str, leaf: Leaf) -> JsonObject:
    """A certificate with its key."""
    return {
        "name": name,
        "tls_certificate": {
            "certificate_chain": {"inline_string": leaf.certificate_pem},
            "private_key": {"inline_string": leaf.private_key_pem},
        },
    }


def validation_secret(name: str, roots: TrustRoots, names: list[JsonObject] | None = None) -> JsonObject:
    """The CA certificates, and the names of which a peer must have one. Without `names` the user adds its own."""
    trusted = "".join(pem if pem.endswith("\n") else f"{pem}\n" for pem in roots.pems)
    context: JsonObject = {"trusted_ca": {"inline_string": trusted}}
    if names is not None:
        assert names, "an empty list would admit every certificate of the CA"
        context["match_typed_subject_alt_names"] = names
    return {"name": name, "validation_context": context}
