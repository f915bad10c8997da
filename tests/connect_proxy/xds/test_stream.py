"""What an Envoy is told, and when: conversations, and a law about all of them."""

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_connect_proxy.xds import stream as stream_module
from lictor_connect_proxy.xds.kinds import CLUSTER, ENDPOINTS, EXTENSION, LISTENER, ORDER, ROUTES, SECRET
from lictor_connect_proxy.xds.resources import Encoded, State, empty
from lictor_connect_proxy.xds.stream import (
    NAMES_MAX,
    DeltaRequest,
    DeltaResponse,
    DeltaStream,
    Rejection,
)
from lictor_core.errors import OverloadedError

OTHER = "type.googleapis.com/envoy.service.runtime.v3.Runtime"


def resource(version: str, *children: str, body: bytes = b"") -> Encoded:
    return Encoded(version, body or version.encode(), children)


def asking(kind: str, *names: str, versions: Mapping[str, str] | None = None) -> DeltaRequest:
    return DeltaRequest(kind=kind, subscribe=names, versions=versions or {})


def taken(response: DeltaResponse) -> DeltaRequest:
    return DeltaRequest(kind=response.kind, nonce=response.nonce)


def refused(response: DeltaResponse, error: str) -> DeltaRequest:
    return DeltaRequest(kind=response.kind, nonce=response.nonce, error=error)


def told(responses: Iterable[DeltaResponse]) -> list[tuple[str, list[tuple[str, str]], list[str]]]:
    """Kind, names with versions, removed names: without the type's long path."""
    return [
        (one.kind.rpartition(".")[2], [(name, held.version) for name, held in one.resources], list(one.removed))
        for one in responses
    ]


def begun(state: State, **names: tuple[str, ...]) -> DeltaStream:
    """A stream whose client holds what it wants of `state`: all clusters and listeners, and the `names` of others."""
    stream = DeltaStream()
    for kind in ORDER:
        wanted = names.get(kind.rpartition(".")[2], ())
        if wanted or kind in (CLUSTER, LISTENER):
            stream.receive(asking(kind, *wanted))
    for _ in range(10):
        for response in stream.respond(state, 0):
            stream.receive(taken(response))
    assert stream.respond(state, 0) == []
    assert stream.applied == 0
    return stream


def test_nobody_is_told_what_nobody_asked_for() -> None:
    assert DeltaStream().respond({CLUSTER: {"db": resource("1")}}, 0) == []


def test_kinds_go_out_in_the_order_of_what_refers_to_what() -> None:
    stream = DeltaStream()
    for kind in reversed(ORDER):
        stream.receive(asking(kind, *(() if kind in (CLUSTER, LISTENER) else ("x",))))
    responses = stream.respond({kind: {"x": resource("1")} for kind in ORDER}, 0)
    assert [one.kind for one in responses] == list(ORDER)
    assert len({one.nonce for one in responses}) == len(ORDER)


def test_only_what_changed_is_told() -> None:
    state = {CLUSTER: {"a": resource("1"), "b": resource("1")}}
    stream = begun(state)
    assert told(stream.respond({CLUSTER: {"a": resource("1"), "b": resource("2")}}, 1)) == [
        ("Cluster", [("b", "2")], [])
    ]


def test_a_client_that_names_clusters_gets_those_alone() -> None:
    stream = DeltaStream()
    stream.receive(asking(CLUSTER, "a"))
    assert told(stream.respond({CLUSTER: {"a": resource("1"), "b": resource("1")}}, 0)) == [
        ("Cluster", [("a", "1")], [])
    ]


def test_a_star_means_all() -> None:
    stream = DeltaStream()
    stream.receive(asking(CLUSTER, "*"))
    assert told(stream.respond({CLUSTER: {"a": resource("1")}}, 0)) == [("Cluster", [("a", "1")], [])]


def test_only_the_first_request_asks_for_all_by_naming_nothing() -> None:
    stream = DeltaStream()
    stream.receive(asking(CLUSTER, "a"))
    stream.receive(asking(CLUSTER))
    assert told(stream.respond({CLUSTER: {"a": resource("1"), "b": resource("1")}}, 0)) == [
        ("Cluster", [("a", "1")], [])
    ]


def test_the_versions_of_a_first_request_are_believed() -> None:
    stream = DeltaStream()
    stream.receive(asking(CLUSTER, versions={"a": "1", "b": "1", "gone": "1"}))
    stream.receive(asking(LISTENER, versions={"in": "1"}))
    state = {CLUSTER: {"a": resource("1"), "b": resource("2")}, LISTENER: {"in": resource("1")}}
    responses = stream.respond(state, 0)
    assert told(responses) == [("Cluster", [("b", "2")], [])]
    stream.receive(taken(responses[0]))
    assert told(stream.respond(state, 0)) == [("Cluster", [], ["gone"])]


