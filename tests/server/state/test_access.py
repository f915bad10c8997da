"""One truth of intentions, whether they are written one by one or by destination."""

from __future__ import annotations

from typing import cast

import msgspec
from hypothesis import given, settings

from lictor_core.commands import Command, IntentionDelete, IntentionSet
from lictor_core.intentions import decide, rule_of
from lictor_core.queries import (
    ConfigEntriesQuery,
    ConfigEntryQuery,
    IntentionExactQuery,
    IntentionMatchQuery,
    IntentionsQuery,
)
from lictor_core.records import IntentionAction, JsonObject
from lictor_server.state import Store, answer, apply
from lictor_server.state.snapshot import restore, take
from tests.server.build import config, intention, unconfig
from tests.server.state import strategies as any_of
from tests.server.state.test_configuring import done, refusal

KIND = "service-intentions"
ALLOWED = {"Sources": [{"Name": "web", "Action": "allow"}]}
PERMITTED = {"Sources": [{"Name": "web", "Permissions": [{"Action": "allow", "HTTP": {"PathExact": "/"}}]}]}
DEMANDED = {**ALLOWED, "JWT": {"Providers": [{"Name": "okta"}]}}


def sources(store: Store, name: str = "db") -> object:
    found = answer(store, ConfigEntryQuery(kind=KIND, name=name))
    return None if found is None else found.body["Sources"]


def is_allowed(store: Store, source: str = "web") -> bool:
    rows = answer(store, IntentionMatchQuery(by="destination", name="db"))
    return decide(source, "db", [rule_of(row) for row in rows], default_allow=True).allowed


def test_an_entry_is_the_intentions_of_its_destination() -> None:
    store = done(config(KIND, "db", {"Sources": [{"Name": "*", "Action": "deny"}, {"Name": "web", "Action": "allow"}]}))
    rows = answer(store, IntentionMatchQuery(by="destination", name="db"))
    assert [(row.source_name, row.action.value, row.precedence) for row in rows] == [
        ("web", "allow", 9),
        ("*", "deny", 8),
    ]
    assert len({row.id for row in rows}) == 2
    assert (is_allowed(store), is_allowed(store, "other")) == (True, False)


def test_an_intention_is_an_entry() -> None:
    store = done(IntentionSet(intention=intention("web", "db", id="i1", action=IntentionAction.DENY)))
    (shown,) = cast("list[JsonObject]", sources(store))
    assert shown == {
        "Name": "web",
        "Action": "deny",
        "Precedence": 9,
        "Type": "consul",
        "LegacyID": "i1",
        "LegacyCreateTime": shown["LegacyCreateTime"],
        "LegacyUpdateTime": shown["LegacyUpdateTime"],
    }
    assert [one.name for one in answer(store, ConfigEntriesQuery(kind=KIND))] == ["db"]
    apply(store, 20, unconfig(KIND, "db"))
    assert answer(store, IntentionMatchQuery(by="destination", name="db")) == []


def test_only_what_was_made_by_itself_has_an_id_in_the_entry() -> None:
    mine = intention("job", "db", id="11111111-2222-4333-8444-555555555555")
    mine = msgspec.structs.replace(mine, meta={"team": "a"})
    store = done(config(KIND, "db", ALLOWED), IntentionSet(intention=mine))
    job, web = cast("list[JsonObject]", sources(store))
    assert (job["LegacyID"], job["LegacyMeta"]) == (mine.id, {"team": "a"})
    assert not [key for key in web if key.startswith("Legacy")]
    body = answer(store, ConfigEntryQuery(kind=KIND, name="db"))
    assert body is not None
    apply(store, 20, config(KIND, "db", body.body))
    after, _ = cast("list[JsonObject]", sources(store))
    kept = ("LegacyID", "LegacyMeta", "LegacyCreateTime")
    assert [after[key] for key in kept] == [job[key] for key in kept]


def test_writing_an_entry_keeps_the_ids_of_intentions_and_what_is_the_same() -> None:
    store = done(IntentionSet(intention=intention("web", "db", id="i1")), config(KIND, "db", ALLOWED))
    before = answer(store, IntentionExactQuery(source="web", destination="db"))
    assert before is not None
    assert before.id == "i1"
    more = [{"Name": "web", "Action": "allow"}, {"Name": "job", "Action": "allow"}]
    apply(store, 20, config(KIND, "db", {"Sources": more}))
    assert answer(store, IntentionExactQuery(source="web", destination="db")) == before
    apply(store, 21, config(KIND, "db", {"Sources": more[1:]}))
    assert answer(store, IntentionExactQuery(source="web", destination="db")) is None


def test_rules_about_requests_deny_connections() -> None:
    for body in (PERMITTED, DEMANDED):
        store = done(config(KIND, "db", body))
        (row,) = answer(store, IntentionMatchQuery(by="destination", name="db"))
        assert row.action is IntentionAction.DENY
        decision = decide("web", "db", [rule_of(row)], default_allow=True)
        assert not decision.allowed
        assert "rules about requests" in decision.reason


