"""What commands do, case by case; the cases were asked of Consul 1.8.7."""

from __future__ import annotations

import pytest

from lictor_core import topics as on
from lictor_core.autopilot import AutopilotConfiguration
from lictor_core.commands import (
    AutopilotSet,
    CAConfigurationSet,
    CAKeyMaterial,
    CARootsSet,
    CASerialTake,
    Command,
    Deregister,
    IntentionDelete,
    IntentionSet,
    KVDelete,
    KVDeleteTree,
    KVSet,
    NodeUpdate,
    NoOp,
    Outcome,
    Register,
)
from lictor_core.records import CARoot
from lictor_server.state import Store, apply
from lictor_server.state.apply import REJECTION_CHARS_MAX
from lictor_server.state.snapshot import state_hash
from tests.server.build import check, intention, node, register, service

A = "11111111-1111-1111-1111-111111111111"
B = "22222222-2222-2222-2222-222222222222"


class Log:
    """Applies commands one after the other, at indexes from 10."""

    def __init__(self) -> None:
        self.store = Store("dc1")
        self.index = 9

    def do(self, command: Command) -> Outcome:
        self.index += 1
        return apply(self.store, self.index, command)[0]


@pytest.fixture
def log() -> Log:
    return Log()


def test_registering_the_same_again_moves_no_index(log: Log) -> None:
    command = register(service=service(), checks=[check(service_id="web")])
    log.do(command)
    before = state_hash(log.store)
    log.do(command)
    log.store.index = 10
    assert state_hash(log.store) == before


def test_create_index_stays_when_a_record_is_replaced(log: Log) -> None:
    log.do(register(service=service(port=1), checks=[check(status="critical")]))
    log.do(register(node(address="192.0.2.7"), service=service(port=2), checks=[check(status="passing")]))
    found = [log.store.catalog.node("n1"), log.store.catalog.service_on("n1", "web")]
    found_check = log.store.catalog.check_on("n1", "c1")
    assert [(one.create_index, one.modify_index) for one in (*found, found_check) if one] == [(10, 11)] * 3


def test_a_name_in_another_case_is_the_same_node_and_keeps_its_services(log: Log) -> None:
    log.do(register(node("web1"), service=service()))
    log.do(register(node("WEB1", address="192.0.2.8")))
    assert [one.node for one in log.store.catalog.nodes()] == ["WEB1"]
    assert [one.service for one in log.store.catalog.services_on("Web1")] == ["web"]


def test_living_node_keeps_its_name_against_another_id(log: Log) -> None:
    log.do(register(node(id=A), checks=[check("serfHealth", status="passing")]))
    outcome = log.do(register(node(id=B, address="192.0.2.8")))
    assert outcome.rejection is not None
    assert A in outcome.rejection.message
    assert log.store.catalog.node("n1") == log.store.catalog.node_of_id(A)


@pytest.mark.parametrize("health", ["critical", None])
def test_dead_node_loses_its_name_to_another_id(log: Log, health: str | None) -> None:
    log.do(register(node(id=A), checks=[check("serfHealth", status=health)] if health else []))
    assert log.do(register(node(id=B))).rejection is None
    assert log.store.catalog.node_of_id(A) is None
    assert log.store.catalog.node_of_id(B) == log.store.catalog.node("n1")


def test_renamed_node_is_as_old_as_before_and_loses_what_was_on_it(log: Log) -> None:
    log.do(register(node("old", id=A), service=service()))
    log.do(register(node("new", id=A)))
    assert [one.node for one in log.store.catalog.nodes()] == ["new"]
    assert list(log.store.catalog.services_on("new")) == []
    assert log.store.health.of("web") == []
    renamed = log.store.catalog.node("new")
    assert renamed is not None
    assert (renamed.create_index, renamed.modify_index) == (10, 11)


def test_skipping_the_node_update_leaves_its_record(log: Log) -> None:
    log.do(register(node(address="192.0.2.1")))
    log.do(Register(node=node(address="192.0.2.9"), service=service(), skip_node_update=True))
    kept = log.store.catalog.node("n1")
    assert kept is not None
    assert kept.address == "192.0.2.1"
    assert log.store.catalog.service_on("n1", "web") is not None


def test_skipping_the_update_of_a_new_node_creates_it(log: Log) -> None:
    log.do(Register(node=node(), skip_node_update=True))
    assert log.store.catalog.node("n1") is not None


def test_check_of_an_unknown_service_registers_nothing(log: Log) -> None:
    outcome = log.do(register(service=service("web"), checks=[check(service_id="other")]))
    assert outcome.rejection is not None
    assert "other" in outcome.rejection.message
    assert list(log.store.catalog.nodes()) == []


