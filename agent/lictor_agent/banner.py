"""What an agent says on the terminal when it is up: where it listens, and what to try next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lictor_agent.identity import Identity
from lictor_core.addresses import join_host_port

__all__ = ["Listening", "banner"]

_HTTP_PORT_KNOWN = 8500


@dataclass(frozen=True)
class Listening:
    """Addresses as they were bound, `host:port` or `unix://path`."""

    http: Sequence[str]
    dns: Sequence[tuple[str, int]]
    grpc: Sequence[str]
    server: str
    https: Sequence[str] = ()


def banner(identity: Identity, listening: Listening, *, data_dir: str, default_policy: str = "") -> str:
    """Several lines, for people; the last three are commands that work as they stand, or once a token is filled in.

    Without `data_dir` everything is in memory; without a `default_policy` there is no access control.
    """
    facts = {
        "Version": f"{identity.lictor_version} (speaks Consul {identity.compatible_version})",
        "Node": f"{identity.node_name} ({identity.node_id})",
        "Datacenter": identity.datacenter,
        "State": f"data in {data_dir}" if data_dir else "in memory: gone when this process ends",
        "HTTP": ", ".join(_with_scheme(address) for address in listening.http) or "off",
        **({"HTTPS": ", ".join(f"https://{address}" for address in listening.https)} if listening.https else {}),
        "DNS": ", ".join(f"{join_host_port(*address)} (UDP, TCP)" for address in listening.dns) or "off",
        "gRPC": ", ".join(f"{address} (Envoy's configuration)" for address in listening.grpc) or "off",
        "ACLs": f"on; what no rule speaks of: {default_policy}"
        if default_policy
        else "off: everybody may do everything",
        "Servers": listening.server,
    }
    lines = ["==> Lictor agent running"]
    lines += [f"{name:>14}: {value}" for name, value in facts.items()]
    commands = _commands(identity, listening, is_open=default_policy != "deny")
    if commands:
        lines += ["", "==> Try, in another terminal:", *(f"    {command}" for command in commands)]
    return "\n".join([*lines, "", "==> Log events follow; Ctrl-C ends the agent", ""])


def _commands(identity: Identity, listening: Listening, *, is_open: bool) -> list[str]:
    if not listening.http:
        return []
    where = "" if _is_default(listening.http[0]) else f" -http-addr={_with_scheme(listening.http[0])}"
    if not is_open:
        token = "export LICTOR_HTTP_TOKEN=...   # the SecretID that it shows, or a token you have"
        return [f"lictor acl bootstrap{where}", token, f"lictor members{where}"]
    commands = [f"lictor members{where}", f"lictor kv put{where} greeting hello"]
    if listening.dns:
        host, port = listening.dns[0]
        commands.append(f"dig @{_reachable(host)} -p {port} consul.service.{identity.domain} SRV")
    else:
        commands.append(f"lictor catalog services{where}")
    return commands


def _is_default(address: str) -> bool:
    return address == f"127.0.0.1:{_HTTP_PORT_KNOWN}"


def _with_scheme(address: str) -> str:
    return address if address.startswith("unix://") else f"http://{address}"


def _reachable(host: str) -> str:
    """An address to ask at: one that means all addresses is none."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