def test_rules_about_requests_are_shown_as_they_were_written() -> None:
    permitted, demanded = done(config(KIND, "db", PERMITTED)), done(config(KIND, "db", DEMANDED))
    permissions = PERMITTED["Sources"][0]["Permissions"]
    assert sources(permitted) == [{"Name": "web", "Permissions": permissions, "Precedence": 9, "Type": "consul"}]
    assert sources(demanded) == [{"Name": "web", "Action": "allow", "Precedence": 9, "Type": "consul"}]
    found = answer(demanded, ConfigEntryQuery(kind=KIND, name="db"))
    assert found is not None
    assert found.body["JWT"] == DEMANDED["JWT"]


def test_an_intention_by_itself_cannot_undo_rules_about_requests() -> None:
    for body in (PERMITTED, DEMANDED):
        store = done(config(KIND, "db", body))
        (row,) = answer(store, IntentionMatchQuery(by="destination", name="db"))
        assert "service-intentions entry 'db'" in refusal(
            store, IntentionSet(intention=intention("web", "db", id=row.id))
        )
    assert "entry 'db'" in refusal(store, IntentionSet(intention=intention("job", "db", id="i2")))


def test_an_entry_is_written_only_over_what_was_seen_also_when_an_intention_went() -> None:
    store = done(config(KIND, "db", {"Sources": [{"Name": "web", "Action": "allow"}, {"Name": "*", "Action": "deny"}]}))
    seen = answer(store, ConfigEntryQuery(kind=KIND, name="db"))
    row = answer(store, IntentionExactQuery(source="*", destination="db"))
    assert seen is not None
    assert row is not None
    apply(store, 20, IntentionDelete(id=row.id))
    outcome, _ = apply(store, 21, config(KIND, "db", ALLOWED, cas=seen.modify_index))
    assert outcome.value is False
    now = answer(store, ConfigEntryQuery(kind=KIND, name="db"))
    assert now is not None
    assert now.modify_index == 20


def test_where_no_intention_is_left_there_is_no_entry() -> None:
    store = done(config(KIND, "db", {**ALLOWED, "Meta": {"a": "b"}}))
    row = answer(store, IntentionExactQuery(source="web", destination="db"))
    assert row is not None
    apply(store, 20, IntentionSet(intention=intention("web", "other", id=row.id)))
    assert sources(store) is None
    assert store.entries.get(KIND, "db") is None
    # The id that belongs to these names is taken: another one is found.
    apply(store, 21, config(KIND, "db", ALLOWED))
    assert len({one.id for one in store.intentions.all()}) == 2


@given(any_of.config_logs)
@settings(deadline=None, max_examples=60)
def test_what_rules_about_requests_is_never_let_through_by_connection(log: list[Command]) -> None:
    store = Store("dc1")
    for index, command in enumerate(log, 3):
        apply(store, index, command)
        for row in store.intentions.all():
            assert row.action is IntentionAction.DENY or not (row.permissions or row.jwt)
        entries = answer(store, ConfigEntriesQuery(kind=KIND))
        assert {one.name for one in entries} == set(store.intentions.destinations())


@given(any_of.config_logs)
@settings(deadline=None, max_examples=60)
def test_an_entry_and_the_intentions_are_two_views_of_the_same(log: list[Command]) -> None:
    store = Store("dc1")
    for index, command in enumerate(log, 3):
        apply(store, index, command)
    entries = answer(store, ConfigEntriesQuery(kind=KIND))
    for entry in entries:
        rows = answer(store, IntentionMatchQuery(by="destination", name=entry.name))
        own = {row.source_name: row for row in rows if row.destination_name == entry.name}
        shown = {str(one["Name"]): one for one in cast("list[JsonObject]", entry.body["Sources"])}
        assert list(shown) == list(own)
        for name, row in own.items():
            says = shown[name]
            assert says.get("Permissions", []) == row.permissions
            assert row.permissions or says["Action"] == ("allow" if row.jwt else row.action.value)
            assert row.jwt is None or row.jwt == entry.body["JWT"]
            assert says.get("LegacyID", row.id) == row.id
    # What was read is written: nobody's intention is another one then.
    before = {row.id: row.hash for row in answer(store, IntentionsQuery())}
    for index, entry in enumerate(entries, 1000):
        body = {key: value for key, value in entry.body.items() if key != "Name"}
        outcome, _ = apply(store, index, config(KIND, entry.name, body, cas=entry.modify_index))
        assert outcome.value is True or outcome.rejection is not None
    after = {row.id: row.hash for row in answer(store, IntentionsQuery())}
    assert before.keys() == after.keys()


def test_entries_that_differ_in_case_alone_are_listed_alike_on_every_server() -> None:
    store = done(
        IntentionSet(intention=intention("a", "db", id="i2")), IntentionSet(intention=intention("a", "DB", id="i1"))
    )
    names = [row.name for row in answer(store, ConfigEntriesQuery(kind=KIND))]
    assert names == [row.name for row in answer(restore(take(store)), ConfigEntriesQuery(kind=KIND))] == ["DB", "db"]