def test_a_name_that_is_subscribed_again_is_told_again() -> None:
    state = {SECRET: {"leaf": resource("1")}}
    stream = begun(state, Secret=("leaf",))
    stream.receive(asking(SECRET, "leaf"))
    assert told(stream.respond(state, 0)) == [("Secret", [("leaf", "1")], [])]


def test_what_is_not_wanted_any_more_is_not_told() -> None:
    stream = begun({SECRET: {"leaf": resource("1")}}, Secret=("leaf",))
    stream.receive(DeltaRequest(kind=SECRET, unsubscribe=("leaf",)))
    assert stream.respond({SECRET: {"leaf": resource("2")}}, 1) == []


def test_a_changed_cluster_takes_its_endpoints_along() -> None:
    endpoints = {"db": resource("1"), "web": resource("1")}
    state = {CLUSTER: {"db": resource("1", "db"), "web": resource("1", "web")}, ENDPOINTS: endpoints}
    stream = begun(state, ClusterLoadAssignment=("db", "web"))
    changed = {**state, CLUSTER: {**state[CLUSTER], "db": resource("2", "db")}}
    assert told(stream.respond(changed, 1)) == [
        ("Cluster", [("db", "2")], []),
        ("ClusterLoadAssignment", [("db", "1")], []),
    ]


def test_a_changed_listener_takes_its_routes_along() -> None:
    state = {LISTENER: {"in": resource("1", "in")}, ROUTES: {"in": resource("1")}}
    stream = begun(state, RouteConfiguration=("in",))
    assert told(stream.respond({**state, LISTENER: {"in": resource("2", "in")}}, 1)) == [
        ("Listener", [("in", "2")], []),
        ("RouteConfiguration", [("in", "1")], []),
    ]


def test_endpoints_follow_a_changed_cluster_though_the_client_holds_them_from_before() -> None:
    stream = DeltaStream()
    state = {CLUSTER: {"db": resource("2", "db")}, ENDPOINTS: {"db": resource("1")}}
    stream.receive(asking(CLUSTER, versions={"db": "1"}))
    assert told(stream.respond(state, 0)) == [("Cluster", [("db", "2")], [])]
    stream.receive(asking(ENDPOINTS, "db", versions={"db": "1"}))
    assert told(stream.respond(state, 0)) == [("ClusterLoadAssignment", [("db", "1")], [])]


def test_endpoints_that_a_broken_stream_owed_are_told_by_the_next() -> None:
    state = {CLUSTER: {"db": resource("1", "db")}, ENDPOINTS: {"db": resource("1")}}
    stream = begun(state, ClusterLoadAssignment=("db",))
    changed = {**state, CLUSTER: {"db": resource("2", "db")}}
    assert len(stream.respond(changed, 1)) == 2
    after = DeltaStream(stream.owed)
    after.receive(asking(CLUSTER, versions={"db": "2"}))
    after.receive(asking(ENDPOINTS, "db", versions={"db": "1"}))
    assert told(after.respond(changed, 1)) == [("ClusterLoadAssignment", [("db", "1")], [])]
    after = DeltaStream(begun(state, ClusterLoadAssignment=("db",)).owed)
    after.receive(asking(ENDPOINTS, "db", versions={"db": "1"}))
    assert after.respond(state, 1) == []


def test_clusters_go_when_all_else_was_taken() -> None:
    state = {CLUSTER: {"db": resource("1")}, LISTENER: {"db": resource("1"), "in": resource("1")}}
    stream = begun(state)
    after = {LISTENER: {"in": resource("2")}}
    responses = stream.respond(after, 1)
    assert told(responses) == [("Listener", [("in", "2")], ["db"])]
    assert stream.respond(after, 1) == []
    stream.receive(taken(responses[0]))
    assert told(stream.respond(after, 1)) == [("Cluster", [], ["db"])]


