"""Every input that is kept is run through its target, with the target's own: what was mended once stays so."""

from __future__ import annotations

import pytest

from tests.fuzz.corpus import CORPUS, inputs, name_of, put
from tests.fuzz.targets import TARGETS, load

_FILES_MAX = 400
_BYTES_MAX = 256 * 1024
"""Of one corpus: it travels with the repository."""


@pytest.mark.parametrize("target", TARGETS)
def test_no_kept_input_breaks_a_promise(target: str) -> None:
    loaded = load(target)
    kept = [path.read_bytes() for path in inputs(target)]
    assert kept, f"there is no corpus: python -m tests.fuzz {target} --keep"
    for data in (b"", b"\0", *kept, *loaded.seeds()):
        loaded.run(data)


@pytest.mark.parametrize("target", TARGETS)
def test_a_corpus_is_small(target: str) -> None:
    sizes = [path.stat().st_size for path in inputs(target)]
    assert len(sizes) <= _FILES_MAX
    assert sum(sizes) <= _BYTES_MAX
    assert max(sizes) <= TARGETS[target].bytes_max


def test_a_corpus_has_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)


def test_the_same_input_is_kept_once(tmp_path: object) -> None:
    from pathlib import Path

    directory = Path(str(tmp_path)) / "new"
    assert put(directory, [b"a", b"b", b"a"]) == 2
    assert put(directory, [b"b"]) == 0
    assert (directory / name_of(b"a")).read_bytes() == b"a"
