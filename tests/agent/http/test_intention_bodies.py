"""The body of an intention, judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.http.intention_bodies import intention_of, read_draft
from lictor_config.reading import Dialect, Reader
from lictor_core.errors import RequestError
from lictor_core.records import IntentionAction, JsonObject

GOOD: JsonObject = {"SourceName": "web", "DestinationName": "db", "Action": "deny"}


def flaws(**members: object) -> list[str]:
    return read_draft(Reader({**GOOD, **members}, dialect=Dialect.HTTP)).flaws()


def test_a_sound_intention_has_its_precedence_and_no_stamps() -> None:
    made = intention_of(read_draft(Reader(GOOD, dialect=Dialect.HTTP)), "id")
    assert (made.id, made.action, made.precedence, made.source_ns) == ("id", IntentionAction.DENY, 9, "default")
    assert (made.created_at, made.hash) == ("", "")


def test_an_intention_may_be_sent_back_as_it_was_read() -> None:
    reader = Reader({**GOOD, "CreatedAt": "x", "Hash": "y", "Precedence": 9, "ModifyIndex": 7}, dialect=Dialect.HTTP)
    read_draft(reader)
    assert reader.problems == []


@pytest.mark.parametrize(
    ("members", "flaw"),
    [
        ({"SourceNS": "a*"}, "SourceNS: wildcard character '*' cannot be used with partial values"),
        ({"DestinationNS": "*"}, "DestinationName: exact value cannot follow wildcard namespace"),
        ({"Meta": {"k" * 129: "v"}}, f'Meta key "{"k" * 129}" exceeds maximum length 128'),
        ({"Meta": {"k": "v" * 513}}, 'Meta value for key "k" exceeds maximum length 512'),
        ({"Action": "ALLOW"}, "Action must be set to 'allow' or 'deny'"),
    ],
)
def test_each_flaw_is_named(members: dict[str, object], flaw: str) -> None:
    assert flaws(**members) == [flaw]


@given(st.text(), st.text(), st.text())
def test_every_text_is_sound_or_told_why_not(source: str, destination: str, action: str) -> None:
    draft = read_draft(
        Reader({"SourceName": source, "DestinationName": destination, "Action": action}, dialect=Dialect.HTTP)
    )
    if draft.flaws():
        with pytest.raises(RequestError) as caught:
            intention_of(draft, "id")
        assert all(flaw in str(caught.value) for flaw in draft.flaws())
    else:
        assert intention_of(draft, "id").source_name == source
