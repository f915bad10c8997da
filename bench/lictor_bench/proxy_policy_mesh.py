"""Many services with sidecars at one agent, and a client of the mesh whom intentions allow all of them or none."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from typing import Final

from lictor_bench.dev_agents import Agent, free_ports
from lictor_bench.proxy_envoy import certificates
from lictor_connect_proxy.contexts import tls_contexts
from lictor_connect_proxy.snapshot import Leaf, TrustRoots

__all__ = ["client_context", "greet", "intend", "registered"]

_CLIENT: Final = "bench-client"


async def registered(agent: Agent, application: int, count: int) -> dict[str, int]:
    """Register so many services, all at the port `application`, with sidecars: the public ports of these by service."""
    ports = dict(zip((f"bench-{number}" for number in range(count)), free_ports(count), strict=True))
    for service, public in ports.items():
        sidecar = {"Port": public, "Checks": [{"Name": "up", "TTL": "1h", "Status": "passing"}]}
        body = {"Name": service, "Port": application, "Connect": {"SidecarService": sidecar}}
        await asyncio.to_thread(agent.put, "/v1/agent/service/register", json.dumps(body).encode())
    return ports


async def intend(agent: Agent, action: str, more: str = "") -> bytes:
    """Allow or deny the client everything; the answer. `more` are further parameters, each with its `&`."""
    path = f"/v1/connect/intentions/exact?source={_CLIENT}&destination=*{more}"
    return await asyncio.to_thread(agent.put, path, json.dumps({"Action": action}).encode())


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The application: tells that it was reached, and waits for the end."""
    writer.write(b"x")
    with contextlib.suppress(OSError):
        await reader.read()
    writer.close()


def client_context(agent: Agent) -> ssl.SSLContext:
    """What the client connects to sidecars with."""
    own = certificates(agent, _CLIENT)
    leaf = Leaf(certificate_pem=own.certificate, private_key_pem=own.key, uri=own.uri, serial="", valid_before="")
    return tls_contexts(leaf, TrustRoots(trust_domain="", pems=(own.roots,))).client