def test_one_response_of_a_kind_is_under_way_at_most_and_holds_back_what_builds_on_its_successor() -> None:
    state = {CLUSTER: {"db": resource("1")}, LISTENER: {"in": resource("1")}, SECRET: {"leaf": resource("1")}}
    stream = begun(state, Secret=("leaf",))
    first = stream.respond({**state, CLUSTER: {"db": resource("2")}}, 1)
    later = {CLUSTER: {"db": resource("3")}, LISTENER: {"in": resource("3")}, SECRET: {"leaf": resource("3")}}
    assert told(stream.respond(later, 2)) == [("Secret", [("leaf", "3")], [])]
    stream.receive(taken(first[0]))
    assert told(stream.respond(later, 2)) == [("Cluster", [("db", "3")], []), ("Listener", [("in", "3")], [])]


def test_a_large_state_goes_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "RESPONSE_BYTES_MAX", 10)
    stream = DeltaStream()
    stream.receive(asking(CLUSTER))
    stream.receive(asking(LISTENER))
    sizes = {"a": 6, "b": 6, "c": 4, "d": 20}
    state = {
        CLUSTER: {name: resource("1", body=b"x" * size) for name, size in sizes.items()},
        LISTENER: {"in": resource("1")},
    }
    seen: list[list[str]] = []
    for _ in range(4):
        for response in stream.respond(state, 0):
            seen.append([name for name, _ in response.resources])
            stream.receive(taken(response))
    assert seen == [["a"], ["b", "c"], ["d"], ["in"]]


def test_what_was_rejected_is_told_again_only_when_it_is_different() -> None:
    stream = DeltaStream()
    stream.receive(asking(LISTENER))
    bad = {LISTENER: {"in": resource("1")}}
    response = stream.respond(bad, 1)[0]
    assert stream.receive(refused(response, "Address already in use")) == Rejection(
        LISTENER, ("in",), "Address already in use"
    )
    assert stream.respond(bad, 1) == []
    assert stream.rejected == (Rejection(LISTENER, ("in",), "Address already in use"),)
    good = {LISTENER: {"in": resource("2")}}
    [response] = stream.respond(good, 2)
    assert stream.rejected
    stream.receive(taken(response))
    assert not stream.rejected


def test_a_rejection_is_forgotten_with_its_resource() -> None:
    stream = DeltaStream()
    stream.receive(asking(LISTENER))
    stream.receive(refused(stream.respond({LISTENER: {"in": resource("1")}}, 1)[0], "no"))
    stream.respond({}, 2)
    assert stream.rejected == ()


def test_who_is_not_at_fault_is_told_once_more_alone() -> None:
    state = {LISTENER: {name: resource("1") for name in ("a", "a-2", "b")}}
    stream = DeltaStream()
    stream.receive(asking(LISTENER))
    [response] = stream.respond(state, 1)
    rejection = stream.receive(refused(response, "Error adding listener(s) a-2: no such filter"))
    assert rejection is not None
    assert rejection.names == ("a-2",)
    again = stream.respond(state, 1)
    assert told(again) == [("Listener", [("a", "1"), ("b", "1")], [])]
    stream.receive(taken(again[0]))
    assert stream.respond(state, 1) == []
    assert [one.names for one in stream.rejected] == [("a-2",)]


def test_a_fault_without_a_name_is_found_by_halving() -> None:
    state = {CLUSTER: {name: resource("1") for name in "abcdefg"}}
    stream = DeltaStream()
    stream.receive(asking(CLUSTER))
    stream.receive(asking(LISTENER))
    accepted: set[str] = set()
    for _ in range(20):
        for response in stream.respond(state, 1):
            names = {name for name, _ in response.resources}
            if "e" in names:
                stream.receive(refused(response, "validation failed: VALUE OUT OF RANGE"))
            else:
                accepted |= names
                stream.receive(taken(response))
    assert accepted == set("abcdfg")
    assert [one.names for one in stream.rejected] == [("e",)]
    assert stream.applied == 1


def test_names_that_nobody_knows_are_answered_empty() -> None:
    stream = DeltaStream()
    stream.receive(asking(ENDPOINTS, "nobody"))
    stream.receive(asking(ROUTES, "nowhere"))
    stream.receive(asking(SECRET, "nothing"))
    endpoints, routes = empty(ENDPOINTS, "nobody"), empty(ROUTES, "nowhere")
    assert endpoints is not None
    assert routes is not None
    assert told(stream.respond({}, 0)) == [
        ("ClusterLoadAssignment", [("nobody", endpoints.version)], []),
        ("RouteConfiguration", [("nowhere", routes.version)], []),
    ]


def test_endpoints_that_vanish_before_their_cluster_are_kept_by_the_client() -> None:
    state = {CLUSTER: {"db": resource("1", "db")}, ENDPOINTS: {"db": resource("1")}}
    stream = begun(state, ClusterLoadAssignment=("db",))
    assert told(stream.respond({}, 1)) == [("Cluster", [], ["db"])]


