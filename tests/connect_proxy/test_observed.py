import msgspec

from lictor_connect_proxy.observed import leaf_left_s
from tests.connect_proxy.observed import Looked


def test_the_time_that_a_leaf_has_left_is_known() -> None:
    snapshot = Looked().snapshot
    assert snapshot.leaf is not None
    leaf = msgspec.structs.replace(snapshot.leaf, valid_before="1970-01-01T01:00:00Z")
    assert leaf_left_s(msgspec.structs.replace(snapshot, leaf=leaf), 600.0) == 3000.0


def test_a_leaf_with_a_time_that_is_none_has_no_figure() -> None:
    assert leaf_left_s(Looked().snapshot, 0.0) is None
    assert leaf_left_s(msgspec.structs.replace(Looked().snapshot, leaf=None), 0.0) is None
