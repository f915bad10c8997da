import pytest

from lictor_core.commands import KVSet
from lictor_server.state import Store, apply
from lictor_server.state.ca import CATable
from lictor_server.state.exchange import exchange
from lictor_server.state.kv import KVTable


def test_each_table_holds_what_the_other_held() -> None:
    one, other = Store("dc1"), Store("dc1")
    apply(one, 5, KVSet(key="a", value=b"1"))
    exchange(one.kv, other.kv)
    assert one.kv.get("a") is None
    assert other.kv.get("a") is not None


def test_tables_of_two_kinds_stay_where_they_are() -> None:
    with pytest.raises(AssertionError, match="one kind"):
        exchange(KVTable(), CATable())