def test_who_asks_for_all_of_nothing_is_told_that_there_is_nothing_once() -> None:
    stream = DeltaStream()
    stream.receive(asking(CLUSTER))
    stream.receive(asking(LISTENER, "*"))
    responses = stream.respond({}, 0)
    assert told(responses) == [("Cluster", [], []), ("Listener", [], [])]
    for response in responses:
        stream.receive(taken(response))
    assert stream.respond({}, 0) == []
    again = DeltaStream()
    again.receive(asking(CLUSTER, versions={"db": "1"}))
    again.receive(asking(LISTENER, versions={"in": "1"}))
    assert told(again.respond({LISTENER: {"in": resource("1")}}, 0)) == [("Cluster", [], ["db"])]


def test_of_a_kind_that_is_not_served_there_is_nothing_and_that_is_said() -> None:
    stream = DeltaStream()
    stream.receive(asking(OTHER, "layer"))
    [response] = stream.respond({}, 0)
    assert told([response]) == [("Runtime", [], ["layer"])]
    stream.receive(taken(response))
    assert stream.respond({}, 0) == []


def test_an_answer_to_an_older_response_changes_nothing() -> None:
    stream = DeltaStream()
    stream.receive(asking(CLUSTER))
    stream.receive(asking(LISTENER, versions={"in": "1"}))
    state = {CLUSTER: {"a": resource("1")}, LISTENER: {"in": resource("1")}}
    [response] = stream.respond(state, 1)
    assert stream.receive(DeltaRequest(kind=CLUSTER, nonce="stale", error="no")) is None
    assert stream.respond(state, 1) == []
    assert stream.applied is None
    stream.receive(taken(response))
    stream.respond(state, 1)
    assert stream.applied == 1


def test_a_state_is_applied_when_all_that_is_wanted_of_it_was_answered() -> None:
    state = {LISTENER: {"in": resource("1")}, SECRET: {"leaf": resource("1")}}
    stream = begun(state, Secret=("leaf",))
    [response] = stream.respond({**state, SECRET: {"leaf": resource("2")}}, 7)
    assert stream.applied == 0
    stream.receive(taken(response))
    stream.respond({**state, SECRET: {"leaf": resource("2")}}, 7)
    assert stream.applied == 7


def test_a_client_that_comes_again_runs_nothing_before_it_said_which_secrets_it_holds() -> None:
    state = {CLUSTER: {"db": resource("1")}, LISTENER: {"in": resource("1")}, SECRET: {"leaf": resource("2")}}
    stream = DeltaStream()
    stream.receive(asking(CLUSTER, versions={"db": "1"}))
    stream.receive(asking(LISTENER, versions={"in": "1"}))
    assert stream.respond(state, 5) == []
    assert stream.applied is None
    stream.receive(asking(SECRET, "leaf", versions={"leaf": "1"}))
    [response] = stream.respond(state, 5)
    assert stream.applied is None
    stream.receive(taken(response))
    stream.respond(state, 5)
    assert stream.applied == 5


def test_a_client_that_asks_for_too_much_is_refused() -> None:
    stream = DeltaStream()
    with pytest.raises(OverloadedError, match=str(NAMES_MAX)):
        stream.receive(asking(SECRET, *(str(number) for number in range(NAMES_MAX + 1))))
    for number in range(stream_module.KINDS_MAX - len(ORDER)):
        stream.receive(asking(f"kind {number}"))
    with pytest.raises(OverloadedError, match="kinds"):
        stream.receive(asking("one too many"))


