from lictor_core.topics import Topic
from lictor_server.state.indexes import Change, TopicIndex, TopicIndexes

WEB, DB, NEVER = Topic("service", "web"), Topic("service", "db"), Topic("service", "never")


def noted(indexes: TopicIndexes, index: int, *, woken: Topic | None = None, gone: Topic | None = None) -> None:
    change = Change(index)
    if woken is not None:
        change.wake(woken)
    if gone is not None:
        change.retire(gone)
    indexes.note(change)


def test_unknown_topic_has_the_first_index() -> None:
    assert TopicIndexes().of(NEVER) == TopicIndex(1, 1)


def test_stamp_moves_without_the_wake_index() -> None:
    indexes = TopicIndexes()
    noted(indexes, 5, woken=WEB)
    quiet = Change(6)
    quiet.stamp(WEB)
    indexes.note(quiet)
    assert indexes.of(WEB) == TopicIndex(5, 6)


def test_topic_keeps_its_index_when_its_thing_is_gone() -> None:
    indexes = TopicIndexes()
    noted(indexes, 5, woken=WEB)
    noted(indexes, 9, gone=WEB)
    assert indexes.of(WEB) == TopicIndex(9, 9)


def test_forgotten_topics_index_becomes_the_floor() -> None:
    indexes = TopicIndexes(gone_max=1)
    noted(indexes, 5, gone=WEB)
    noted(indexes, 6, woken=DB)
    noted(indexes, 9, gone=Topic("service", "other"))
    assert indexes.of(WEB).wake == 5
    assert indexes.of(NEVER).wake == 5
    assert indexes.of(DB).wake == 6


def test_index_never_goes_back_when_a_forgotten_thing_returns() -> None:
    indexes = TopicIndexes(gone_max=1)
    noted(indexes, 5, gone=WEB)
    noted(indexes, 6, gone=DB)
    seen = indexes.of(WEB).wake
    noted(indexes, 7, woken=WEB)
    assert indexes.of(WEB).wake > seen


def test_no_more_gone_topics_are_kept_than_the_bound() -> None:
    indexes = TopicIndexes(gone_max=10)
    for index in range(2, 1000):
        noted(indexes, index, gone=Topic("service", f"s{index}"))
    assert len(list(indexes.rows())) == 10
    assert indexes.floor == 989


def test_returned_thing_is_not_forgotten() -> None:
    indexes = TopicIndexes(gone_max=1)
    noted(indexes, 5, gone=WEB)
    noted(indexes, 6, woken=WEB)
    noted(indexes, 7, gone=DB)
    noted(indexes, 8, gone=Topic("service", "other"))
    assert indexes.of(WEB).wake == 6
