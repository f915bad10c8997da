"""The process: builds every room's part, wires them together, runs until told to end, and ends in order."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path

import uvloop
from structlog.typing import FilteringBoundLogger

from lictor_agent import assembly
from lictor_agent.agent import Agent
from lictor_agent.banner import Listening, banner
from lictor_agent.ending import Ending
from lictor_agent.grpc_port import GrpcPort
from lictor_agent.http.server import HttpServer
from lictor_agent.identity import Identity
from lictor_agent.log import make_log
from lictor_agent.node_id import node_id
from lictor_config.load import load_configuration
from lictor_config.tree import Configuration
from lictor_core import collector
from lictor_core.addresses import join_host_port
from lictor_core.clock import Clock, Rng, SeededRng, SystemClock, SystemRng
from lictor_core.errors import ConfigurationError, LictorError
from lictor_dns import DnsServer
from lictor_server import Server

__all__ = ["run"]


def run(configuration: Configuration) -> int:
    """Run an agent in this thread until a signal ends it; its exit code. Prints why it could not start.

    The caller may have switched the garbage collector off for the start; it is on once the agent runs.
    """
    try:
        log = make_log(configuration.log.level, as_json=configuration.log.json, node=configuration.node_name)
        with _pid_file(configuration.pid_file), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(configuration, SystemClock(), SystemRng(), log))
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


async def _serve(configuration: Configuration, clock: Clock, rng: Rng, log: FilteringBoundLogger) -> int:
    assembly.check_supported(configuration)
    own_id = node_id(configuration.node_id, "" if configuration.dev else configuration.data_dir, rng)
    identity = assembly.identity(configuration, own_id)
    settings = assembly.server_settings(configuration, own_id)
    server = Server(settings, clock=clock, rng=rng, log=log)
    agent = Agent(
        identity=identity,
        registry=server,
        configuration=configuration,
        settings=assembly.agent_settings(configuration),
        clock=clock,
        rng=rng,
        log=log.bind(room="agent"),
        load=lambda: load_configuration(configuration.origin),
    )
    http = HttpServer(
        agent,
        assembly.http_addresses(configuration),
        clock,
        rng,
        log,
        assembly.http_settings(configuration),
        source=server,
    )
    quick = SeededRng(rng.bits(64))  # spreading answers needs no secrets, and must not cost a system call each
    dns_log = log.bind(room="dns")
    dns = DnsServer(
        server.view(),
        assembly.dns_settings(configuration),
        assembly.dns_addresses(configuration),
        clock,
        quick,
        dns_log,
    )
    grpc = GrpcPort(assembly.grpc_addresses(configuration), log.bind(room="agent"))
    ending = Ending(agent, log.bind(room="agent"))
    async with AsyncExitStack() as parts:
        parts.enter_context(ending.watching())
        await _start_server(server, identity)
        parts.push_async_callback(server.stop)
        for start, stop in ((http.start, http.stop), (dns.start, dns.close)):
            await start()
            parts.push_async_callback(stop)
        await grpc.start()
        parts.callback(grpc.close)
        async with agent.running():
            listening = Listening(
                http=[str(address) for address in assembly.http_addresses(configuration)],
                dns=dns.bound,
                grpc=[join_host_port(*address) for address in grpc.bound],
                server=join_host_port(identity.bind_address, server.server_port),
            )
            _show(banner(identity, listening, data_dir=settings.data_dir))
            for warning in configuration.warnings:
                log.warning("agent.configuration.noticed", warning=warning)
            collector.settle()
            code = await ending.wait(server.failed)
        await server.stop()  # before HTTP stops: its blocked queries end now, and it has nothing to wait for
    return code


def _show(text: str) -> None:
    """Print for whoever watches. That nobody does, or that the disk is full, must not end an agent."""
    with suppress(OSError):
        print(text, flush=True)


async def _start_server(server: Server, identity: Identity) -> None:
    try:
        await server.start()
    except OSError as error:
        address = join_host_port(identity.bind_address, identity.server_port)
        raise ConfigurationError(f"cannot listen for servers on {address}: {_bind_reason(error)}") from error


def _bind_reason(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "it is in use by another program; stop that one, or choose another with -server-port"
        case errno.EADDRNOTAVAIL:
            return "this machine does not have that address; choose one of its own with -bind"
        case _:
            return f"{error.strerror or error}; choose another with -bind and -server-port"


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