def test_check_that_names_another_node_is_refused(log: Log) -> None:
    outcome = log.do(register(checks=[check(node="n2")]))
    assert outcome.rejection is not None
    assert "n2" in outcome.rejection.message


def test_a_rejection_quotes_no_more_than_is_worth_keeping(log: Log) -> None:
    outcome = log.do(register(checks=[check("x" * 500_000, node="n2")]))
    assert outcome.rejection is not None
    assert outcome.rejection.message.startswith("check 'xxx")
    assert len(outcome.rejection.message) == REJECTION_CHARS_MAX


def test_check_takes_name_and_tags_from_its_service_when_it_is_written(log: Log) -> None:
    log.do(register(service=service("web", id="w", tags=["a"]), checks=[check(service_id="W")]))
    log.do(register(service=service("web2", id="w", tags=["b"])))
    found = log.store.catalog.check_on("n1", "c1")
    assert found is not None
    assert (found.service_name, found.service_tags) == ("web", ["a"])
    log.do(register(checks=[check(service_id="w", status="warning")]))
    found = log.store.catalog.check_on("n1", "c1")
    assert found is not None
    assert (found.service_name, found.service_tags) == ("web2", ["b"])


def test_ids_of_services_and_checks_ignore_case(log: Log) -> None:
    log.do(register(service=service("web", id="Web"), checks=[check("C1")]))
    log.do(register(service=service("web", id="wEB", port=1), checks=[check("c1")]))
    assert [one.id for one in log.store.catalog.services_on("n1")] == ["wEB"]
    assert [one.check_id for one in log.store.catalog.checks_on("n1")] == ["c1"]


def test_removing_a_service_removes_its_checks_alone(log: Log) -> None:
    log.do(register(service=service(), checks=[check("c1", service_id="web"), check("c2")]))
    log.do(Deregister(node="N1", service_id="WEB"))
    assert [one.check_id for one in log.store.catalog.checks_on("n1")] == ["c2"]
    assert log.store.catalog.service_tags() == {}


def test_removing_a_node_removes_everything_on_it(log: Log) -> None:
    log.do(register(node(id=A), service=service(), checks=[check("c1", service_id="web"), check("c2")]))
    log.do(Deregister(node="N1"))
    assert list(log.store.catalog.nodes()) == []
    assert list(log.store.catalog.checks_in_state("any")) == []
    assert log.store.catalog.node_of_id(A) is None


def test_service_id_goes_before_check_id_when_both_are_named(log: Log) -> None:
    log.do(register(service=service(), checks=[check("c2")]))
    log.do(Deregister(node="n1", service_id="web", check_id="c2"))
    assert log.store.catalog.service_on("n1", "web") is None
    assert log.store.catalog.check_on("n1", "c2") is not None


@pytest.mark.parametrize(
    "command", [Deregister(node="nobody"), Deregister(node="n1", service_id="x"), Deregister(node="n1", check_id="x")]
)
def test_removing_what_is_not_there_succeeds(log: Log, command: Deregister) -> None:
    log.do(register())
    assert log.do(command) == Outcome(index=11)


def test_an_update_of_a_node_puts_instances_then_checks_and_then_removes(log: Log) -> None:
    log.do(register(service=service("old"), checks=[check("c", service_id="old"), check("gone")]))
    update = NodeUpdate(
        node=node(),
        skip_node_update=True,
        gone_services=["old", "never-there"],
        gone_checks=["gone", "never-there"],
        services=[service("web"), service("db")],
        checks=[check("c", service_id="web"), check("n")],
    )
    assert log.do(update).value is True
    assert [one.id for one in log.store.catalog.services_on("n1")] == ["db", "web"]
    assert [(one.check_id, one.service_name) for one in log.store.catalog.checks_on("n1")] == [("c", "web"), ("n", "")]


def test_a_service_whose_instance_is_replaced_in_one_update_was_never_gone(log: Log) -> None:
    log.do(register(service=service("web", id="w1")))
    before = log.store.stamp((on.SERVICES,))
    log.do(NodeUpdate(node=node(), gone_services=["w1"], services=[service("web", id="w2")]))
    assert log.store.stamp((on.SERVICES,)) == before


@pytest.mark.parametrize(
    "both",
    [
        NodeUpdate(node=node(), gone_services=["WEB"], services=[service("web")]),
        NodeUpdate(node=node(), gone_checks=["C"], checks=[check("c")]),
    ],
)
def test_an_update_that_removes_and_registers_one_thing_is_refused(log: Log, both: NodeUpdate) -> None:
    rejection = log.do(both).rejection
    assert rejection is not None
    assert rejection.message.endswith("an update removes and registers it at once; do one of them")


