"""The process: builds every room's part, wires them together, runs until told to end, and ends in order."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Generator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from structlog.typing import FilteringBoundLogger

from lictor_agent import assembly
from lictor_agent.agent import Agent
from lictor_agent.aging import CertificateAges
from lictor_agent.backing import Backing, RemoteServers
from lictor_agent.banner import Listening, banner
from lictor_agent.data_directory import tell_if_exposed
from lictor_agent.ending import Ending
from lictor_agent.following import follow
from lictor_agent.grpc_port import GrpcPort
from lictor_agent.http.server import HttpServer
from lictor_agent.keyring import kept_keyring
from lictor_agent.log import LogOutput
from lictor_agent.log_files import log_sinks
from lictor_agent.node_id import node_id
from lictor_agent.process_gauges import watching_pauses
from lictor_agent.telemetry.telling import telling
from lictor_agent.watches.runner import watching
from lictor_config.load import load_configuration
from lictor_config.tree import Configuration
from lictor_core import collector
from lictor_core.addresses import join_host_port
from lictor_core.clock import Clock, Rng, SeededRng, SystemClock, SystemRng
from lictor_core.errors import ConfigurationError, LictorError
from lictor_core.event_loop import new_event_loop
from lictor_core.metrics import Meter
from lictor_dns import DnsServer
from lictor_server import Keyed

if TYPE_CHECKING:
    from lictor_connect_proxy.xds.server_grpclib import XdsServer

__all__ = ["run"]


def run(configuration: Configuration) -> int:
    """Run an agent in this thread until a signal ends it; its exit code. Prints why it could not start.

    The caller may have switched the garbage collector off for the start; it is on once the agent runs.
    """
    try:
        clock, log = SystemClock(), configuration.log
        output = LogOutput(log.level, as_json=log.json, node=configuration.node_name)
        with (
            log_sinks(log, output, clock),
            _pid_file(configuration.pid_file),
            asyncio.Runner(loop_factory=new_event_loop) as runner,
        ):
            return runner.run(_serve(configuration, clock, SystemRng(), output))
    except LictorError as error:
        print(f"==> the agent cannot start: {error}", file=sys.stderr)
        return 1
    except ExceptionGroup as group:
        ours, others = group.split(LictorError)
        if ours is None or others is not None:
            raise  # a mistake of ours: its place in the code is what helps
        print(f"==> the agent cannot go on: {_first(ours)}", file=sys.stderr)
        return 1


def _first(group: BaseExceptionGroup[LictorError]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


async def _serve(configuration: Configuration, clock: Clock, rng: Rng, output: LogOutput) -> int:
    log = output.logger
    own_id = node_id(configuration.node_id, "" if configuration.dev else configuration.data_dir, rng)
    tell_if_exposed("" if configuration.dev else configuration.data_dir, log.bind(room="agent"))
    identity = assembly.identity(configuration, own_id)
    meter = Meter(clock)
    keyring = kept_keyring(configuration.encrypt, "" if configuration.dev else configuration.data_dir, log)
    backing = _backing(configuration, own_id, clock, rng, log, meter, assembly.keyed(configuration, keyring, rng))
    agent = Agent(
        identity=identity,
        registry=backing.registry,
        configuration=configuration,
        settings=assembly.agent_settings(configuration, os.environ),
        clock=clock,
        rng=rng,
        log=log.bind(room="agent"),
        load=lambda: load_configuration(configuration.origin),
        kept=backing.kept,
        keyring=keyring,
    )
    backing.at_connection(agent.reconnected)
    if agent.gate.is_on:
        slots = agent.gate.slots
        backing.use_tokens(slots.default, slots.for_node)
        slots.on_change(lambda: backing.use_tokens(slots.default, slots.for_node))
    dns = _dns(configuration, backing, clock, rng, log)
    http = HttpServer(
        agent,
        assembly.http_addresses(configuration),
        clock,
        rng,
        log,
        assembly.http_settings(configuration),
        source=backing.source,
        confirm=backing.confirm,
        output=output,
        meter=meter,
        dns=dns,
    )
    backing.at_connection(http.forget_confirmed)
    dns.tell_figures(meter, identity.node_name)
    grpc = _grpc(agent, http, configuration, clock, rng, log.bind(room="agent"))
    agent.xds = grpc.offer
    ages = CertificateAges(clock, log.bind(room="agent"))
    agent.certificate_left_s = ages.least_left_s
    follow(agent, backing=backing, http=http, dns=dns, output=output, grpc=grpc, ages=ages)
    ending = Ending(agent, log.bind(room="agent"))
    async with AsyncExitStack() as parts:
        parts.enter_context(ending.watching())
        parts.enter_context(watching_pauses())
        await backing.start()
        parts.push_async_callback(backing.stop)
        await dns.start()
        parts.push_async_callback(dns.close)
        await grpc.start()
        parts.push_async_callback(grpc.close)
        await http.start()  # last: whoever waits for the agent asks here
        parts.push_async_callback(http.stop)
        async with (
            agent.running(),
            watching(agent, http.inner.get, rng, log.bind(room="agent")),
            _remote_exec(agent, rng, log.bind(room="agent")),
            telling(agent, http, clock, log.bind(room="agent")),
            ages.telling(),
        ):
            listening = Listening(
                http=[str(address) for address in http.listen_addresses if not address.is_secure],
                https=[str(address) for address in http.listen_addresses if address.is_secure],
                dns=dns.bound,
                grpc=[join_host_port(*address) for address in grpc.bound],
                server=backing.describe(),
            )
            data_dir = "" if configuration.dev else configuration.data_dir
            default_policy = configuration.acl.default_policy if configuration.acl.enabled else ""
            _show(banner(identity, listening, data_dir=data_dir, default_policy=default_policy))
            for warning in configuration.warnings:
                log.warning("agent.configuration.noticed", warning=warning)
            collector.settle()
            code = await ending.wait(backing.failed)
            if agent.left.is_set() and not configuration.rejoin_after_leave:
                backing.forget()
        await backing.stop()  # before HTTP stops: its blocked queries end now, and it has nothing to wait for
    return code


def _remote_exec(agent: Agent, rng: Rng, log: FilteringBoundLogger) -> AbstractAsyncContextManager[None]:
    if agent.configuration.disable_remote_exec:
        return nullcontext()
    from lictor_agent.remote_exec.runner import executing  # few agents take commands from others

    return executing(agent, rng, log)


def _backing(
    configuration: Configuration,
    own_id: str,
    clock: Clock,
    rng: Rng,
    log: FilteringBoundLogger,
    meter: Meter,
    keyed: Keyed,
) -> Backing:
    if configuration.server:
        # Imported here: who is no server does without it, in memory and in time to start.
        from lictor_agent.embedded import EmbeddedServer

        return EmbeddedServer(configuration, own_id, clock=clock, rng=rng, log=log, meter=meter, keyed=keyed)
    return RemoteServers(
        configuration, own_id, clock=clock, rng=rng, log=log.bind(room="agent"), meter=meter, keyed=keyed
    )


def _dns(
    configuration: Configuration, backing: Backing, clock: Clock, rng: Rng, log: FilteringBoundLogger
) -> DnsServer:
    quick = SeededRng(rng.bits(64))  # spreading answers needs no secrets, and must not cost a system call each
    return DnsServer(
        backing.view,
        assembly.dns_settings(configuration),
        assembly.dns_addresses(configuration),
        clock,
        quick,
        log.bind(room="dns"),
        ids=rng,
    )


def _grpc(
    agent: Agent, http: HttpServer, configuration: Configuration, clock: Clock, rng: Rng, log: FilteringBoundLogger
) -> GrpcPort:
    def make_server() -> XdsServer:
        from lictor_agent.mesh.envoys import Envoys  # few agents have an Envoy
        from lictor_connect_proxy.xds.builders import build
        from lictor_connect_proxy.xds.server_grpclib import XdsServer

        return XdsServer(Envoys(agent, http.inner.ask, clock, rng, log), build, clock, log, http.meter)

    return GrpcPort(
        assembly.grpc_addresses(configuration),
        log,
        make_server=make_server,
        data_dir="" if configuration.dev else configuration.data_dir,
        tls=assembly.grpc_tls(configuration),
    )


def _show(text: str) -> None:
    """Print for whoever watches. That nobody does, or that the disk is full, must not end an agent."""
    with suppress(OSError):
        print(text, flush=True)


@contextmanager
def _pid_file(path: str) -> Generator[None]:
    """Keep this process's id in a file while the block runs. Raises `ConfigurationError` when it cannot be written."""
    if not path:
        yield
        return
    try:
        Path(path).write_text(str(os.getpid()), encoding="ascii")
    except OSError as error:
        raise ConfigurationError(f"cannot write the process id to {path}: {error.strerror}; check -pid-file") from error
    try:
        yield
    finally:
        Path(path).unlink(missing_ok=True)