class _Client:
    """An Envoy as far as a stream sees it: wants all clusters and listeners, and the children of what it holds."""

    def __init__(self, refuses: frozenset[str]) -> None:
        self.held: dict[str, dict[str, str]] = {kind: {} for kind in ORDER}
        self.wanted: dict[str, set[str]] = {ENDPOINTS: set(), ROUTES: set()}
        self.children: dict[str, dict[str, tuple[str, ...]]] = {CLUSTER: {}, LISTENER: {}}
        self.waits: set[tuple[str, str]] = set()
        self._refuses = refuses

    def connect(self) -> list[DeltaRequest]:
        first = [asking(CLUSTER, versions=self.held[CLUSTER]), asking(LISTENER, versions=self.held[LISTENER])]
        for kind, names in self.wanted.items():
            if names:
                first.append(asking(kind, *sorted(names), versions=self.held[kind]))
        return first

    def take(self, response: DeltaResponse) -> list[DeltaRequest]:
        kind = response.kind
        bad = [name for name, one in response.resources if one.version in self._refuses]
        for name, one in response.resources:
            if name in bad or name not in self.wanted.get(kind, {name}):
                continue  # Envoy, too, does not keep what it does not want any more
            self.held[kind][name] = one.version
            self.waits.discard((kind, name))
            if kind in self.children:
                self.children[kind][name] = one.children
                child = ENDPOINTS if kind == CLUSTER else ROUTES
                self.waits.update((child, name) for name in one.children)
        for name in response.removed:
            self.held[kind].pop(name, None)
            self.children.get(kind, {}).pop(name, None)
        error = f"Error adding {bad[0]}: bad" if bad else None
        return [DeltaRequest(kind=kind, nonce=response.nonce, error=error), *self._resubscribe(kind)]

    def _resubscribe(self, kind: str) -> list[DeltaRequest]:
        if kind not in self.children:
            return []
        child = ENDPOINTS if kind == CLUSTER else ROUTES
        needed = {name for names in self.children[kind].values() for name in names}
        more, less = needed - self.wanted[child], self.wanted[child] - needed
        self.wanted[child] = needed
        for name in less:
            self.held[child].pop(name, None)
        self.waits = {(kind, name) for kind, name in self.waits if kind != child or name in needed}
        if not more and not less:
            return []
        return [DeltaRequest(kind=child, subscribe=tuple(sorted(more)), unsubscribe=tuple(sorted(less)))]


def parent(version: str, children: list[str]) -> Encoded:
    return resource(version + "".join(children), *children)


VERSIONS = st.sampled_from(["1", "2", "3"])
NAMES = st.sampled_from(["a", "b", "c"])
CHILDREN = st.lists(NAMES, max_size=2, unique=True)
PARENTS = st.dictionaries(NAMES, st.builds(parent, VERSIONS, CHILDREN))
LEAVES = st.dictionaries(NAMES, st.builds(resource, VERSIONS))
STATES = st.fixed_dictionaries({CLUSTER: PARENTS, ENDPOINTS: LEAVES, LISTENER: PARENTS, ROUTES: LEAVES})
STEPS = st.tuples(STATES, st.integers(0, 4), st.booleans())


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(STEPS, min_size=1, max_size=6), refuses=st.frozensets(st.sampled_from(["3", "3a", "2b"])))
def test_whatever_happens_a_client_ends_with_what_it_shall_have(
    steps: list[tuple[dict[str, dict[str, Encoded]], int, bool]], refuses: frozenset[str]
) -> None:
    """States change while messages are under way, streams break; in the end nothing is missing and nobody waits."""
    client, stream = _Client(refuses), DeltaStream()
    queue = client.connect()
    for stamp, (state, answers, breaks) in enumerate(steps):
        if breaks:
            stream, queue = DeltaStream(stream.owed), client.connect()
        for _ in range(answers):
            queue = _exchange(stream, client, queue, state, stamp, 1)
    state, stamp = steps[-1][0], len(steps)
    for _ in range(60):
        queue = _exchange(stream, client, queue, state, stamp, 100)
    assert queue == []
    assert stream.respond(state, stamp) == []
    assert stream.applied == stamp
    for kind in (CLUSTER, LISTENER):
        good = {name: one.version for name, one in state[kind].items() if one.version not in refuses}
        held = {name: version for name, version in client.held[kind].items() if name in good}
        assert held == good
        assert client.held[kind].keys() <= state[kind].keys()
    for kind, names in client.wanted.items():
        for name in names:
            one = state[kind].get(name)
            assert name in client.held[kind] or (one is not None and one.version in refuses)
            if one is not None and one.version not in refuses:
                assert client.held[kind][name] == one.version
    still = {(kind, name) for kind, name in client.waits if not _is_refused(state, kind, name, refuses)}
    assert still == set()


def _exchange(
    stream: DeltaStream, client: _Client, queue: list[DeltaRequest], state: State, stamp: int, count: int
) -> list[DeltaRequest]:
    """Hand over `count` requests, and let the client take what is answered."""
    for request in queue[:count]:
        stream.receive(request)
    rest = queue[count:]
    for response in stream.respond(state, stamp):
        rest.extend(client.take(response))
    return rest


def _is_refused(state: State, kind: str, name: str, refuses: frozenset[str]) -> bool:
    one = state[kind].get(name)
    return one is not None and one.version in refuses


def test_extensions_are_told_last() -> None:
    assert ORDER[-1] == EXTENSION
