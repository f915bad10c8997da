"""One root after the other: what proxies take, with the roots of today and of yesterday."""

from __future__ import annotations

import pytest

from lictor_core.authority import outstanding
from lictor_core.commands import CARootsSet, CASerialTake, Command
from lictor_core.errors import CatchingUpError, RequestError
from lictor_core.records import JsonObject
from lictor_server import ca
from lictor_server.ca.roots import make_root
from lictor_server.ca.succession import ROOTS_MAX, SKEW_S
from tests.server.state.restores import restore_commands
from tests.support.chains import chain_text, parsed
from tests.support.mint import DAY_S, Mint


def another_key(bits: int = 256) -> JsonObject:
    return {"PrivateKey": ca.key_pem(ca.new_key("ec", bits))}


async def started(config: JsonObject | None = None) -> Mint:
    mint = Mint(config)
    await mint.authority.initialise()
    return mint


async def test_proxy_that_knows_the_old_root_alone_takes_leaves_of_the_new_one() -> None:
    mint = await started()
    before = mint.bundle()
    await mint.authority.configure("consul", another_key())
    issued = await mint.leaf()
    assert issued.root_id == mint.active().id
    assert mint.accepts(issued.certificate, before)
    assert mint.accepts(issued.certificate, [mint.active().root_cert])
    assert issued.certificate.count("BEGIN CERTIFICATE") == 2


async def test_proxies_take_leaves_of_the_old_root_until_they_end() -> None:
    mint = await started()
    old = await mint.leaf()
    await mint.authority.configure("consul", another_key())
    while mint.clock.now() < old.valid_before - 3600:
        assert mint.accepts(old.certificate)
        await mint.pass_days(0.1, step_days=0.05)


async def test_old_root_goes_when_its_last_leaf_has_ended() -> None:
    mint = await started()
    first = mint.active().id
    await mint.leaf()
    mint.clock.advance(DAY_S)
    last = await mint.leaf()
    await mint.authority.configure("consul", another_key())
    mint.clock.advance(last.valid_before - mint.clock.now() + SKEW_S - 60)
    await mint.authority.tend()
    assert [root.id for root in mint.roots()] == [first, mint.active().id]
    mint.clock.advance(240)
    await mint.authority.tend()
    assert [root.id for root in mint.roots()] == [mint.active().id]
    assert [entry["root"] for entry in mint.log.named("ca.root.forgotten")] == [first]


async def test_shorter_lives_of_later_leaves_do_not_hasten_the_end_of_trust() -> None:
    mint = await started({"LeafCertTTL": "720h"})
    long = await mint.leaf()
    await mint.authority.configure("consul", {"LeafCertTTL": "1h"})
    await mint.authority.configure("consul", {"LeafCertTTL": "1h", **another_key()})
    await mint.pass_days(29)
    assert mint.accepts(long.certificate)
    await mint.pass_days(2)
    assert len(mint.roots()) == 1


async def test_root_that_signed_nothing_goes_at_once() -> None:
    mint = await started()
    await mint.authority.configure("consul", another_key())
    mint.clock.advance(SKEW_S + 1)
    await mint.authority.tend()
    assert len(mint.roots()) == 1


async def test_one_command_changes_roots_and_settings_together() -> None:
    mint = await started()
    await mint.authority.configure("consul", {"LeafCertTTL": "2h", **another_key()})
    configuration = mint.store.ca.configuration
    assert configuration is not None
    assert configuration.config == {"LeafCertTTL": "2h"}
    assert configuration.modify_index == mint.active().modify_index == mint.store.ca.roots_index


async def test_what_older_roots_vouch_by_is_left_out_once_it_has_ended() -> None:
    mint = await started()
    await mint.authority.configure("consul", another_key())
    mint.clock.advance(8 * DAY_S)
    assert (await mint.leaf()).certificate.count("BEGIN CERTIFICATE") == 1


async def test_root_whose_predecessor_cannot_vouch_is_refused_unless_forced() -> None:
    mint = await started()
    mint.clock.advance(11 * 366 * DAY_S)  # the first root has ended
    with pytest.raises(RequestError, match="ForceWithoutCrossSigning"):
        await mint.authority.configure("consul", another_key())
    assert len(mint.roots()) == 1
    await mint.authority.configure("consul", another_key(), force_without_cross_signing=True)
    assert mint.accepts((await mint.leaf()).certificate)
    assert mint.store.ca.configuration is not None
    assert mint.store.ca.configuration.force_without_cross_signing


async def test_root_that_nobody_vouches_for_is_trusted_before_it_signs() -> None:
    mint = await started()
    mint.clock.advance(11 * 366 * DAY_S)
    await mint.authority.configure("consul", another_key(), force_without_cross_signing=True)
    assert [mint.active().id in trusted for trusted in mint.trusted_at_rest] == [True]


async def test_given_root_that_comes_back_is_the_same_root() -> None:
    mint = await started()
    key = ca.new_key()
    own = make_root(key, cluster_id=mint.store.ca.cluster_id, serial=70, unique="own", now=mint.clock.now())
    given: JsonObject = {"PrivateKey": ca.key_pem(key), "RootCert": own.root_cert}
    await mint.authority.configure("consul", given)
    created = mint.active().create_index
    await mint.authority.configure("consul", another_key())
    await mint.authority.configure("consul", given)
    assert (mint.active().id, mint.active().create_index) == (own.id, created)
    assert len(mint.roots()) == 3
    assert mint.life().rotated_out_at == 0


