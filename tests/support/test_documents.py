"""The checker of documents finds what it is there to find."""

from pathlib import Path

from tests.support.documents import anchors, blocks, complaints


def _complaints(tmp_path: Path, text: str) -> list[str]:
    document = tmp_path / "page.md"
    document.write_text(text)
    return list(complaints(document, text))


def test_a_link_to_a_missing_file_is_found(tmp_path: Path) -> None:
    assert len(_complaints(tmp_path, "see [there](missing.md)")) == 1


def test_a_link_to_a_missing_heading_is_found(tmp_path: Path) -> None:
    assert len(_complaints(tmp_path, "# One\n\n[two](#two)")) == 1


def test_a_link_to_a_heading_is_accepted(tmp_path: Path) -> None:
    assert _complaints(tmp_path, "# One: the first\n\n[one](#one-the-first)") == []


def test_a_json_block_that_does_not_parse_is_found(tmp_path: Path) -> None:
    assert len(_complaints(tmp_path, "```json\n{,}\n```\n")) == 1


def test_a_block_without_a_language_is_found(tmp_path: Path) -> None:
    assert len(_complaints(tmp_path, "```\nls\n```\n")) == 1


def test_an_unclosed_block_is_found(tmp_path: Path) -> None:
    assert len(_complaints(tmp_path, "```sh\nls\n")) == 1


def test_blocks_are_read_with_their_language() -> None:
    assert blocks("```sh\nls\n```\nand\n```json\n{}\n```\n") == [("sh", "ls\n"), ("json", "{}\n")]


def test_headings_inside_code_are_no_anchors() -> None:
    assert anchors("# Yes\n\n```sh\n# no\n```\n") == {"yes"}
