from __future__ import annotations

import pytest

from lictor_core.clock import SeededRng
from lictor_core.commands import CAConfigurationSet, CARootsSet, Command, Outcome
from lictor_core.errors import CatchingUpError, ClusterError
from lictor_server import ca
from lictor_server.endpoints.ca_books import CABooks
from lictor_server.state import Store, apply
from tests.server.conftest import made_log
from tests.support.clock import ManualClock
from tests.support.mint import Mint


def books_of(store: Store) -> CABooks:
    async def propose(command: Command) -> Outcome:
        return apply(store, store.index + 1, command)[0]

    return CABooks(store, propose, clock=ManualClock(), rng=SeededRng(1), log=made_log().logger, csr_per_second_max=50)


async def test_nothing_is_there_before_the_first_leader() -> None:
    books = books_of(Store("dc1"))
    for look in (books.configuration, books.current, books.in_use):
        with pytest.raises(CatchingUpError, match="yet"):
            look()
    assert books.lives() == {}


async def test_settings_in_use_are_read_once_for_each_change() -> None:
    mint = Mint()
    await mint.authority.initialise()
    books = books_of(mint.store)
    assert books.in_use() == books.in_use()
    assert books.in_use()[1] is books.in_use()[1]
    before = books.in_use()[1]
    await books.propose(CAConfigurationSet(provider="consul", config={"LeafCertTTL": "24h"}))
    assert books.in_use()[1] is not before
    assert books.in_use()[0].leaf_ttl_s == 24 * 3600


async def test_roots_that_somebody_else_changed_are_not_overwritten() -> None:
    mint = Mint()
    await mint.authority.initialise()
    books = books_of(mint.store)
    new = await books.made(ca.read_settings("consul", {}), mint.store.ca.cluster_id).establish(None, 1_767_225_600.0)
    line = books.succeeded(new, None, ca.read_settings("consul", {}))
    real = books.propose

    async def late(command: Command) -> Outcome:
        if isinstance(command, CARootsSet):
            table = mint.store.ca
            other = CARootsSet(
                cluster_id=table.cluster_id, roots=list(table.roots), keys=table.keys(), cas=table.roots_index
            )
            await real(other)
        return await real(command)

    books.propose = late
    with pytest.raises(ClusterError, match="by somebody else"):
        await books.put(mint.store.ca.cluster_id, new, line, configuration=None)
    assert len(mint.roots()) == 1


async def test_serial_numbers_are_given_once_and_leaves_are_counted() -> None:
    mint = Mint()
    await mint.authority.initialise()
    books = books_of(mint.store)
    first, index = await books.next_serial()
    second, _ = await books.next_serial(mint.active().id, 1_767_225_600.0)
    assert second == first + 1
    assert index == mint.store.index - 1
    assert mint.life().leaves_issued == 1
