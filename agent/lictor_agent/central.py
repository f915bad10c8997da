"""What the cluster's configuration entries say of the proxies and gateways on this agent, followed as it changes.

The local state shows each of them as it was registered, with what the cluster says filled in (`completed`); who asks
the agent, and the catalog, see that. While the servers are away the last that was known holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

from structlog.typing import FilteringBoundLogger

from lictor_agent.kept import Kept
from lictor_agent.local import Change, LocalState, Subject
from lictor_agent.persisted import SavedDefaults
from lictor_core.backoff import Backoff
from lictor_core.central_config import completed, question_of
from lictor_core.clock import Rng
from lictor_core.commands import ReadMode
from lictor_core.config_queries import ServiceConfigQuery
from lictor_core.config_records import ServiceConfig
from lictor_core.errors import LictorError, RequestError
from lictor_core.limits import WAIT_MAX_S
from lictor_core.records import Service
from lictor_core.registry import ReadOptions

__all__ = ["CentralConfig"]

Told: TypeAlias = Callable[[str, ServiceConfigQuery, ServiceConfig], None]
"""Takes the id of an instance, what was asked for it, and what the servers said."""
_RETRY_S_MIN: Final = 0.1
_RETRY_S_MAX: Final = 15.0


class _Followed:
    """One question: who wants its answer, and what it is."""

    def __init__(self) -> None:
        self.users: set[object] = set()
        self.answer: ServiceConfig | None = None
        self.tried = asyncio.Event()
        """Set once the servers answered, or refused to."""
        self.task: asyncio.Task[None] | None = None


class CentralConfig:
    """Follows what the servers say of what is in `local`, while `run` runs; each question once, however many ask it."""

    def __init__(
        self,
        local: LocalState,
        kept: Kept,
        rng: Rng,
        log: FilteringBoundLogger,
        default_token: Callable[[], str] = str,
    ) -> None:
        """`default_token` gives the one by which is asked for instances that have none."""
        self._local = local
        self._default_token = default_token
        self._kept = kept
        self._rng = rng
        self._log = log
        self._followed: dict[ServiceConfigQuery, _Followed] = {}
        self._question: dict[object, ServiceConfigQuery] = {}
        self._group: asyncio.TaskGroup | None = None
        self._recalled: dict[str, SavedDefaults] = {}
        """What was said before this start, by instances; each until the servers say something of it."""
        self._told: Told = _nobody_is_told
        local.complete_with(self._completed)
        local.subscribe(self._changed)

    @property
    def questions(self) -> Collection[ServiceConfigQuery]:
        """What is followed now."""
        return self._followed.keys()

    def recall(self, recalled: Mapping[str, SavedDefaults]) -> None:
        """What was said before this start; for before instances are put into the local state."""
        self._recalled = dict(recalled)

    def tell(self, told: Told) -> None:
        """`told` is called with what the servers say of an instance whenever that is another thing than before."""
        self._told = told

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for question, one in self._followed.items():
                one.task = group.create_task(self._follow(question, one), name="central-config")
            try:
                await asyncio.Event().wait()
            finally:
                self._group = None

    @asynccontextmanager
    async def asked(self, questions: Iterable[ServiceConfigQuery], within_s: float) -> AsyncGenerator[None]:
        """While the block runs these questions are followed; it begins once they were answered, or after `within_s`."""
        users = {object(): question for question in questions}
        try:
            for user, question in users.items():
                self._use(user, question)
            if users:
                await self._until_tried(within_s)
            yield
        finally:
            for user in users:
                self._use(user, None)

    async def settled(self, within_s: float) -> None:
        """Wait until everything that is followed was answered once, at most `within_s` seconds."""
        if self._followed:
            await self._until_tried(within_s)

    async def _until_tried(self, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                for one in list(self._followed.values()):
                    await one.tried.wait()
        except TimeoutError:
            return

    def _completed(self, service: Service) -> Service:
        question = question_of(service)
        if question is None:
            return service
        one = self._followed.get(question)
        answer = None if one is None else one.answer
        if answer is None and (before := self._recalled.get(service.id)) is not None:
            answer = before.config if before.question in (None, question) else None
        return service if answer is None else completed(service, answer)

    def _changed(self, change: Change) -> None:
        if change.subject is Subject.SERVICE:
            service = self._local.services.get(change.id)
            if service is None:
                self._recalled.pop(change.id, None)
            self._use(change.id, None if service is None else question_of(service.registered))

    def _use(self, user: object, question: ServiceConfigQuery | None) -> None:
        """From now on `user` wants the answer to this question, or to none."""
        before = self._question.pop(user, None)
        if question is not None:
            self._question[user] = question
            one = self._followed.get(question)
            if one is None:
                one = self._followed[question] = _Followed()
                if self._group is not None:
                    one.task = self._group.create_task(self._follow(question, one), name="central-config")
            one.users.add(user)
            if isinstance(user, str) and before != question and one.answer is not None:
                self._tell_of(user, question, one.answer)
        if before is not None and before != question:
            users = self._followed[before].users
            users.discard(user)
            if not users:
                task = self._followed.pop(before).task
                if task is not None:
                    task.cancel()

    def _token(self, one: _Followed) -> str:
        """By which token this is asked: that of an instance that wants to know, else the agent's default."""
        services = self._local.services
        own = (services[user].token for user in one.users if isinstance(user, str) and user in services)
        return next(filter(None, own), "") or self._default_token()

    def _tell_of(self, service_id: str, question: ServiceConfigQuery, answer: ServiceConfig) -> None:
        before = self._recalled.pop(service_id, None)
        if before is None or (before.question, before.config) != (question, answer):
            self._told(service_id, question, answer)

    async def _follow(self, question: ServiceConfigQuery, one: _Followed) -> None:
        backoff = Backoff(self._rng, first_s=_RETRY_S_MIN, max_s=_RETRY_S_MAX)
        index, was_lost = 0, False
        while True:
            options = ReadOptions(mode=ReadMode.STALE, min_index=index, wait_s=WAIT_MAX_S, token=self._token(one))
            try:
                reading = (await self._kept.read(question, options)).reading
            except LictorError as error:
                if not was_lost:
                    self._log.warning("agent.central_config.interrupted", service=question.service, reason=str(error))
                if isinstance(error, RequestError):  # as from a server of an older version
                    one.tried.set()
                index, was_lost = 0, True
                await asyncio.sleep(backoff.next_s())
                continue
            backoff.reset()
            index, was_lost = reading.index, False
            if reading.value != one.answer:
                one.answer = reading.value
                for user in list(one.users):
                    if isinstance(user, str):
                        self._tell_of(user, question, one.answer)
                        self._local.complete_again(user)
            one.tried.set()


def _nobody_is_told(_service_id: str, _question: ServiceConfigQuery, _config: ServiceConfig) -> None:
    """Where nothing is kept on a disk."""
