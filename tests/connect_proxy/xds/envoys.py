"""What the tests of sessions and of the server share: knowledge that is told by hand, and a client that is no Envoy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec
from grpclib.client import Channel, StreamStreamMethod
from grpclib.client import Stream as ClientStream

from lictor_connect_proxy.snapshot import Endpoint, Leaf, Policy, ProxySnapshot, PublicListener, TrustRoots, UpstreamKey
from lictor_connect_proxy.xds.descriptors import Message, encoded, message_class, shown
from lictor_connect_proxy.xds.kinds import CLUSTER, LISTENER, SECRET, Resources
from lictor_connect_proxy.xds.wire import REQUEST, RESPONSE
from lictor_core.errors import LictorError
from lictor_core.proxy_status import ProxyReport
from lictor_core.records import JsonObject
from tests.support.conditions import eventually

__all__ = ["FULL", "Client", "Told", "build", "policy_of"]

FULL = ProxySnapshot(
    service="db",
    leaf=Leaf(certificate_pem="c", private_key_pem="k", uri="u", serial="s", valid_before="2030-01-01T00:00:00Z"),
    roots=TrustRoots(trust_domain="t", pems=("p",)),
    policy=Policy(rules=(), index=7),
    default_allow=False,
    public=PublicListener(bind_address="127.0.0.1", bind_port=1, application_host="127.0.0.1", application_port=2),
    endpoints={UpstreamKey("web"): (Endpoint("127.0.0.1", 3, "web"),)},
)


def policy_of(index: int) -> ProxySnapshot:
    """`FULL` with a policy of this index."""
    return msgspec.structs.replace(FULL, policy=Policy(rules=(), index=index))


def build(snapshot: ProxySnapshot) -> Resources:
    """Simple resources that tell the index of the policy; a service `broken` gives one that is none."""
    index = snapshot.policy.index if snapshot.policy else 0
    cluster: JsonObject = {"name": "local_app"}
    if snapshot.service == "broken":
        cluster["naem"] = "x"
    secret: JsonObject = {"name": "intentions:db", "generic_secret": {"secret": {"inline_string": f"policy {index}"}}}
    return {
        CLUSTER: {"local_app": cluster},
        LISTENER: {"public_listener": {"name": "public_listener"}},
        SECRET: {"intentions:db": secret},
    }


class Told:
    """Knowledge that is told by the test: `say` publishes to all who follow."""

    def __init__(self, snapshot: ProxySnapshot | None = None, refusal: LictorError | None = None) -> None:
        self.snapshot = snapshot
        self.refusal = refusal
        self.reports: list[ProxyReport] = []
        self.forgotten: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.is_gone = asyncio.Event()
        self._publish: list[Callable[[ProxySnapshot], None]] = []

    async def follow(self, proxy_id: str, token: str, publish: Callable[[ProxySnapshot], None]) -> None:
        self.asked.append((proxy_id, token))
        if self.refusal is not None:
            raise self.refusal
        self._publish.append(publish)
        if self.snapshot is not None:
            publish(self.snapshot)
        await self.is_gone.wait()

    def report(self, proxy_id: str, report: ProxyReport) -> None:
        self.reports.append(report)

    def forget(self, proxy_id: str) -> None:
        self.forgotten.append(proxy_id)

    def say(self, snapshot: ProxySnapshot) -> None:
        self.snapshot = snapshot
        for publish in self._publish:
            publish(snapshot)

    async def reported(self, index: int) -> ProxyReport:
        """The first report of a policy of this index or later."""
        await eventually(
            lambda: any(one.policy_index >= index for one in self.reports), what=f"a report of policy {index}"
        )
        return next(one for one in self.reports if one.policy_index >= index)


class Client:
    """One stream of a client that says what the test says."""

    def __init__(self, stream: ClientStream[Message, Message]) -> None:
        self._stream = stream

    @staticmethod
    def method(channel: Channel, name: str = "DeltaAggregatedResources") -> StreamStreamMethod[Message, Message]:
        """The method of discovery."""
        path = f"/envoy.service.discovery.v3.AggregatedDiscoveryService/{name}"
        return StreamStreamMethod(channel, path, message_class(REQUEST), message_class(RESPONSE))

    async def ask(self, kind: str, *names: str, node: str = "", versions: Mapping[str, str] | None = None) -> None:
        """Subscribe."""
        fields: JsonObject = {
            "type_url": kind,
            "resource_names_subscribe": list(names),
            "initial_resource_versions": dict(versions or {}),
        }
        if node:
            fields["node"] = {"id": node}
        await self._send(fields)

    async def answer(self, response: JsonObject, error: str = "") -> None:
        """Take a response, or reject it."""
        fields: JsonObject = {"type_url": response["type_url"], "response_nonce": response["nonce"]}
        if error:
            fields["error_detail"] = {"message": error}
        await self._send(fields)

    async def next(self) -> JsonObject | None:
        """The next response in JSON form; None at the end."""
        message = await asyncio.wait_for(self._stream.recv_message(), 20)
        return None if message is None else shown(RESPONSE, message.SerializeToString())

    async def _send(self, fields: JsonObject) -> None:
        await self._stream.send_message(message_class(REQUEST).FromString(encoded(REQUEST, fields)))
