from hypothesis import given
from hypothesis import strategies as st

from lictor_server.state.prefixes import PrefixMap, end_of

words = st.text(alphabet="ab/é", max_size=6)


@given(st.sets(words), st.sets(words), words)
def test_finds_every_prefix_of_a_key_and_no_other(stay: set[str], go: set[str], key: str) -> None:
    prefixes: PrefixMap[int] = PrefixMap()
    for prefix in stay | go:
        prefixes.set(prefix, len(prefix))
    for prefix in go - stay:
        prefixes.drop(prefix)
    assert sorted(prefixes.prefixes_of(key)) == sorted(one for one in stay if key.startswith(one))


def test_oldest_prefix_is_dropped_first() -> None:
    prefixes: PrefixMap[int] = PrefixMap()
    for number in range(3):
        prefixes.set(f"p{number}", number)
    prefixes.drop_oldest()
    assert list(prefixes) == ["p1", "p2"]


@given(st.sets(words), st.sets(words))
def test_of_many_keys_every_prefix_that_one_of_them_starts_with_is_found(prefixes: set[str], keys: set[str]) -> None:
    kept: PrefixMap[None] = PrefixMap()
    for prefix in prefixes:
        kept.set(prefix, None)
    expected = [one for one in kept if any(key.startswith(one) for key in keys)]
    assert kept.touched_by(sorted(keys)) == expected


@given(st.text(), st.text())
def test_all_that_starts_with_a_prefix_is_before_its_end(prefix: str, text: str) -> None:
    end = end_of(prefix)
    assert (text.startswith(prefix)) == (prefix <= text and (end is None or text < end))


def test_nothing_is_after_all_that_starts_with_the_last_character() -> None:
    assert end_of("") is None
    assert end_of("\U0010ffff") is None
    assert end_of("a\U0010ffff") == "b"
