import msgspec
import pytest

from lictor_core.codec import pack, unpack
from lictor_core.errors import RequestError
from lictor_core.limits import NESTING_MAX
from lictor_server.state import Store, apply
from lictor_server.state.loading import FORMAT, INDEX_MAX, Chunk, Header, Loader
from lictor_server.state.snapshot import take
from tests.server.build import node, register, service
from tests.server.golden import content
from tests.server.state.test_snapshot import filled


def load(chunks: list[bytes]) -> Store:
    loader = Loader(Store, may_hold_restore=False)
    for chunk in chunks:
        loader.feed(chunk)
    return loader.finish()


def test_nothing_is_no_snapshot() -> None:
    with pytest.raises(RequestError, match="empty"):
        load([])


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(RequestError, match="does not know: dream"):
        load([next(take(filled())), pack(Chunk(table="dream", rows=[]))])


def test_tables_in_another_order_are_refused() -> None:
    first, nodes, services, *_ = take(filled())
    assert (unpack(nodes, Chunk).table, unpack(services, Chunk).table) == ("node", "service")
    with pytest.raises(RequestError, match="node after service"):
        load([first, nodes, services, nodes])


def test_a_format_from_the_future_is_refused_by_number() -> None:
    header = {**unpack(next(take(filled())), dict[str, object]), "format": FORMAT + 1}
    with pytest.raises(RequestError, match=f"format {FORMAT + 1}, this server reads 1 and 2"):
        load([pack(header)])


def test_a_header_without_what_came_later_is_read_as_nothing_of_it() -> None:
    header = unpack(next(take(filled())), dict[str, object])
    for name in ("index_shift", "index_floor", "requests_forgotten_up_to"):
        del header[name]
    store = load([pack(header)])
    assert (store.index_shift, store.index_floor) == (0, 1)
    assert unpack(pack(header), Header).requests_forgotten_up_to == 0


@pytest.mark.parametrize("name", ["index", "index_shift", "index_floor", "catalog_index", "last_serial"])
@pytest.mark.parametrize("number", [-1, INDEX_MAX + 1, 2**64 - 1])
def test_numbers_that_no_server_gave_are_refused(name: str, number: int) -> None:
    """Indexes would go on from there, until they fit nowhere."""
    header = {**unpack(next(take(filled())), dict[str, object]), name: number}
    with pytest.raises(RequestError, match="no server ever gave"):
        load([pack(header)])
    load([pack({**header, name: INDEX_MAX})])


def test_a_configuration_that_a_server_could_fail_to_compare_is_refused() -> None:
    store = filled()
    deep: dict[str, object] = {}
    for _ in range(NESTING_MAX):
        deep = {"a": deep}
    web = service("web")
    web = msgspec.structs.replace(web, proxy=msgspec.structs.replace(web.proxy, config=deep))
    apply(store, store.index + 1, register(node("n9"), service=web))
    with pytest.raises(RequestError, match="in the snapshot nests more"):
        load(list(take(store)))


def twice(table: str, change: dict[str, object]) -> list[bytes]:
    """A snapshot in which the first row of a table stands once more, with these of its fields."""
    found: list[bytes] = []
    for chunk in take(content.filled(), with_restore=False):
        if found and (rows := unpack(chunk, Chunk)).table == table:
            again = pack({**unpack(rows.rows[0], dict[str, object]), **change})
            chunk = pack(Chunk(table=table, rows=[*rows.rows, again]))
        found.append(chunk)
    return found


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("session", {}),
        ("prepared-query", {}),
        ("prepared-query", {"ID": "cccccccc-0000-4000-8000-cccccccccccc"}),
        ("intention", {}),
        ("intention", {"ID": "another"}),
    ],
)
def test_what_would_stand_twice_under_one_name_is_refused(table: str, change: dict[str, object]) -> None:
    """A server that took it would end itself when one of the two goes."""
    with pytest.raises(RequestError, match="twice"):
        load(twice(table, change))


@pytest.mark.parametrize(("table", "field"), [("intention", "JWT"), ("config-entry", "Body")])
def test_what_nests_too_deep_to_be_written_everywhere_is_refused(table: str, field: str) -> None:
    deep: dict[str, object] = {}
    for _ in range(NESTING_MAX + 1):
        deep = {"a": deep}
    body = {"Config": deep, "MeshGateway": {}, "Expose": {}}
    change: dict[str, object] = {field: deep}
    if table == "config-entry":
        change = {"Kind": "proxy-defaults", "Name": "global", field: body}
    with pytest.raises(RequestError, match="nests more"):
        load(twice(table, change))