async def test_intermediate_is_renewed_at_half_of_its_life_under_the_same_root() -> None:
    mint = await started({"SignByIntermediate": True, "IntermediateCertTTL": "240h", "LeafCertTTL": "72h"})
    root, first = mint.active().id, mint.active().intermediate_certs
    await mint.pass_days(4.9, step_days=0.1)
    assert mint.active().intermediate_certs == first
    leaf = await mint.leaf()
    await mint.pass_days(0.2, step_days=0.1)
    assert mint.active().intermediate_certs != first
    assert mint.active().id == root
    assert mint.accepts(leaf.certificate)
    assert mint.accepts((await mint.leaf()).certificate)
    assert len(mint.log.named("ca.intermediate.renewed")) == 1


async def test_older_roots_go_on_vouching_when_the_intermediate_changes() -> None:
    mint = await started()
    before = mint.bundle()
    await mint.authority.configure("consul", another_key())
    await mint.authority.configure("consul", {"SignByIntermediate": True})
    assert mint.accepts((await mint.leaf()).certificate, before)
    await mint.authority.configure("consul", {})
    assert mint.accepts((await mint.leaf()).certificate, before)


async def test_roots_that_are_trusted_at_once_are_bounded() -> None:
    mint = await started()
    for _ in range(ROOTS_MAX - 1):
        await mint.authority.configure("consul", another_key())
    with pytest.raises(RequestError, match=f"{ROOTS_MAX} roots are trusted"):
        await mint.authority.configure("consul", another_key())


async def test_leaves_of_each_root_are_counted() -> None:
    mint = await started()
    first = mint.active().id
    for _ in range(3):
        await mint.leaf()
    await mint.authority.configure("consul", another_key())
    await mint.leaf()
    now = mint.clock.now()
    assert [outstanding(mint.life(root), now) for root in (first, mint.active().id)] == [3, 1]
    assert outstanding(mint.life(first), now + 5 * DAY_S) == 0


async def test_root_of_before_lives_were_remembered_stays_for_twice_the_life_of_leaves() -> None:
    mint = await started()
    old = await mint.leaf()
    table = mint.store.ca
    unremembered = CARootsSet(cluster_id=table.cluster_id, roots=[], keys=[], cas=table.roots_index)
    roots, keys = list(table.roots), table.keys()
    await mint.propose(unremembered)
    again = CARootsSet(cluster_id=table.cluster_id, roots=roots, keys=keys, cas=table.roots_index)
    await mint.propose(again)
    assert table.life(roots[0].id) is None
    await mint.authority.configure("consul", another_key())
    await mint.pass_days(2.9)
    assert mint.accepts(old.certificate)
    await mint.pass_days(4)
    assert len(mint.roots()) == 1


async def test_certificate_past_half_of_its_life_is_told_of_each_day() -> None:
    mint = await started()
    key = ca.new_key()
    own = make_root(
        key,
        cluster_id=mint.store.ca.cluster_id,
        serial=70,
        unique="own",
        now=mint.clock.now(),
        lifetime_s=20 * DAY_S,
    )
    await mint.authority.configure("consul", {"PrivateKey": ca.key_pem(key), "RootCert": own.root_cert})
    await mint.pass_days(9.5)
    assert not mint.log.named("ca.certificate.aged")
    await mint.pass_days(3)
    told = mint.log.named("ca.certificate.aged")
    assert [entry["left_days"] for entry in told] == [10.0, 9.0, 8.0]
    assert not told[0]["renewed_of_itself"]


async def test_leaves_from_after_a_backup_stay_good_when_it_is_restored() -> None:
    mint = await started()
    before = await mint.leaf()
    backup = restore_commands(mint.store)
    first = mint.active().id
    await mint.authority.configure("consul", another_key())
    after = await mint.leaf()
    for command in backup:
        await mint.propose(command)
    assert mint.active().id == first
    assert mint.accepts(before.certificate)
    assert mint.accepts(chain_text(parsed(after.certificate)[:1]))  # without what the first root vouches by
    assert mint.accepts((await mint.leaf()).certificate)
    assert mint.life(first).leaves_issued == 2
    await mint.pass_days(4)
    assert [root.id for root in mint.roots()] == [first]


async def test_backup_of_another_mesh_brings_its_own_roots_alone() -> None:
    mint, other = await started(), await started({"cluster_id": "99999999-9999-4999-8999-999999999999"})
    for command in restore_commands(other.store):
        await mint.propose(command)
    assert [root.id for root in mint.roots()] == [other.active().id]
    assert mint.accepts((await mint.leaf()).certificate, other.bundle())


async def test_leaf_that_was_under_way_while_the_root_changed_is_one_of_the_new_root() -> None:
    mint = await started()
    changes = [another_key()]

    async def change(command: Command) -> None:
        if isinstance(command, CASerialTake) and command.root_id and changes:
            await mint.authority.configure("consul", changes.pop())

    mint.before = change
    issued = await mint.leaf()
    assert issued.root_id == mint.active().id
    assert mint.accepts(chain_text(parsed(issued.certificate)[:1]), [mint.active().root_cert])
    assert mint.life().leaves_issued == 1


async def test_leaf_under_roots_that_change_without_end_is_refused() -> None:
    mint = await started()

    async def change(command: Command) -> None:
        if isinstance(command, CASerialTake) and command.root_id:
            await mint.authority.configure("consul", another_key())

    mint.before = change
    with pytest.raises(CatchingUpError, match="again and again"):
        await mint.leaf()


async def test_leaf_that_is_counted_while_the_root_changes_keeps_its_root_trusted() -> None:
    mint = await started()
    first = mint.active().id
    lives, plain = mint.store.ca.lives(), list(mint.store.ca.roots)
    until = (await mint.leaf()).valid_before
    table = mint.store.ca
    late = CARootsSet(cluster_id=table.cluster_id, roots=plain, keys=table.keys(), cas=table.roots_index, lives=lives)
    await mint.propose(late)
    assert mint.life(first).leaves_until >= until
    assert mint.life(first).leaves_issued == 1
