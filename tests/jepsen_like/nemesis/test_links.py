"""Faults of links that are bad: whose they are, how bad, and that they are good again."""

from __future__ import annotations

from random import Random

import pytest

from lictor_jepsen.nemesis import Surroundings, subject
from lictor_jepsen.nemesis.links import LINKS
from lictor_jepsen.wire import Shape
from tests.jepsen_like.nemesis.cables import Cables


@pytest.mark.parametrize("fault", LINKS)
async def test_all_links_of_the_victims_are_bad_both_ways_and_good_again_at_the_end(
    wired: Surroundings, net: Cables, fault: str
) -> None:
    told = await LINKS[fault].begin(wired.acting(fault), Random(7))
    victims = told.removeprefix("links of ").partition(":")[0].split(", ")
    [shape] = set(net.shapes.values())
    assert shape != Shape()
    assert told.endswith(f": {shape}")
    everybody = [node.name for node in wired.cluster.everybody]
    assert {(link.source.name, link.target.name) for link in net.shapes} == {
        (a, b) for a in everybody for b in everybody if a != b and (a in victims or b in victims)
    }
    await LINKS[fault].end(wired.acting(fault))
    assert net.shapes == {}


async def test_the_leader_is_the_one_whose_links_are_bad(wired: Surroundings, net: Cables) -> None:
    await LINKS["bad-leader-links"].begin(wired.acting("bad-leader-links"), Random(7))
    assert all(net.nodes[2] in link for link in net.shapes)


def test_two_faults_of_bad_links_are_never_at_once() -> None:
    assert {subject(name) for name in LINKS} == {"links"}
