import time
from functools import partial

from lictor_core import topics as on
from lictor_server.state.indexes import Change
from lictor_server.state.watch import Watches

WEB, DB = on.service("web"), on.service("db")


def nothing() -> None:
    """Stands for whoever waits."""


def change(*, woken: on.Topic | None = None, stamped: on.Topic | None = None, key: str | None = None) -> Change:
    made = Change(5)
    if woken is not None:
        made.wake(woken)
    if stamped is not None:
        made.stamp(stamped)
    if key is not None:
        made.keys.append(key)
    return made


def test_a_watch_is_called_once() -> None:
    watches, calls = Watches(), list[str]()
    watches.add([WEB, DB], partial(calls.append, "called"))
    assert watches.fire(change(woken=WEB)) == 1
    assert watches.fire(change(woken=DB)) == 0
    assert calls == ["called"]
    assert len(watches) == 0


def test_a_change_of_the_stamp_alone_calls_nobody() -> None:
    watches, calls = Watches(), list[str]()
    watches.add([WEB], partial(calls.append, "called"))
    watches.fire(change(stamped=WEB))
    assert calls == []


def test_a_key_calls_those_who_watch_it_or_a_prefix_of_it() -> None:
    watches, calls = Watches(), list[str]()
    for prefix in ("", "app/", "app/db/x", "other/"):
        watches.add([on.key_prefix(prefix)], partial(calls.append, f"prefix {prefix}"))
    watches.add([on.key("app/db")], partial(calls.append, "key"))
    watches.fire(change(key="app/db"))
    assert sorted(calls) == ["key", "prefix ", "prefix app/"]


def test_a_removed_watch_leaves_nothing_behind() -> None:
    watches = Watches()
    added = [watches.add([WEB, on.key_prefix("a")], nothing) for _ in range(3)]
    for watch in [*added, added[0]]:
        watches.remove(watch)
    assert len(watches) == 0
    assert watches.fire_all() == 0


def test_a_callback_may_watch_again() -> None:
    watches, calls = Watches(), list[int]()

    def again() -> None:
        calls.append(1)
        watches.add([WEB], again)

    watches.add([WEB], again)
    watches.fire(change(woken=WEB))
    assert (len(calls), len(watches)) == (1, 1)


def test_all_are_called_when_the_server_ends() -> None:
    watches, calls = Watches(), list[str]()
    watches.add([WEB], partial(calls.append, "exact"))
    watches.add([on.key_prefix("a")], partial(calls.append, "prefix"))
    assert watches.fire_all() == 2
    assert sorted(calls) == ["exact", "prefix"]


def test_a_change_costs_nothing_for_those_who_watch_other_things() -> None:
    """Ten thousand other watches may not make a change ten times slower; measured generously."""

    def cost(others: int) -> float:
        watches = Watches()
        for number in range(others):
            watches.add([on.service(f"s{number}"), on.key_prefix(f"p{number:05}/")], nothing)
        best = float("inf")
        for _ in range(20):
            started = time.perf_counter()
            for _ in range(100):
                watches.fire(change(woken=WEB, key="q/x"))
            best = min(best, time.perf_counter() - started)
        return best

    assert cost(10_000) < 10 * cost(10)


def test_a_watch_with_stamps_is_called_for_silent_changes_too_and_counts_not_as_waiting() -> None:
    watches, calls = Watches(), list[str]()
    watches.add([WEB, DB], partial(calls.append, "called"), with_stamps=True)
    assert len(watches) == 0
    assert watches.fire(change(stamped=WEB)) == 1
    assert watches.fire(change(stamped=DB)) == 0
    removed = watches.add([WEB], partial(calls.append, "removed"), with_stamps=True)
    watches.remove(removed)
    watches.fire(change(stamped=WEB, woken=WEB))
    assert calls == ["called"]


def test_many_keys_of_one_change_call_whom_each_of_them_concerns() -> None:
    watches, calls = Watches(), list[str]()
    for name in ("a/1", "a/none", "c"):
        watches.add([on.Topic("key", name)], partial(calls.append, name))
    for name in ("a/", "a/2", "b", ""):
        watches.add([on.Topic("key-prefix", name)], partial(calls.append, f"under {name}"))
    watches.add([WEB], partial(calls.append, "web"))
    made = Change(5)
    made.keys += [f"a/{number}" for number in range(100)]
    assert watches.fire(made) == 4
    assert sorted(calls) == ["a/1", "under ", "under a/", "under a/2"]