def test_an_update_of_a_node_that_is_refused_in_one_thing_changes_nothing(log: Log) -> None:
    log.do(register(service=service("web")))
    before = state_hash(log.store)
    for wrong in (check("c", service_id="nobody"), check("c", service_id="web"), check("c", node="n2")):
        update = NodeUpdate(node=node(), gone_services=["web"], services=[service("db")], checks=[wrong])
        assert log.do(update).rejection is not None
    log.store.index = 10
    assert state_hash(log.store) == before


@pytest.mark.parametrize("stays", [True, False])
def test_an_agent_that_has_only_the_name_of_a_living_node_changes_nothing_on_it(log: Log, stays: bool) -> None:
    alive = check("serfHealth", status="passing")
    log.do(register(node(id=A), service=service("web"), checks=[alive]))
    update = NodeUpdate(node=node(id=B), skip_node_update=stays, gone_services=["web"], services=[service("db")])
    refused = log.do(update).rejection
    assert refused is not None
    assert "belongs to the living node" in refused.message
    assert [one.id for one in log.store.catalog.services_on("n1")] == ["web"]
    log.do(register(node(id=A), checks=[check("serfHealth", status="critical")]))
    assert log.do(update).rejection is None, "a dead one's name is free"
    assert [one.id for one in log.store.catalog.services_on("n1")] == ["db"]


def test_an_update_creates_its_node(log: Log) -> None:
    log.do(NodeUpdate(node=node(meta={"k": "v"}), skip_node_update=True, services=[service("web")]))
    found = log.store.catalog.node("n1")
    assert found is not None
    assert found.meta == {"k": "v"}


def test_output_alone_moves_the_stamp_and_not_the_index(log: Log) -> None:
    log.do(register(service=service(), checks=[check(service_id="web", output="1 ms")]))
    log.do(register(service=service(), checks=[check(service_id="web", output="2 ms")]))
    of = log.store.indexes.of
    topics = [topic for topic in of_service() if of(topic).stamp != 11 or of(topic).wake != 10]
    assert topics == []
    assert log.store.health.of("web")[0].checks[0].output == "2 ms"


def of_service() -> list[on.Topic]:
    return [on.service("web"), on.service_checks("web"), on.node_checks("n1"), on.checks_in_state("any")]


@pytest.mark.parametrize(("before", "after"), [("web", "db"), ("", "db"), ("web", "")])
def test_check_that_moves_touches_the_service_that_loses_it(log: Log, before: str, after: str) -> None:
    log.do(register(service=service("web")))
    log.do(register(service=service("db")))
    log.do(register(checks=[check(service_id=before)]))
    log.do(register(checks=[check(service_id=after)]))
    assert log.store.indexes.of(on.service("web")).wake == 13
    assert log.store.indexes.of(on.service("db")).wake == 13


def test_key_written_with_the_same_value_keeps_its_index(log: Log) -> None:
    log.do(KVSet(key="a", value=b"1"))
    log.do(KVSet(key="a", value=b"1"))
    assert log.store.kv.key_index("a") == 10
    log.do(KVSet(key="a", value=b"1", flags=3))
    assert log.store.kv.key_index("a") == 12


@pytest.mark.parametrize(("cas", "won"), [(None, True), (0, False), (9, False), (10, True)])
def test_compare_and_set_of_a_key(log: Log, cas: int | None, won: bool) -> None:
    log.do(KVSet(key="a", value=b"1"))
    assert log.do(KVSet(key="a", value=b"2", cas=cas)).value is won


def test_compare_and_set_with_zero_creates(log: Log) -> None:
    assert log.do(KVSet(key="a", value=b"1", cas=0)).value is True
    assert log.do(KVSet(key="b", value=b"1", cas=4)).value is False


@pytest.mark.parametrize(("key", "cas", "won"), [("a", 0, False), ("a", 10, True), ("missing", 5, True)])
def test_compare_and_delete(log: Log, key: str, cas: int, won: bool) -> None:
    log.do(KVSet(key="a", value=b"1"))
    assert log.do(KVDelete(key=key, cas=cas)).value is won


def test_deleting_a_tree_leaves_its_siblings(log: Log) -> None:
    for key in ("app", "app/1", "app/2", "apple"):
        log.do(KVSet(key=key, value=b"1"))
    log.do(KVDeleteTree(prefix="app/"))
    assert [one.key for one in log.store.kv.under("")] == ["app", "apple"]


