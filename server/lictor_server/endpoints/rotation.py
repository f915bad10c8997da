"""Which root signs: other settings of the CA, and what time brings to its certificates.

Source: Consul's document `docs/connect/ca`, "Root Certificate Rotation" and "Forced Rotation Without Cross-Signing".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from lictor_core.codec import check_nesting
from lictor_core.commands import CAConfigurationSet, CARootsSet
from lictor_core.errors import ClusterError, LictorError, RequestError
from lictor_core.records import CARoot, JsonObject
from lictor_server import ca
from lictor_server.ca import succession
from lictor_server.endpoints.ca_books import CABooks

__all__ = ["Rotation"]

_DAY_S: Final = 86_400.0
_MONTH_S: Final = 30 * _DAY_S
UNVOUCHED_S: Final = 2.0
"""How long a new root is trusted before it signs, where no older one vouches for it: agents learn of it meanwhile."""


class Rotation:
    """Lets one root follow another, one change at a time."""

    def __init__(
        self,
        books: CABooks,
        *,
        make_first: Callable[[ca.CASettings | None], Awaitable[None]],
        rest: Callable[[float], Awaitable[None]],
    ) -> None:
        """`make_first` makes the first root, by other settings than those in use where they are given."""
        self._books = books
        self._make_first = make_first
        self._rest = rest
        self._changing = asyncio.Lock()
        self._warned: dict[str, float] = {}
        """When it was last told that a certificate is past half of its life, by its name."""

    async def configure(self, provider: str, config: JsonObject, *, force_without_cross_signing: bool = False) -> None:
        """Change the settings. Where they ask for another root, the old one vouches for it, and stays trusted.

        Raises `RequestError` for settings that cannot be, and when the old root cannot vouch for the new one, unless
        that is forced; what a provider raises.
        """
        check_nesting(config, "Config of the CA")
        async with self._changing:
            settings = ca.read_settings(provider, self._with_known_secrets(provider, config))
            before = self._books.configuration()
            if not self._books.store.ca.roots:
                await self._make_first(settings)
                return
            current = self._books.current()
            own = current if before.provider == provider else None
            made = self._books.made(settings, self._books.store.ca.cluster_id)
            new = await made.establish(own, self._books.clock.now())
            wanted = CAConfigurationSet(
                provider=provider,
                config=settings.stored,
                state=new.state,
                force_without_cross_signing=force_without_cross_signing,
                cas=before.modify_index,
            )
            if new is current:
                if not (await self._books.propose(wanted)).value:
                    raise ClusterError("the CA's settings were changed by somebody else at the same time: retry")
            elif new.root.id == current.root.id:
                await self._books.put(
                    self._books.store.ca.cluster_id, new, self._books.renewed(new), configuration=wanted
                )
            else:
                await self._succeed(new, settings, wanted, forced=force_without_cross_signing)

    async def tend(self) -> None:
        """What is due by now: roots and intermediates that age are renewed, roots without leaves go.

        To be called every minute or so by the leader. Raises what providers do.
        """
        async with self._changing:
            if not self._books.store.ca.roots:
                await self._make_first(None)
            settings, provider, _ = self._books.in_use()
            current, now = self._books.current(), self._books.clock.now()
            await self._remember(settings, now)
            await self._drop_ended(now)
            self._warn(now)
            found = await provider.keep(current, now)
            if found is not current:
                await self._follow(found, settings)
                current = self._books.current()
            due = succession.root_due_at(current.root, current.life, settings)
            if due is not None and now >= due:
                await self._succeed(await provider.renew_root(current, now), settings, None, forced=True)
            elif current.has_own_intermediate and now >= succession.signer_due_at(current.life):
                new = await provider.renew_intermediate(current, now)
                await self._books.put(
                    self._books.store.ca.cluster_id, new, self._books.renewed(new), configuration=None
                )
                self._books.log.info("ca.intermediate.renewed", root=new.root.id)

    async def _follow(self, found: ca.Established, settings: ca.CASettings) -> None:
        """Somebody changed the root or the intermediate where they are kept."""
        wanted = self._books.settings_with(self._books.configuration(), found.state)
        if found.root.id == self._books.current().root.id:
            await self._books.put(
                self._books.store.ca.cluster_id, found, self._books.renewed(found), configuration=wanted
            )
            self._books.log.info("ca.intermediate.renewed", root=found.root.id)
        else:
            await self._succeed(found, settings, wanted, forced=True)

    async def _succeed(
        self, new: ca.Established, settings: ca.CASettings, wanted: CAConfigurationSet | None, *, forced: bool
    ) -> None:
        """Let `new` take over from the active root."""
        table = self._books.store.ca
        if len(table.roots) >= succession.ROOTS_MAX:
            raise RequestError(
                f"{len(table.roots)} roots are trusted: a further one is taken when the leaves of the oldest have ended"
            )
        _, old_provider, _ = self._books.in_use()
        current = self._books.current()
        vouched = await self._vouched(old_provider, current, new.root, settings, forced=forced)
        line = self._books.succeeded(new, vouched, settings)
        if vouched is None:
            await self._announce(line)
        await self._books.put(table.cluster_id, new, line, configuration=wanted)
        if wanted is not None and wanted.provider != _provider_of(current):
            try:
                await old_provider.clean_up(current)
            except LictorError as error:
                self._books.log.warning("ca.provider.kept", root=current.root.id, reason=str(error))

    async def _vouched(
        self, old: ca.Provider, current: ca.Established, root: CARoot, settings: ca.CASettings, *, forced: bool
    ) -> str | None:
        """The new root, signed by the active one; None where that cannot be, and need not."""
        lifetime_s = succession.cross_signed_s(settings.leaf_ttl_s)
        try:
            serial, _ = await self._books.next_serial()
            terms = ca.LeafTerms(serial=serial, now=self._books.clock.now(), lifetime_s=lifetime_s)
            return await old.cross_sign(current, root.root_cert, terms)
        except LictorError as error:
            if not forced:
                raise RequestError(
                    f"the old root cannot vouch for the new one: {error}. ForceWithoutCrossSigning changes it all the "
                    "same; connections may fail until all agents have learnt of the new root"
                ) from error
            self._books.log.warning("ca.root.not_vouched", root=root.id, reason=str(error))
            return None

    async def _announce(self, line: succession.Line) -> None:
        """Have the root trusted by everybody before it signs, where its leaves bring along nothing older to trust."""
        table, new = self._books.store.ca, line.roots[-1]
        inactive = succession.inactive(new)
        await self._books.propose(
            CARootsSet(
                cluster_id=table.cluster_id,
                roots=[*succession.without(table.roots, [new.id]), inactive],
                keys=table.keys(),
                cas=table.roots_index,
                lives=[*table.lives(), line.lives[-1]],
            )
        )
        await self._rest(UNVOUCHED_S)

    async def _remember(self, settings: ca.CASettings, now: float) -> None:
        """Lives of roots that were made before lives were remembered."""
        table = self._books.store.ca
        unknown = [root for root in table.roots if table.life(root.id) is None]
        if unknown:
            until = now + 2 * settings.leaf_ttl_s
            lives = [
                succession.assumed_life(root, until, rotated_out_at=0.0 if root.active else now) for root in unknown
            ]
            await self._books.replace_roots(table.roots, [*table.lives(), *lives])

    async def _drop_ended(self, now: float) -> None:
        table = self._books.store.ca
        gone = succession.ended(table.roots, self._books.lives(), now)
        if gone:
            await self._books.replace_roots(succession.without(table.roots, gone), table.lives())
            for root_id in gone:
                self._books.log.info("ca.root.forgotten", root=root_id)

    def _warn(self, now: float) -> None:
        """Tell now and then of what is past half of its life: each day of what is not renewed of itself."""
        current = self._books.current()
        every_s = _DAY_S if current.life.given else _MONTH_S
        for name, begins, ends in succession.aging(current):
            if now >= (begins + ends) / 2 and now >= self._warned.get(name, 0.0) + every_s:
                self._warned = {**self._warned, name: now}
                left_days = round((ends - now) / _DAY_S, 1)
                self._books.log.warning(
                    "ca.certificate.aged",
                    certificate=name,
                    root=current.root.id,
                    left_days=left_days,
                    renewed_of_itself=not current.life.given,
                )

    def _with_known_secrets(self, provider: str, config: JsonObject) -> JsonObject:
        """`config` with the token that is known for the same Vault, where it has none: what is read has none."""
        before = self._books.configuration()
        if provider != ca.VAULT or before.provider != provider:
            return config
        names = {key.replace("_", "").lower(): key for key in config}
        known = before.config
        address = str(config.get(names.get("address", ""), "")).rstrip("/")
        if config.get(names.get("token", "")) or address != str(known.get("Address", "")).rstrip("/"):
            return config
        return {**config, "Token": known.get("Token")}


def _provider_of(current: ca.Established) -> str:
    """Which provider a root is of: only the built-in one's keys are kept here."""
    return ca.VAULT if current.key is None else ca.PROVIDER
