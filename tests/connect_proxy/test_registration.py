import asyncio
import contextlib

from lictor_connect_proxy.feed.agent import AgentClient
from lictor_connect_proxy.registration import SelfRegistration, definition
from lictor_connect_proxy.snapshot import PublicListener
from tests.connect_proxy.feed.agent_double import AgentDouble
from tests.connect_proxy.live import Events
from tests.support.conditions import eventually

LISTENER = PublicListener(bind_address="0.0.0.0", bind_port=8443, application_host="127.0.0.1", application_port=80)


def test_the_registration_has_the_names_of_consuls_own_proxy() -> None:
    body = definition("web", "", LISTENER)
    assert (body["ID"], body["Name"], body["Kind"], body["Port"]) == ("web-proxy", "web-proxy", "connect-proxy", 8443)
    assert body["Proxy"] == {"DestinationServiceName": "web"}
    assert definition("web", "blue", LISTENER)["ID"] == "web-proxy-blue"


async def test_it_registers_keeps_the_check_passing_and_takes_itself_away() -> None:
    events = Events()
    async with AgentDouble().running() as agent, AgentClient(agent.address) as client:
        running = asyncio.ensure_future(SelfRegistration(client, "web", "", LISTENER, events.log).run())
        await eventually(lambda: len(agent.written) == 2, what="registered and passing")
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        assert [path for path, _ in agent.written] == [
            "/v1/agent/service/register",
            "/v1/agent/check/pass/web-proxy-ttl",
            "/v1/agent/service/deregister/web-proxy",
        ]
    assert events.names() == ["proxy.service.registered", "proxy.service.deregistered"]


async def test_an_agent_that_is_away_is_asked_again() -> None:
    events = Events()
    agent = AgentDouble()
    async with AgentClient(agent.address) as client:
        running = asyncio.ensure_future(SelfRegistration(client, "web", "", LISTENER, events.log).run())
        await eventually(lambda: bool(events.named("proxy.registration.failed")), what="the failure is told")
        async with agent.running():
            await eventually(lambda: len(agent.written) == 2, what="registered in the end")
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    assert len(events.named("proxy.registration.left")) == 1
