"""An agent's HTTP API as a proxy sees it, with answers that a test changes; blocks by index and by hash."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator

from aiohttp import web

from lictor_connect_proxy.feed.agent import AgentAddress
from lictor_connect_proxy.snapshot import Leaf, TrustRoots
from tests.support.ports import free_port
from tests.support.serving import serving

CHAINS = "/v1/discovery-chain/"
MATCH = "/v1/connect/intentions/match"
LIST = "/v1/connect/intentions"


def plain_chain(service: str) -> dict[str, object]:
    """The chain of a service of which no entry speaks."""
    place = f"{service}.default.dc1"
    resolver = {"ConnectTimeout": "5s", "Default": True, "Target": place}
    return {
        "ServiceName": service,
        "Namespace": "default",
        "Datacenter": "dc1",
        "Protocol": "tcp",
        "StartNode": f"resolver:{place}",
        "Nodes": {f"resolver:{place}": {"Type": "resolver", "Name": place, "Resolver": resolver}},
        "Targets": {place: target(service)},
    }


def target(
    service: str, datacenter: str = "dc1", *, subset: str = "", chosen: object = None, gateway: str = ""
) -> dict[str, object]:
    """A target of a chain."""
    place = f"{service}.default.{datacenter}"
    id = f"{subset}.{place}" if subset else place
    return {
        "ID": id,
        "Service": service,
        "ServiceSubset": subset,
        "Namespace": "default",
        "Datacenter": datacenter,
        "MeshGateway": {"Mode": gateway} if gateway else {},
        "Subset": chosen or {},
        "SNI": f"{id}.internal.x.consul",
        "Name": f"{id}.internal.x.consul",
    }


class AgentDouble:
    """Answers by path. `indexes_match`: whether the match answer tells its index, which Consul 1.8's does not.

    With `knows_chains` each service has the plain chain until another one is set.
    """

    def __init__(self, *, indexes_match: bool = True, knows_chains: bool = True, port: int = 0) -> None:
        self.port = port or free_port()
        self.demanded: list[tuple[str, object]] = []
        self._knows_chains = knows_chains
        self.asked: list[str] = []
        self.tokens: set[str] = set()
        self.written: list[tuple[str, object]] = []
        self._indexes_match = indexes_match
        self._index = 10
        self._answers: dict[str, tuple[int, int, bytes]] = {}
        self._changed = asyncio.Event()

    @property
    def address(self) -> AgentAddress:
        return AgentAddress(http_addr=f"127.0.0.1:{self.port}", token="secret")

    def set(self, path: str, value: object, *, status: int = 200) -> None:
        """Change an answer; what blocks on it wakes. Bytes are sent as they are."""
        self._index += 1
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self._answers[path] = (self._index, status, body)
        if path == MATCH:
            self._answers[LIST] = (self._index, 200, b"[]")
        self._changed.set()
        self._changed = asyncio.Event()

    def set_identity(self, service: str, leaf: Leaf, roots: TrustRoots, *, default_policy: str = "allow") -> None:
        """Everything that a proxy of `service` needs first, with no intentions."""
        self.set_leaf(service, leaf)
        self.set(
            "/v1/agent/connect/ca/roots",
            {"TrustDomain": roots.trust_domain, "Roots": [{"RootCert": pem} for pem in roots.pems]},
        )
        self.set("/v1/agent/self", {"DebugConfig": {"ACLsEnabled": True, "ACLDefaultPolicy": default_policy}})
        self.set_intentions(service)

    def set_leaf(self, service: str, leaf: Leaf) -> None:
        self.set(
            f"/v1/agent/connect/ca/leaf/{service}",
            {
                "SerialNumber": leaf.serial,
                "CertPEM": leaf.certificate_pem,
                "PrivateKeyPEM": leaf.private_key_pem,
                "ServiceURI": leaf.uri,
                "ValidBefore": leaf.valid_before,
            },
        )

    def set_intentions(self, service: str, **actions: str) -> None:
        """The intentions towards `service`, by source."""
        found = [
            {"SourceName": source, "DestinationName": service, "Action": action} for source, action in actions.items()
        ]
        self.set(MATCH, {service: found or None})

    def set_rules_on_requests(self, service: str, source: str, **actions: str) -> None:
        """As `set_intentions`, and one from `source` that looks at requests."""
        found: list[dict[str, object]] = [
            {"SourceName": name, "DestinationName": service, "Action": action} for name, action in actions.items()
        ]
        permission = {"Action": "allow", "HTTP": {"PathPrefix": "/open"}}
        looking = {"SourceName": source, "DestinationName": service, "Action": "deny", "Permissions": [permission]}
        self.set(MATCH, {service: [looking, *found]})

    def set_chain(self, service: str, chain: dict[str, object]) -> None:
        self.set(CHAINS + service, {"Chain": chain})

    def set_instances(self, service: str, *ports: int) -> None:
        self.set(
            f"/v1/health/connect/{service}",
            [
                {
                    "Node": {"Node": "n", "Address": "127.0.0.1"},
                    "Service": {"ID": f"{service}-{port}", "Address": "", "Port": port},
                    "Checks": [{"Status": "passing"}],
                }
                for port in ports
            ],
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[AgentDouble]:
        application = web.Application()
        application.router.add_get("/{path:.*}", self._get)
        application.router.add_post("/{path:.*}", self._post)
        application.router.add_put("/{path:.*}", self._put)
        async with serving(application, self.port, handler_cancellation=True):
            yield self

    async def _post(self, request: web.Request) -> web.Response:
        self.demanded.append((request.path_qs, json.loads(await request.read())))
        if self._knows_chains and request.path.startswith(CHAINS):
            chain = {"Chain": plain_chain(request.path.removeprefix(CHAINS))}
            self._answers.setdefault(request.path, (1, 200, json.dumps(chain).encode()))
        return await self._get(request)

    async def _get(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        self.tokens.add(request.headers.get("X-Consul-Token", ""))
        asked_for = int(request.query.get("index") or "0")
        hashed = request.query.get("hash", "")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(float(request.query.get("wait", "0s")[:-1])):
                while self._is_current(request.path, asked_for, hashed):
                    await self._changed.wait()
        index, status, body = self._answers.get(request.path, (1, 404, b"unknown"))
        headers = {"X-Consul-ContentHash": str(index)}
        if request.path not in (MATCH, "/v1/agent/self") or (self._indexes_match and request.path == MATCH):
            headers["X-Consul-Index"] = str(index)
        return web.Response(status=status, body=body, headers=headers, content_type="application/json")

    def _is_current(self, path: str, asked_for: int, hashed: str) -> bool:
        index = self._answers.get(path, (1, 404, b""))[0]
        return (asked_for > 0 and index <= asked_for) or (hashed != "" and hashed == str(index))

    async def _put(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.written.append((request.path, json.loads(body) if body else None))
        return web.Response()
