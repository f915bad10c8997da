"""Every attacker at every door is refused, and who may come in still does."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.attackers.fortress import Fortress, fortress
from tests.attackers.kinds import Attacker, Because, Door
from tests.attackers.matrix import CELLS, cells
from tests.attackers.visits import has_come_in, visit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def fort(tmp_path_factory: pytest.TempPathFactory) -> Generator[Fortress]:
    directory: Path = tmp_path_factory.mktemp("fortress")
    with fortress(directory) as standing:
        yield standing


def test_every_attacker_stands_at_every_door() -> None:
    assert set(CELLS) == set(Attacker)
    for attacker, row in CELLS.items():
        assert set(row) == set(Door), attacker
        for cell in row.values():
            assert cell.reason if isinstance(cell, Because) else cell


@pytest.mark.parametrize("door", Door, ids=lambda door: door.name)
def test_who_may_come_in_does(fort: Fortress, door: Door) -> None:
    heard = visit(fort, door)
    assert has_come_in(door, heard), heard[:300]


@pytest.mark.parametrize(("attacker", "door"), cells(), ids=lambda one: one.name)
def test_an_attacker_is_refused(fort: Fortress, attacker: Attacker, door: Door) -> None:
    cell = CELLS[attacker][door]
    assert not isinstance(cell, Because)
    for attack in cell:
        attack(fort, door)
    assert fort.programs_live(), "a process has ended"
