from hypothesis import given
from hypothesis import strategies as st

from lictor_connect_proxy.commands import Abort, Close, Command, Finish
from lictor_connect_proxy.events import Finished, Lost, Side
from lictor_connect_proxy.layers.relay import RelayLayer


def test_one_side_that_finishes_leaves_the_other_direction_open() -> None:
    assert RelayLayer().handle(Finished(Side.LOCAL)) == [Finish(Side.MESH)]
    assert RelayLayer().handle(Finished(Side.MESH)) == [Finish(Side.LOCAL)]


def test_the_connection_closes_when_both_sides_finished() -> None:
    relay = RelayLayer()
    relay.handle(Finished(Side.LOCAL))
    assert relay.handle(Finished(Side.MESH)) == [Finish(Side.LOCAL), Close()]


def test_a_lost_side_cuts_the_other() -> None:
    relay = RelayLayer()
    assert relay.handle(Lost(Side.MESH, "reset")) == [Abort()]


def test_a_lost_side_cuts_also_after_a_half_close() -> None:
    relay = RelayLayer()
    relay.handle(Finished(Side.LOCAL))
    assert relay.handle(Lost(Side.MESH, "reset")) == [Abort()]


_EVENTS = st.one_of(
    st.builds(Finished, st.sampled_from(Side)), st.builds(Lost, st.sampled_from(Side), st.just("broken"))
)


@given(st.lists(_EVENTS, max_size=8))
def test_a_relay_ends_once_and_finishes_each_side_at_most_once(events: list[Finished | Lost]) -> None:
    relay = RelayLayer()
    commands: list[Command] = [command for event in events for command in relay.handle(event)]
    assert sum(isinstance(command, Close | Abort) for command in commands) <= 1
    assert commands.count(Finish(Side.LOCAL)) <= 1
    assert commands.count(Finish(Side.MESH)) <= 1
    if any(isinstance(event, Lost) for event in events):
        assert isinstance(commands[-1], Close | Abort)
