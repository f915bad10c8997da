"""What a token comes to at this agent: asked of the servers, kept for its time, and what counts while none answers.

Many who ask for the same token at once are one question. Unknown tokens are remembered for a moment. While no server
answers, `acl.down_policy` says what counts: everything, nothing, or what was known, which `async-cache` also gives at
once when its time is over, asking behind. One token is known here alone (`agent_recovery`). Sources: Consul's document
`docs/agent/options`; answers of Consul 1.8.7.
"""

from __future__ import annotations

import asyncio
import enum
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.caller import Caller
from lictor_core.acl.granted import DefaultPolicy, GrantedPolicy, Grants
from lictor_core.acl.rules import Access, Resource, Rule
from lictor_core.clock import Clock
from lictor_core.errors import LictorError, OverloadedError, PermissionDeniedError, RequestError

__all__ = ["ASKING_MAX", "AWAY_S", "TOKENS_MAX", "UNKNOWN_S", "DownPolicy", "Resolve", "ResolvingSettings", "Tokens"]

TOKENS_MAX: Final = 4096
"""Tokens that are known at once; the one not shown for longest goes."""
ASKING_MAX: Final = 256
"""Tokens that the servers are asked for at once."""
UNKNOWN_S: Final = 1.0
"""How long a token is taken for unknown without asking again."""
AWAY_S: Final = 1.0
"""After a question that no server answered, what was known counts for so long without another question."""
_ASK_S_MAX: Final = 2.0
"""How long who has been known waits for the servers, before what was known counts."""
_NOT_FOUND: Final = "ACL not found"

Resolve = Callable[[str], Awaitable[Grants]]
"""A `Registry.resolve_token`: raises `PermissionDeniedError` for a token that nobody knows."""


class DownPolicy(enum.StrEnum):
    """What counts of a token while no server answers."""

    ALLOW = "allow"
    DENY = "deny"
    EXTEND_CACHE = "extend-cache"
    ASYNC_CACHE = "async-cache"


@dataclass(frozen=True, kw_only=True)
class ResolvingSettings:
    """`ttl_s` is how long a token's rights are believed; with 0 the servers are asked each time.

    `disabled_ttl_s` is the same for the servers' word that there is no access control.
    """

    node_name: str
    ttl_s: float = 30.0
    disabled_ttl_s: float = 120.0
    down_policy: DownPolicy = DownPolicy.EXTEND_CACHE


@dataclass(slots=True, eq=False)
class _Known:
    """`caller` None: nobody knows the token, for the reason `refusal`. Times are monotonic seconds."""

    caller: Caller | None = None
    refusal: str = _NOT_FOUND
    good_until: float = 0.0
    asking: asyncio.Task[None] | None = None
    failure: LictorError | None = None


