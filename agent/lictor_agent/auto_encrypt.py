"""The agent's own certificate where the servers give it (`auto_encrypt.tls`): asked for, renewed, told of.

The servers prove themselves by `ca_file` before anything is said to them. The key is made here and stays in this
process; a restart asks anew. It is renewed in the middle of its life, and as soon as another root signs.
Source: Consul's document `docs/agent/options`, `auto_encrypt`; what 1.8.7 puts into such a certificate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final, NoReturn

from structlog.typing import FilteringBoundLogger

from lictor_agent.remote.settings import RemoteSettings
from lictor_agent.renewal import renewal_s
from lictor_config.tree import AutoEncrypt
from lictor_core.backoff import Backoff
from lictor_core.calls import AGENT_CA, SIGN_AGENT, AgentCA
from lictor_core.clock import Clock, Rng
from lictor_core.codec import pack, unpack
from lictor_core.errors import ClusterError, LictorError, UnreachableError
from lictor_core.queries import CARootsQuery
from lictor_core.records import CARoots
from lictor_core.registry import IssuedLeaf, LeafRequest, Reading, ReadOptions
from lictor_server import UNKEYED, Keyed, PemPair, RpcPool, TlsSettings, load_tls, resolve

__all__ = ["AgentCertificate", "CertificateKeeper"]

ReadRoots = Callable[[CARootsQuery, ReadOptions], Awaitable[Reading[CARoots]]]
_USUAL_NAMES: Final = ("localhost",)
_USUAL_ADDRESSES: Final = ("127.0.0.1", "::1")
_CALL_S_MAX: Final = 5.0
"""How long one server may take for each of the two questions."""
_ROOT_SPREAD_S_MAX: Final = 10.0
"""All agents learn of a new root together, and ask within this."""
_RETRY_S_MIN: Final = 0.1
_RETRY_S_MAX: Final = 5.0
_REST_S: Final = 10.0
"""The least between two renewals."""
_LOOK_EVERY_S: Final = 60.0
"""Due times are looked at anew as often as that: the wall clock may jump. Also the longest between attempts."""
_REASONS_MAX: Final = 3


@dataclass(frozen=True, kw_only=True)
class AgentCertificate:
    """What the servers gave. Times in seconds since 1970; `roots`, PEM, are those of the mesh."""

    pair: PemPair
    roots: str
    root_id: str
    valid_after: float
    valid_before: float
    verify_server_hostname: bool = False


class CertificateKeeper:
    """Asks for the certificate of one agent. All methods belong to one event loop."""

    def __init__(
        self,
        settings: RemoteSettings,
        wish: AutoEncrypt,
        tls: TlsSettings,
        *,
        keyed: Keyed = UNKEYED,
        token: Callable[[], str],
        servers: Callable[[], Sequence[str]],
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
    ) -> None:
        """`servers` are those known by now, beside the configured ones; `token` is what the agent writes by."""
        self._settings = settings
        self._names = tuple(dict.fromkeys((*_USUAL_NAMES, *(name.lower() for name in wish.dns_san))))
        self._addresses = tuple(dict.fromkeys((*_USUAL_ADDRESSES, *filter(_is_address, wish.ip_san))))
        self._tls = replace(tls, pair=None)
        self._keyed = keyed
        self._token = token
        self._servers = servers
        self._clock = clock
        self._rng = rng
        self._log = log
        self._callbacks: list[Callable[[], None]] = []
        self._met: tuple[str, ...] = ()
        """Where servers were looked for last by somebody's word."""
        self.certificate: AgentCertificate | None = None
        """None until there is one."""

    def at_certificate(self, callback: Callable[[], None]) -> None:
        """Call `callback` each time there is a new one."""
        self._callbacks.append(callback)

    async def meet(self, addresses: tuple[str, ...]) -> None:
        """Servers may be there: ask them, if there is no certificate yet. Raises `ClusterError` when none gives one."""
        self._met = addresses
        if self.certificate is None:
            await self.obtain()

    async def obtain(self) -> None:
        """Ask every known server until one signs. Raises `ClusterError` when none does."""
        pool = RpcPool(
            rng=self._rng,
            tls=load_tls(self._tls, now=self._clock.now()),
            keyed=self._keyed,
            source=self._settings.source,
        )
        reasons: list[str] = []
        named = (*self._settings.start_join, *self._settings.retry_join)
        addresses = dict.fromkeys((*self._servers(), *named, *self._met))
        try:
            for address in addresses:
                try:
                    for place in await resolve(address, self._settings.join_port):
                        self._take(*await self._asked(pool, place))
                        return
                except LictorError as error:
                    reasons.append(f"{address}: {error}")
        finally:
            await pool.stop()
        told = "; ".join(reasons[:_REASONS_MAX]) or "no server is named: use -retry-join"
        raise ClusterError(f"no server gives this agent a certificate (auto_encrypt): {told}")

    async def first(self) -> None:
        """Ask until there is one."""
        backoff = Backoff(self._rng, first_s=_RETRY_S_MIN, max_s=_RETRY_S_MAX)
        told = ""
        while self.certificate is None:
            try:
                await self.obtain()
            except LictorError as error:
                if str(error) != told:
                    told = str(error)
                    self._log.warning("agent.certificate.refused", reason=told)
                await asyncio.sleep(backoff.next_s())

    async def run(self, read: ReadRoots) -> NoReturn:
        """Renew it in time, and when another root signs, which `read` tells."""
        renewed_at = self._clock.monotonic()
        while True:
            certificate = self.certificate
            assert certificate is not None, "the first one comes first"
            await self._until_due(certificate, read)
            await asyncio.sleep(max(renewed_at + _REST_S - self._clock.monotonic(), 0.0))
            backoff = Backoff(self._rng, first_s=_RETRY_S_MIN, max_s=_LOOK_EVERY_S)
            while self.certificate is certificate:
                try:
                    await self.obtain()
                except LictorError as error:
                    left_s = round(certificate.valid_before - self._clock.now())
                    self._log.warning("agent.certificate.unrenewed", reason=str(error), left_s=left_s)
                    await asyncio.sleep(backoff.next_s())
            renewed_at = self._clock.monotonic()

    async def _until_due(self, certificate: AgentCertificate, read: ReadRoots) -> None:
        due = certificate.valid_after + renewal_s(certificate.valid_after, certificate.valid_before, self._rng)
        index = 0
        while (left_s := due - self._clock.now()) > 0:
            wait_s = min(left_s, _LOOK_EVERY_S)
            try:
                reading = await read(CARootsQuery(), ReadOptions(min_index=index, wait_s=wait_s))
            except LictorError:
                await asyncio.sleep(self._rng.uniform(0, min(wait_s, _RETRY_S_MAX)))
                continue
            index = reading.index
            if reading.value.active_root_id not in ("", certificate.root_id):
                await asyncio.sleep(self._rng.uniform(0, _ROOT_SPREAD_S_MAX))
                return

    async def _asked(self, pool: RpcPool, place: str) -> tuple[AgentCA, IssuedLeaf, str]:
        from lictor_agent.signing import new_agent_request  # certificates take much memory to make

        told = unpack(await pool.call(place, AGENT_CA, b"", timeout_s=_CALL_S_MAX), AgentCA)
        if told.datacenter.lower() != self._settings.datacenter.lower():
            raise ClusterError(f"{place} is a server of datacenter {told.datacenter!r}")
        if not told.roots:
            raise UnreachableError(f"{place} has no CA yet")
        request = new_agent_request(
            self._settings.node_name, told.trust_domain, told.datacenter, self._names, self._addresses
        )
        asked = LeafRequest(csr=request.csr, service="", token=self._token())
        issued = unpack(await pool.call(place, SIGN_AGENT, pack(asked), timeout_s=_CALL_S_MAX), IssuedLeaf)
        return told, issued, request.private_key

    def _take(self, told: AgentCA, issued: IssuedLeaf, private_key: str) -> None:
        self.certificate = AgentCertificate(
            pair=PemPair(issued.certificate, private_key),
            roots="".join(f"{root.strip()}\n" for root in told.roots),
            root_id=issued.root_id,
            valid_after=issued.valid_after,
            valid_before=issued.valid_before,
            verify_server_hostname=told.verify_server_hostname,
        )
        left_s = round(issued.valid_before - self._clock.now())
        self._log.info("agent.certificate.issued", uri=issued.uri, serial=issued.serial_number, left_s=left_s)
        for callback in self._callbacks:
            try:
                callback()
            except LictorError as error:
                self._log.error("agent.certificate.unused", reason=str(error))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