def test_empty_value_is_null(log: Log) -> None:
    log.do(KVSet(key="a", value=b""))
    entry = log.store.kv.get("a")
    assert entry is not None
    assert entry.value is None


def test_second_intention_for_a_pair_is_refused_with_the_first_ones_id(log: Log) -> None:
    log.do(IntentionSet(intention=intention("web", "db", id="i1")))
    outcome = log.do(IntentionSet(intention=intention("web", "db", id="i2")))
    assert outcome.rejection is not None
    assert "i1" in outcome.rejection.message


def test_updated_intention_keeps_when_it_was_created(log: Log) -> None:
    log.do(IntentionSet(intention=intention("web", "db", id="i1")))
    changed = intention("*", "db", id="i1")
    log.do(IntentionSet(intention=changed))
    stored = log.store.intentions.get("i1")
    assert stored is not None
    assert (stored.create_index, stored.modify_index, stored.precedence) == (10, 11, 8)
    assert log.store.intentions.between("web", "db") is None


def test_the_case_of_an_intentions_id_does_not_count(log: Log) -> None:
    log.do(IntentionSet(intention=intention("web", "db", id="ab-1")))
    assert log.store.intentions.get("AB-1") == log.store.intentions.between("web", "db")
    assert log.do(IntentionDelete(id="AB-1")).value is True
    assert log.store.intentions.all() == []


def test_deleting_an_unknown_intention_is_not_found(log: Log) -> None:
    outcome = log.do(IntentionDelete(id="i9"))
    assert outcome.rejection is not None
    assert outcome.rejection.code == "not_found"


def test_serial_numbers_are_given_once(log: Log) -> None:
    assert [log.do(CASerialTake()).value for _ in range(3)] == [1, 2, 3]


def test_roots_are_set_only_over_the_set_that_was_seen(log: Log) -> None:
    def set_roots(cas: int) -> Outcome:
        key = CAKeyMaterial(root_id="aa", private_key="secret")
        return log.do(CARootsSet(cluster_id="c", roots=[root("aa")], keys=[key], cas=cas))

    assert set_roots(5).value is False
    assert set_roots(0).value is True
    assert set_roots(0).value is False
    assert set_roots(11).value is True
    assert log.store.ca.trusted().roots[0].create_index == 11


def test_ca_settings_are_set_only_over_those_that_were_seen(log: Log) -> None:
    def set_config(cas: int | None) -> Outcome:
        return log.do(CAConfigurationSet(provider="consul", config={"PrivateKey": "secret", "x": 1}, cas=cas))

    assert [set_config(cas).value for cas in (3, 0, 0, 11, None)] == [False, True, False, True, True]
    assert log.store.ca.shown_configuration().config == {"x": 1}


def test_autopilot_settings_are_set_only_over_those_that_were_seen(log: Log) -> None:
    def set_config(cas: int | None) -> Outcome:
        return log.do(AutopilotSet(config=AutopilotConfiguration(min_quorum=log.index), cas=cas))

    assert log.store.autopilot.shown() == AutopilotConfiguration()
    assert [set_config(cas).value for cas in (3, 0, 0, 11, None)] == [False, True, False, True, True]
    assert log.store.autopilot.shown() == AutopilotConfiguration(min_quorum=13, create_index=11, modify_index=14)


def test_whoever_watches_autopilot_hears_of_new_settings(log: Log) -> None:
    log.do(KVSet(key="a", value=b""))
    before = log.store.wake_index([on.AUTOPILOT])
    log.do(AutopilotSet(config=AutopilotConfiguration()))
    assert before < log.store.wake_index([on.AUTOPILOT]) == log.index


def test_a_no_op_changes_nothing_but_the_index(log: Log) -> None:
    assert log.do(NoOp()) == Outcome(index=10)
    assert log.store.index == 10


def test_the_same_log_gives_the_same_state() -> None:
    hashes: set[str] = set()
    for _ in range(2):
        log = Log()
        for number in range(20):
            log.do(register(node(f"n{number % 3}"), service=service(tags=[f"t{number % 4}"])))
            log.do(KVSet(key=f"k{number % 5}", value=b"%d" % number))
            log.do(KVDelete(key=f"k{number % 7}"))
        hashes.add(state_hash(log.store))
    assert len(hashes) == 1


def root(root_id: str) -> CARoot:
    return CARoot(
        id=root_id,
        name="",
        serial_number=1,
        signing_key_id="",
        external_trust_domain="",
        not_before="",
        not_after="",
        root_cert="",
        intermediate_certs=None,
        active=True,
        private_key_type="ec",
        private_key_bits=256,
        create_index=0,
        modify_index=0,
    )
