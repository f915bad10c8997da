"""The HTTP API as a server: listeners, bounds, one path that every request takes, one log event for each refusal.

A request goes: connection (bounded) -> hot path or parser -> route -> endpoint -> answer -> bytes. Nothing a client
sends ends anything but its own connection. Source of the statuses: Consul 1.8.7.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from structlog.typing import FilteringBoundLogger

from lictor_agent.http.access import Access
from lictor_agent.http.confirming import Confirm
from lictor_agent.http.deferred import Deferred
from lictor_agent.http.dispatch import Dispatch, Found
from lictor_agent.http.encoding import Answer, AnswerCache, Rendered, accepts_gzip, pack_aside, render
from lictor_agent.http.errors import RETRY_AFTER_S, Refusal, answer_error
from lictor_agent.http.gauges import all_gauges
from lictor_agent.http.hot import HotConnection, PlainPath
from lictor_agent.http.hot_answers import HotAnswers, HotSource, Tick
from lictor_agent.http.inner import Inner
from lictor_agent.http.listening import ListenAddress, Listener, listen
from lictor_agent.http.namespaces import refuse_namespace
from lictor_agent.http.origins import Origins
from lictor_agent.http.plain import Plain
from lictor_agent.http.request_figures import RequestFigures
from lictor_agent.http.requests import Parameters, Paused, Request, split_target, token_of
from lictor_agent.http.roster import Roster
from lictor_agent.http.router import Router
from lictor_agent.http.routes import ROUTES
from lictor_agent.http.settings import HttpSettings, HttpsSettings
from lictor_agent.http.site import Site
from lictor_agent.http.talkers import Talkers
from lictor_agent.http.throttle import Throttle
from lictor_agent.log import LogOutput
from lictor_agent.log_listeners import LogListeners
from lictor_agent.process_gauges import process_gauges
from lictor_core.clock import Clock, Rng
from lictor_core.errors import LictorError, RateLimitedError, RequestError
from lictor_core.metrics import Gauge, Meter
from lictor_core.queries import Query

if TYPE_CHECKING:
    from lictor_agent.agent import Agent
    from lictor_agent.http.general import General
    from lictor_agent.http.https import SecureDoor
    from lictor_agent.http.wire import Asked
    from lictor_dns import DnsServer

__all__ = ["HttpServer"]

_ALLOW_ORIGIN: Final = "access-control-allow-origin"
_TICK_S: Final = 1.0
_REASON_CHARS_MAX: Final = 1000
"""What the log tells of why a request was refused; who asked is told all of it."""
_RESUMED: Final = b"resumed "
"""Before the head of a request that had waited: what it is answered is good for all that waited for the same."""
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110, section 5.6.2
_REQUEST_LINE: Final = re.compile(rf"({_TOKEN}) (/\S*) HTTP/1\.[01]\r\n".encode())
_TEXT: Final = ("Content-Type", "text/plain; charset=utf-8")
_BROKEN: Final = Answer(status=400, headers=(_TEXT,), body=b"400 Bad Request", is_endpoint=False, closes=True)


class HttpServer:
    """The HTTP API of one agent. `start` listens, `stop` ends everything within the settings' `drain_s_max`.

    `source` tells whether kept answers still hold, or `confirm` asks; without either every request is answered anew.
    """

    def __init__(
        self,
        agent: Agent,
        addresses: Sequence[ListenAddress],
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
        settings: HttpSettings,
        *,
        source: HotSource | None = None,
        confirm: Confirm | None = None,
        output: LogOutput | None = None,
        meter: Meter | None = None,
        dns: DnsServer | None = None,
    ) -> None:
        self.listen_addresses = tuple(addresses)
        """Where it was told to listen."""
        self._clock = clock
        self._source = source
        self._log: FilteringBoundLogger = log.bind(room="http")
        self._settings = settings
        self.meter = Meter(clock) if meter is None else meter
        """Figures about this process."""
        self._figures = RequestFigures(self.meter, clock, agent.identity.node_name)
        self.meter.watch(process_gauges)
        self.meter.watch(self._gauges)
        self._answered_hot = 0
        self.listeners = None if output is None else LogListeners(output)
        """Who listens to the log."""
        pause = None if source is None else source.pause
        self.talkers = Talkers(clock)
        """Who asks most."""
        self._site = Site(
            agent, settings, AnswerCache(settings), clock, rng, self.meter, self.listeners, pause, dns, self.talkers
        )
        self._router = Router(ROUTES)
        access = Access(settings.blocked_endpoints, settings.write_networks)
        self._origins = Origins(
            allowed=[value for name, value in settings.response_headers if name.lower() == _ALLOW_ORIGIN],
            takes_writes=settings.takes_cross_site_writes,
            hosts=settings.allowed_hosts,
        )
        self._dispatch = Dispatch(self._router, access, takes_unprintable=settings.takes_unprintable)
        self.inner = Inner(self._site, self._router)
        """The same API without a socket."""
        self.throttle = Throttle(settings.rates, clock, self.meter, self._log)
        """Who may ask how often."""
        self._tick = Tick(clock.monotonic(), _date(clock))
        self._hot = HotAnswers(source, self._tick, settings, self._kept_stamp, confirm)
        agent.gate.slots.on_change(self._hot.forget)  # requests without a token are answered by another one
        self._plain = PlainPath(self._answer_plain)
        self._roster = Roster(settings, self._log, self.talkers)
        self._listeners: list[Listener] = []
        self._door: SecureDoor | None = None
        self._general: General | None = None
        self._is_started = False
        self._ticking: asyncio.TimerHandle | None = None

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where TCP is listened for, with the ports that were taken."""
        sockets = [one for listener in self._listeners for one in listener.sockets]
        return [one.getsockname()[:2] for one in sockets if one.family is not socket.AF_UNIX]

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._roster)

    async def start(self) -> None:
        """Listen on all addresses. Raises `ConfigurationError` when one of them, or a file for TLS, cannot be had."""
        self._is_started = True
        if self._source is not None:
            self._load_general()  # a server's loop must not stand still for it later
        if any(one.is_secure for one in self.listen_addresses):
            from lictor_agent.http.https import SecureDoor, tls_context

            https = self._settings.https
            self._door = SecureDoor(tls_context(https), https.handshake_s_max, self._roster, self._log)
        self._listeners = await listen(self.listen_addresses, self._connect, self._door)
        self._tick_on()

    async def gauges(self) -> list[Gauge]:
        """Everything about this agent that is a state, by name."""
        return await all_gauges(self._site)

    def follow(self, settings: HttpSettings) -> None:
        """Use another bound on connections from now on."""
        self._roster.connections_per_client_max = settings.connections_per_client_max
        if settings.rates != self.throttle.rates:
            self.throttle.follow(settings.rates)

    def renewal(self, settings: HttpsSettings) -> Callable[[], None]:
        """Read the files for TLS; what is returned has connections to come use them, where HTTPS is listened for.

        Raises `ConfigurationError` for files that cannot be used.
        """
        read = None
        if self._door is not None:
            from lictor_agent.http.https import tls_context

            read = tls_context(settings)

        def use() -> None:
            self._settings = replace(self._settings, https=settings)
            if self._door is not None and read is not None:
                self._door.context = read

        return use

    def _kept_stamp(self, query: Query[object], token: str) -> int | None:
        gate = self._site.agent.gate
        if gate.is_on and gate.at_once(token) is None:
            return None  # it has to be asked for anew whether the token still is one
        return self._site.agent.kept.stamp(query, token)

    def forget_confirmed(self) -> None:
        """Other servers answer from now on: those before cannot confirm any more what they answered."""
        self._hot.forget_confirmed()

    async def stop(self) -> None:
        """Stop listening, let what is being answered finish for a moment, then close all connections."""
        if self._ticking is not None:
            self._ticking.cancel()
        for listener in self._listeners:
            listener.close()
        self._roster.close_idle()
        if self._is_started:
            self._is_started = False
            # First: aiohttp takes a connection on which it has nothing to do for idle, and closes it.
            await self._end_plain()
            general, self._general = self._general, None
            if general is not None:
                await general.shutdown(self._settings.drain_s_max)
            self._roster.close_all()
        self._listeners.clear()

    async def _end_plain(self) -> None:
        drained = self._clock.monotonic() + self._settings.drain_s_max
        if asking := self._hot.under_way:
            await asyncio.wait(asking, timeout=self._settings.drain_s_max)
        tasks = self._roster.tasks()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=max(drained - self._clock.monotonic(), 0.0))
            for task in late:
                task.cancel()

    def _tick_on(self) -> None:
        self._tick.now = self._clock.monotonic()
        self._tick.date = _date(self._clock)
        self._roster.close_overdue()
        self.talkers.turn()
        self.meter.turn()
        self._ticking = asyncio.get_running_loop().call_later(_TICK_S, self._tick_on)

    # Connections.

    def _connect(self) -> HotConnection:
        assert self._is_started, "only a started server takes connections"
        deferred = Deferred(lambda: self._load_general().parser(connection))
        connection = HotConnection(self._hot, deferred, self._tick, self, self._plain)
        return connection

    def _load_general(self) -> General:
        """The general parser, imported when it is first needed: it is a quarter of an agent's memory."""
        if self._general is None:
            from lictor_agent.http.general import General

            self._general = General(self._settings, self._respond, self._answer_broken, self._tick)
        return self._general

    def admit(self, connection: HotConnection) -> bytes | None:
        """What a connection that cannot be taken is told before it is closed; None when it is taken."""
        if connection.is_secured:  # refused before it was, if at all
            self._roster.settle(connection)
            return None
        refusal = self._roster.refusal(connection.client)
        if refusal is None:
            self._roster.add(connection, connection.client)
            return None
        self._roster.note_refused(connection.client, refusal)
        answer = Answer(
            status=429, headers=(_TEXT, ("Retry-After", str(RETRY_AFTER_S))), body=refusal.encode(), is_endpoint=False
        )
        return render(answer, method="GET", packed=False, keeps_alive=False).at(self._tick.date)

    def limited(self, connection: HotConnection) -> bytes | None:
        """Counts a request that is about to be answered hot; what it is told instead when it is one too many."""
        try:
            self.throttle.check(connection.client, "")
        except RateLimitedError as error:
            refused = self._with_own_headers(answer_error(error))
            return render(refused, method="GET", packed=False, keeps_alive=True).at(self._tick.date)
        return None

    def release(self, connection: HotConnection) -> None:
        """A connection is closed."""
        self._roster.drop(connection, connection.client)
        self._answered_hot += connection.answered_hot
        connection.tell_hot(self.talkers)
        if connection.answered_hot:
            self._log.debug("http.connection.closed", client=connection.client, answered_hot=connection.answered_hot)

    def _gauges(self) -> Iterator[Gauge]:
        yield Gauge("http.connections", len(self._roster))
        yield Gauge("http.answered_hot", self._answered_hot + self._roster.answered_hot)

    # Requests.

    async def _answer_plain(self, connection: HotConnection, plain: Plain) -> None:
        try:
            began = self._clock.monotonic()
            pause, answered = None, None
            try:
                answered = await self._respond(plain, connection, may_pause=plain.method == "GET")
            except Paused as paused:
                pause = paused.pause
            if pause is not None:
                # All that was read of the request is let go meanwhile: tens of thousands may wait.
                await pause.over()
                wire = None if connection.head is None else self._hot.find(_RESUMED + connection.head)
                if wire is not None:
                    await connection.send(wire, keeps_alive=True)
                    return
            if answered is None:
                answered = await self._respond(plain, connection, resumed_from=began)
            rendered, keeps_alive, answer = answered
            assert answer.file is None, "what is answered with a file is not plain"
            assert answer.stream is None, "nor what is answered with a stream"
            await connection.send(rendered.at(self._tick.date), keeps_alive=keeps_alive)
        except Exception:
            # As aiohttp does it: who asked loses the connection, nobody else anything.
            self._log.exception("http.answer.failed", method=plain.method, client=connection.client)
            connection.abort()

    async def _respond(
        self, asked: Asked, connection: HotConnection, *, may_pause: bool = False, resumed_from: float | None = None
    ) -> tuple[Rendered, bool, Answer]:
        """The answer's bytes, whether the connection takes another request, and the answer itself.

        With `may_pause` it raises `Paused` for what has to wait; after that it is asked again, with when that began.
        """
        began = self._clock.monotonic() if resumed_from is None else resumed_from
        answer = await self._answer(asked, connection, began, may_pause, resumed_from is not None)
        answer = self._with_own_headers(answer)
        keeps_alive = asked.keep_alive and not answer.closes
        if answer.stream is not None and asked.is_http_1_0:
            keeps_alive = False  # its end is that of the connection: HTTP/1.0 has no chunks
        packed = accepts_gzip(asked.headers.get("Accept-Encoding", ""))
        if packed:
            answer = await pack_aside(answer)
        rendered = render(
            answer,
            method=asked.method,
            packed=packed,
            keeps_alive=keeps_alive,
            is_http_1_0=asked.is_http_1_0,
        )
        if answer.reuse is not None and connection.head is not None and keeps_alive and not asked.is_http_1_0:
            head = connection.head if resumed_from is None else _RESUMED + connection.head
            self._hot.keep(head, answer.reuse, rendered)
        if self._log.is_enabled_for(logging.DEBUG):
            self._log.debug(
                "http.request.answered",
                method=asked.method,
                path=asked.raw_path.partition("?")[0],
                status=answer.status,
                client=connection.client,
                elapsed_ms=round((self._clock.monotonic() - began) * 1000, 3),
            )
        return rendered, keeps_alive, answer

    async def _answer(
        self, asked: Asked, connection: HotConnection, began: float, may_pause: bool, is_resumed: bool
    ) -> Answer:
        method, client = asked.method, connection.client
        try:
            path, query = split_target(asked.raw_path)
        except RequestError as error:
            path = asked.raw_path.partition("?")[0]
            self._note_refused(method, path, client, 400, str(error))
            return _BROKEN
        try:
            if self.throttle.is_on and not is_resumed:
                token = token_of(Parameters(query), asked.headers) if self.throttle.by_token else ""
                self.throttle.check(client, token)
            if (refusal := self._origins.refusal(method, asked.headers, client)) is not None:
                raise Refusal(refusal, status=403)
            found = self._dispatch.find(method, path, query, client)
            if isinstance(found, Answer):
                return found
            request = self._request(asked, client, path, found)
            request.may_pause, request.is_resumed = may_pause, is_resumed
            if not is_resumed:
                connection.token = request.token
                self.talkers.note(client, connection.token)
            try:
                await self._site.pass_gate(found.route_path, request)
                answer = await found.endpoint(self._site, request)
            except Paused:
                raise
            except BaseException as error:
                failed = isinstance(error, LictorError) and answer_error(error).status >= 500
                self._figures.note(method, found.route_path, began, answered=False, failed=failed)
                raise
            self._figures.note(method, found.route_path, began, answered=True, failed=False)
            return answer
        except Paused:
            raise
        except LictorError as error:
            answer = answer_error(error)
            self._note_refused(method, path, client, answer.status, str(error))
            return answer
        except Exception:
            # The one place where a mistake of ours is caught: it costs its caller an answer, nobody else anything.
            self._log.exception("http.request.failed", method=method, path=path, client=client)
            return Answer(status=500, headers=(_TEXT,), body=b"internal error: the agent's log has the details")

    def _with_own_headers(self, answer: Answer) -> Answer:
        if not (self._settings.response_headers and answer.is_endpoint):
            return answer
        return replace(answer, headers=(*answer.headers, *self._settings.response_headers))

    def _request(self, asked: Asked, client: str, path: str, found: Found) -> Request:
        parameters = found.parameters
        refuse_namespace(path, parameters, asked.headers)
        return Request(
            method=asked.method,
            path=path,
            tail=found.tail,
            parameters=parameters,
            headers=asked.headers,
            read_body=partial(asked.read_body, self._settings.body_s_max),
            read_parts=partial(asked.read_parts, self._settings.body_s_max),
            content_length=asked.content_length,
            client=client,
            wait_default_s=self._settings.wait_default_s,
            wait_s_max=self._settings.wait_s_max,
            default_token=self._site.default_token,
        )

    def _answer_broken(self, connection: HotConnection, flaw: str, status: int) -> bytes:
        """The answer to what is no request to be answered; a method nobody knows is told from garbage."""
        answer = _BROKEN if status in (400, 405) else _too_much(status)
        line = _REQUEST_LINE.match(connection.pending) if status == 405 else None
        if line is not None:
            method, target = line[1].decode(), line[2].decode(errors="replace")
            answer = self._with_own_headers(self._answer_unknown_method(method, target, connection.client))
        self._note_refused("", "", connection.client, answer.status, flaw)
        return render(answer, method="", packed=False, keeps_alive=False).at(self._tick.date)

    def _answer_unknown_method(self, method: str, target: str, client: str) -> Answer:
        try:
            path, query = split_target(target)
            found = self._dispatch.find(method, path, query, client)
        except LictorError as error:
            return answer_error(error)
        return found if isinstance(found, Answer) else _BROKEN

    def _note_refused(self, method: str, path: str, client: str, status: int, reason: str) -> None:
        reason = reason[:_REASON_CHARS_MAX].strip()
        self._log.info("http.request.refused", method=method, path=path, client=client, status=status, reason=reason)


def _too_much(status: int) -> Answer:
    """What is well said, and more or other than is taken here."""
    text = f"{status} {HTTPStatus(status).phrase}"
    return Answer(status=status, headers=(_TEXT,), body=text.encode(), is_endpoint=False, closes=True)


def _date(clock: Clock) -> bytes:
    return formatdate(clock.now(), usegmt=True).encode()
