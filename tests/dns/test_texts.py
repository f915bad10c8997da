"""Metadata as TXT."""

from lictor_dns.answer import Record, RecordType, Text
from lictor_dns.texts import metadata_texts, text_records
from tests.dns.asking import name
from tests.support.catalog import make_node


def test_texts_belong_to_their_owner() -> None:
    owner = name("n1.node.consul")
    assert text_records(make_node(meta={"k": "v"}), owner, 7) == [Record(owner, RecordType.TXT, 7, Text((b"k=v",)))]


def test_metadata_is_written_after_rfc_1464_or_raw() -> None:
    meta = {"k": "v", "empty": "", "=a`": "b=`c", "rfc1035-note": "raw = text", "RFC1035-other": "too"}
    assert {text.strings[0] for text in metadata_texts(make_node(meta=meta))} == {
        b"k=v",
        b"empty=",
        b"`=a``=b=``c",
        b"raw = text",
        b"too",
    }


def test_long_metadata_is_split_into_strings_that_fit() -> None:
    (text,) = metadata_texts(make_node(meta={"k": "v" * 512}))
    assert text == Text((b"k=" + b"v" * 253, b"v" * 255, b"v" * 4))


def test_a_node_without_metadata_has_no_texts() -> None:
    assert metadata_texts(make_node(meta=None)) == []
