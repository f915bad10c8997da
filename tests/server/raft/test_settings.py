import dataclasses

import msgspec
import pytest

from lictor_agent.views.settings import ViewSettings
from lictor_core.errors import ConfigurationError
from lictor_server.raft.settings import RaftSettings

TICK_S = 1.0
"""How often agents are told how old the state of their server may be."""


def with_one(name: str, value: float) -> RaftSettings:
    """The defaults but for one number."""
    fields: dict[str, object] = {**dataclasses.asdict(RaftSettings()), name: value}
    return msgspec.convert(fields, RaftSettings)


def test_defaults_fit_together() -> None:
    assert RaftSettings().checked() == RaftSettings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tick_s", 0.2),
        ("election_min_s", 0.3),
        ("election_max_s", 0.5),
        ("leader_fallback_s", 0.05),
        ("connection_timeout_s", 0.9),
        ("batch_bytes", 0),
        ("queue_max", 0),
        ("write_timeout_s", 0.0),
    ],
)
def test_each_broken_relation_is_named(name: str, value: float) -> None:
    with pytest.raises(
        ConfigurationError, match=name if name not in ("batch_bytes", "queue_max", "write_timeout_s") else "must be"
    ):
        with_one(name, value).checked()


def test_all_broken_relations_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"(?s)heartbeat_s.*election_max_s"):
        RaftSettings(heartbeat_s=2.0, election_max_s=0.1).checked()


@pytest.mark.parametrize(("multiplier", "heartbeat_s"), [(1, 0.1), (2, 0.2), (5, 0.5), (10, 0.5)])
def test_leaders_of_patient_servers_speak_often_enough_for_agents_to_take_followers_for_current(
    multiplier: int, heartbeat_s: float
) -> None:
    scaled = RaftSettings().scaled(multiplier).checked()
    assert (scaled.heartbeat_s, scaled.election_min_s) == (heartbeat_s, 0.5 * multiplier)
    assert 2 * scaled.heartbeat_s + TICK_S < ViewSettings().fresh_s


def test_a_heartbeat_that_is_slow_already_gets_no_faster() -> None:
    assert RaftSettings(heartbeat_s=0.8, election_min_s=4.0, election_max_s=5.0).scaled(2).heartbeat_s == 0.8