class Tokens:
    """Callers by their secrets, which are not kept: a digest stands for each. All methods belong to one event loop."""

    def __init__(
        self,
        resolve: Resolve,
        settings: ResolvingSettings,
        recovery: Callable[[], str],
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        """`recovery` gives the token that is known here alone, empty for none."""
        self._resolve = resolve
        self._settings = settings
        self._recovery = recovery
        self._clock = clock
        self._log = log
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._asking: set[asyncio.Task[None]] = set()
        self._away_until = 0.0
        self._is_away = False
        self._stamp = 0
        self._recovering = Caller(
            accessor_id=f"agent-recovery:{settings.node_name}", authorizer=_recovering(settings.node_name)
        )

    def __len__(self) -> int:
        return len(self._known)

    async def caller(self, secret: str) -> Caller:
        """Who shows `secret`; an empty one is the anonymous token.

        Raises `PermissionDeniedError` for a token that is unknown or has expired, `OverloadedError` at a bound.
        """
        if self._is_recovery(secret):
            return self._recovering
        known = self._entry(secret)
        now = self._clock.monotonic()
        if now < known.good_until:
            return self._given(known)
        has_been_known = known.caller is not None
        settings = self._settings
        if has_been_known and settings.down_policy is DownPolicy.ASYNC_CACHE:
            if now >= self._away_until:
                _ = self._ask(secret, known)
            return self._given(known)
        if now >= self._away_until:
            task = self._ask(secret, known)
            await asyncio.wait([task], timeout=_ASK_S_MAX if has_been_known else None)
            if task.done() and not task.cancelled():
                task.result()
                if known.failure is None:
                    return self._given(known)
            elif not task.done():
                self._away_until = self._clock.monotonic() + AWAY_S  # who asks meanwhile need not wait as long
        return self._while_away(known)

    def at_once(self, secret: str) -> Caller | None:
        """Who shows `secret`, where that is known and needs no question; else None."""
        known = self._known.get(_digest(secret))
        if known is None or known.caller is None or self._clock.monotonic() >= known.good_until:
            return None
        return None if self._has_expired(known.caller) else known.caller

    def forget(self) -> None:
        """Ask anew for every token that is shown from now on; what was known still counts while nobody answers."""
        for known in self._known.values():
            known.good_until = 0.0

    async def stop(self) -> None:
        """Ask no more."""
        for task in self._asking:
            task.cancel()
        if self._asking:
            await asyncio.wait(self._asking)

    def _is_recovery(self, secret: str) -> bool:
        recovery = self._recovery()
        return bool(recovery) and hmac.compare_digest(secret.encode(), recovery.encode())

    def _entry(self, secret: str) -> _Known:
        key = _digest(secret)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _Known()
            while len(self._known) > TOKENS_MAX:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return known

    def _ask(self, secret: str, known: _Known) -> asyncio.Task[None]:
        """The question that is under way for this token, or one that begins now."""
        if known.asking is not None:
            return known.asking
        if len(self._asking) >= ASKING_MAX:
            raise OverloadedError(f"{ASKING_MAX} tokens are looked up at once on this agent: retry later")
        task = asyncio.get_running_loop().create_task(self._look_up(secret, known), name="acl-token")
        known.asking = task
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        return task

    async def _look_up(self, secret: str, known: _Known) -> None:
        try:
            grants = await self._resolve(secret)
        except RequestError as error:
            known.failure = None
            known.caller, known.refusal = None, str(error) or _NOT_FOUND
            known.good_until = self._clock.monotonic() + min(UNKNOWN_S, self._settings.ttl_s)
            self._answered()
        except LictorError as error:
            known.failure = error
            self._away_until = self._clock.monotonic() + AWAY_S
            self._unanswered(error)
        else:
            known.failure = None
            self._take(known, grants)
            self._answered()
        finally:
            known.asking = None

    def _take(self, known: _Known, grants: Grants) -> None:
        settings = self._settings
        if known.caller is None or known.caller.authorizer.grants != grants:
            self._stamp += 1
            known.caller = Caller(
                accessor_id=grants.accessor_id,
                authorizer=Authorizer(grants),
                expires_at_s=grants.expires_at_s,
                stamp=self._stamp,
            )
        is_off = grants.default is DefaultPolicy.DISABLED
        known.good_until = self._clock.monotonic() + (settings.disabled_ttl_s if is_off else settings.ttl_s)

    def _given(self, known: _Known) -> Caller:
        if known.caller is None:
            raise PermissionDeniedError(known.refusal)
        if self._has_expired(known.caller):
            raise PermissionDeniedError(_NOT_FOUND)
        return known.caller

    def _while_away(self, known: _Known) -> Caller:
        match self._settings.down_policy:
            case DownPolicy.ALLOW:
                return _ALLOWED
            case DownPolicy.DENY:
                return _DENIED
            case DownPolicy.EXTEND_CACHE | DownPolicy.ASYNC_CACHE:
                return _DENIED if known.caller is None else self._given(known)

    def _has_expired(self, caller: Caller) -> bool:
        return caller.expires_at_s is not None and self._clock.now() >= caller.expires_at_s

    def _answered(self) -> None:
        self._away_until = 0.0
        if self._is_away:
            self._is_away = False
            self._log.info("acl.servers.answered")

    def _unanswered(self, error: LictorError) -> None:
        if not self._is_away:
            self._is_away = True
            self._log.warning(
                "acl.servers.lost", reason=str(error), down_policy=str(self._settings.down_policy), known=len(self)
            )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def _recovering(node_name: str) -> Authorizer:
    """What the token allows that is known at this agent alone: the agent itself, and to see nodes."""
    rules = (
        Rule(resource=Resource.AGENT, name=node_name, access=Access.WRITE),
        Rule(resource=Resource.NODE, is_prefix=True, access=Access.READ),
    )
    policy = GrantedPolicy(name="agent_recovery", rules=rules)
    return Authorizer(Grants(accessor_id="", policies=(policy,), default=DefaultPolicy.DENY))


def _down(name: str, default: DefaultPolicy) -> Caller:
    grants = Grants(accessor_id="", policies=(GrantedPolicy(name=name),), default=default)
    return Caller(authorizer=Authorizer(grants))


_ALLOWED: Final = _down("acl.down_policy, as no server answers", DefaultPolicy.ALLOW)
_DENIED: Final = _down("acl.down_policy, as no server answers", DefaultPolicy.DENY)
