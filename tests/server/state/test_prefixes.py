from hypothesis import given
from hypothesis import strategies as st

from lictor_server.state.prefixes import PrefixMap

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
