"""The cache: never an answer of the past, never more than its bounds, fair turns."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from lictor_core.clock import SeededRng
from lictor_core.records import CRITICAL, ServiceHealth
from lictor_dns.cache import AnswerCache
from lictor_dns.question import Refusal
from lictor_dns.settings import DnsSettings
from tests.dns.asking import flags_of, query, text, texts
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_query, make_service
from tests.support.clock import ManualClock


class Rig:
    """A cache over a catalog, asked as a listener asks it."""

    def __init__(self, catalog: PlainCatalog, settings: DnsSettings | None = None, *, is_udp: bool = True) -> None:
        self.catalog = catalog
        self.clock = ManualClock()
        self.refusals: list[tuple[Refusal, object]] = []
        self.cache = AnswerCache(
            catalog,
            settings or DnsSettings(),
            self.clock,
            SeededRng(1),
            lambda refusal, client: self.refusals.append((refusal, client)),
            is_udp=is_udp,
        )

    def send(self, message: bytes, client: object = "client") -> bytes | None:
        self.cache.refresh()
        tail = self.cache.reply(message[2:], client)
        return None if tail is None else message[:2] + tail

    def answers(self, name: str = "web.service.consul", kind: str = "A", *, payload: int | None = None) -> list[str]:
        message = self.send(query(name, kind, payload=payload))
        assert message is not None
        return texts(message)


def catalog_of(count: int) -> PlainCatalog:
    return PlainCatalog(
        [make_instance(make_service(), make_node(f"n{number}", f"10.0.0.{number}")) for number in range(count)]
    )


def test_the_same_question_is_answered_once() -> None:
    rig = Rig(catalog_of(1))
    for identifier in range(50):
        message = rig.send(query("web.service.consul", id=identifier))
        assert message is not None
        assert text(message).id == identifier
    assert rig.cache.made_count == 1


def test_each_order_of_a_service_is_made_once_and_each_instance_is_first_as_often() -> None:
    rig = Rig(catalog_of(10))
    firsts = Counter(rig.answers()[0] for _ in range(100))
    assert set(firsts.values()) == {10}
    assert len(firsts) == 10
    assert rig.cache.made_count == 10


def test_of_very_many_instances_all_are_given_sometime() -> None:
    rig = Rig(catalog_of(200))
    seen: set[str] = set()
    for _ in range(20):
        for _ in range(32):
            seen.update(rig.answers())
        rig.clock.advance(6.0)
    assert len(seen) == 200


def test_orders_kept_are_bounded() -> None:
    rig = Rig(catalog_of(200))
    for _ in range(300):
        rig.answers()
    assert rig.cache.made_count == 32


class CountingCatalog(PlainCatalog):
    """One that tells how often a service was looked up."""

    looked_up = 0

    def service_health(self, name: str, *, connect: bool = False) -> Sequence[ServiceHealth]:
        self.looked_up += 1
        return super().service_health(name, connect=connect)


def test_all_orders_of_a_service_come_from_one_look_at_it() -> None:
    catalog = CountingCatalog(catalog_of(10).service_health("web"))
    rig = Rig(catalog)
    seen = {tuple(rig.answers(kind="SRV", payload=4096)) for _ in range(30)}
    assert (len(seen), rig.cache.made_count, catalog.looked_up) == (10, 10, 1)
    catalog.put(make_instance(make_service(), make_node("n99", "10.0.0.99")))
    assert all(len(rig.answers(kind="SRV", payload=4096)) == 11 for _ in range(30))
    assert catalog.looked_up == 2


class SlowCatalog(PlainCatalog):
    """One in which looking up a service takes a while."""

    clock: ManualClock | None = None

    def service_health(self, name: str, *, connect: bool = False) -> Sequence[ServiceHealth]:
        if self.clock is not None:
            self.clock.advance(0.02)
        return super().service_health(name, connect=connect)


def test_orders_beyond_the_first_take_only_a_share_of_the_time() -> None:
    catalog = SlowCatalog(catalog_of(50).service_health("web"))
    rig = Rig(catalog)
    catalog.clock = rig.clock
    assert len({rig.answers()[0] for _ in range(100)}) == rig.cache.made_count == 1
    rig.clock.advance(0.11)
    assert len({rig.answers()[0] for _ in range(100)}) == rig.cache.made_count == 2


def test_a_change_is_answered_at_once_whatever_the_orders_took() -> None:
    catalog = SlowCatalog(catalog_of(2).service_health("web"))
    rig = Rig(catalog)
    catalog.clock = rig.clock
    for number in range(2, 10):
        catalog.put(make_instance(make_service(), make_node(f"n{number}", f"10.0.0.{number}")))
        assert len(rig.answers(payload=1232)) == number + 1


def test_a_change_of_the_service_is_answered_at_once() -> None:
    rig = Rig(catalog_of(2))
    assert len(rig.answers()) == 2
    rig.catalog.put(make_instance(make_service(), make_node("n1", "10.0.0.1"), statuses=[CRITICAL]))
    assert [rig.answers() for _ in range(5)] == [["web.service.consul. 0 IN A 10.0.0.0"]] * 5


def test_a_change_in_the_middle_of_the_orders_is_answered_at_once() -> None:
    rig = Rig(catalog_of(4))
    rig.answers()
    rig.catalog.put(make_instance(make_service(), make_node("n9", "10.0.0.9")))
    assert any("10.0.0.9" in record for _ in range(5) for record in rig.answers())


def test_a_change_of_something_else_makes_nothing_anew() -> None:
    rig = Rig(catalog_of(1))
    rig.answers()
    for number in range(20):
        rig.catalog.put(make_instance(make_service("db", id=f"db-{number}")))
        rig.answers()
    assert rig.cache.made_count == 1


def test_a_checks_output_makes_nothing_anew() -> None:
    rig = Rig(catalog_of(1))
    rig.answers()
    rig.catalog.tell_output(rig.catalog.service_health("web")[0])
    rig.answers()
    assert rig.cache.made_count == 1


def test_a_name_that_appears_is_answered_at_once() -> None:
    rig = Rig(catalog_of(0))
    assert rig.answers() == []
    rig.catalog.put(make_instance(make_service()))
    assert rig.answers() == ["web.service.consul. 0 IN A 10.0.0.1"]


def test_a_reverse_answer_follows_any_change() -> None:
    rig = Rig(catalog_of(0))
    assert rig.answers("1.0.0.10.in-addr.arpa", "PTR") == []
    rig.catalog.put_node(make_node("n1", "10.0.0.1"))
    assert rig.answers("1.0.0.10.in-addr.arpa", "PTR") == ["1.0.0.10.in-addr.arpa. 0 IN PTR n1.node.dc1.consul."]


def test_a_serial_is_never_of_another_second() -> None:
    rig = Rig(catalog_of(1))
    (first,) = rig.answers("consul", "SOA")
    assert rig.answers("consul", "SOA") == [first]
    rig.clock.advance(1.0)
    (second,) = rig.answers("consul", "SOA")
    assert int(second.split()[6]) == int(first.split()[6]) + 1
    rig.clock.jump(-100.0)
    (third,) = rig.answers("consul", "SOA")
    assert int(third.split()[6]) == int(second.split()[6]) - 100


def test_a_picture_that_grows_too_old_is_not_answered_from_and_answered_again_when_fresh() -> None:
    rig = Rig(catalog_of(1), DnsSettings(max_stale_s=10.0))
    assert len(rig.answers()) == 1
    rig.catalog.age_s = 11.0
    assert rig.answers() == []
    rig.catalog.age_s = 0.0
    assert len(rig.answers()) == 1


def test_what_a_client_takes_is_part_of_the_question() -> None:
    rig = Rig(catalog_of(10))
    assert len(rig.answers()) == 3
    assert len(rig.answers(payload=1232)) == 10
    assert len(rig.answers()) == 3
    assert len(Rig(catalog_of(10), is_udp=False).answers()) == 10


def test_entries_are_bounded_and_those_in_use_stay() -> None:
    rig = Rig(catalog_of(1), DnsSettings(cache_entries_max=20))
    for number in range(200):
        rig.answers(f"n{number}.service.consul")
        rig.answers()
        assert len(rig.cache) <= 20
    assert rig.cache.made_count == 201


def test_what_orders_are_made_from_counts_until_they_are_made() -> None:
    rig = Rig(catalog_of(10))
    key = query("web.service.consul")[2:]
    sizes: list[int] = []
    for _ in range(11):
        rig.send(b"id" + key)
        sizes.append(rig.cache.young_bytes)
    size = len(rig.send(b"id" + key) or b"") - 2
    assert sizes[0] > len(key) + size + 10 * 100
    assert sizes[-1] == rig.cache.young_bytes == len(key) + 10 * size


def test_an_answer_that_is_made_anew_takes_the_place_of_the_former() -> None:
    rig = Rig(catalog_of(2))
    sizes: set[int] = set()
    for _ in range(50):
        rig.catalog.put(make_instance(make_service(), make_node("n1", "10.0.0.1")))
        for _ in range(3):
            rig.answers()
        sizes.add(rig.cache.young_bytes)
    assert len(sizes) == 1


def test_long_messages_are_answered_and_not_kept() -> None:
    rig = Rig(catalog_of(1))
    long = query("web.service.consul") + bytes(600)
    assert rig.send(long) is not None
    assert len(rig.cache) == 0


def test_a_refusal_is_told_with_its_client_and_not_kept() -> None:
    rig = Rig(catalog_of(1))
    assert rig.send(b"\x12\x34" + bytes(10)) == bytes.fromhex("123480010000000000000000")
    assert rig.send(b"\x12\x34\x80" + bytes(20)) is None
    assert rig.send(b"x") is None
    assert [(refusal.code, client) for refusal, client in rig.refusals] == [
        (1, "client"),
        (None, "client"),
        (None, "client"),
    ]
    assert len(rig.cache) == 0


@given(
    data=st.binary(max_size=80),
    flags=st.sampled_from([b"\x01\x00", b"\x00\x00", b"\x21\x00"]),
    suffix=st.sampled_from(
        [b"", b"\x07service\x06consul\x00\x00\x01\x00\x01", b"\x04node\x06consul\x00\x00\xff\x00\x01"]
    ),
    is_udp=st.booleans(),
)
def test_any_bytes_get_a_dns_message_or_silence(data: bytes, flags: bytes, suffix: bytes, is_udp: bool) -> None:
    rig = Rig(catalog_of(2), is_udp=is_udp)
    for message in (data, b"\x12\x34" + flags + b"\x00\x01\x00\x00\x00\x00\x00\x00" + data + suffix):
        reply = rig.send(message)
        if reply is not None:
            assert text(reply).id == int.from_bytes(message[:2], "big")
            assert len(reply) <= 65535


@given(changes=st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=30), step_s=st.floats(0, 3))
def test_the_cache_answers_as_if_there_were_none(changes: list[tuple[int, bool]], step_s: float) -> None:
    rig = Rig(catalog_of(3))
    healthy = {f"10.0.0.{number}" for number in range(3)}
    for number, is_up in changes:
        address = f"10.0.0.{number}"
        statuses = [] if is_up else [CRITICAL]
        rig.catalog.put(make_instance(make_service(), make_node(f"n{number}", address), statuses=statuses))
        (healthy.add if is_up else healthy.discard)(address)
        rig.clock.advance(step_s)
        for _ in range(2):
            assert {record.split()[-1] for record in rig.answers(payload=1232)} == healthy


def test_what_is_near_a_client_is_kept_for_that_client_alone() -> None:
    catalog = catalog_of(3)
    catalog.put_query(make_query("near", near="_ip"))
    rig = Rig(catalog)
    message = query("near.query.consul", "SRV")
    for _ in range(3):
        for number in range(3):
            reply = rig.send(message, (f"10.0.0.{number}", 5353))
            assert reply is not None
            assert texts(reply)[0].endswith(f" n{number}.node.dc1.consul.")
    made = rig.cache.made_count
    rig.clock.advance(1.0)
    assert rig.send(message, ("10.0.0.1", 5354)) is not None
    assert rig.cache.made_count == made
    catalog.put_query(make_query("near"))
    for _ in range(9):
        rig.send(message, ("10.0.0.1", 5353))
    made = rig.cache.made_count
    rig.send(message, ("10.0.0.9", 5353))
    assert rig.cache.made_count == made


def test_a_query_for_all_is_kept_once_and_goes_with_its_change() -> None:
    catalog = catalog_of(1)
    catalog.put_query(make_query("any"))
    rig = Rig(catalog)
    message = query("any.query.consul")
    for number in range(9):
        assert rig.send(message, (f"10.0.0.{number}", 5353)) is not None
    assert (rig.cache.made_count, len(rig.cache)) == (1, 1)
    catalog.put_query(make_query("any", "nobody"))
    reply = rig.send(message, ("10.0.0.1", 5353))
    assert reply is not None
    assert texts(reply) == []


def test_the_nearest_of_two_at_one_address_stays_before_others() -> None:
    catalog = PlainCatalog(
        [
            make_instance(make_service(id="one"), make_node("n1", "10.0.0.1")),
            make_instance(make_service(id="two"), make_node("n2", "10.0.0.1")),
            make_instance(make_service(id="three"), make_node("n3", "10.0.0.3")),
        ]
    )
    catalog.put_query(make_query("near", near="n1"))
    rig = Rig(catalog)
    firsts = {rig.answers("near.query.consul")[0] for _ in range(20)}
    assert firsts == {"near.query.consul. 0 IN A 10.0.0.1"}


def test_only_what_is_of_our_zone_fails_with_authority() -> None:
    rig = Rig(catalog_of(1))
    for name, flags in (("web.SERVICE.consul", {"QR", "AA", "RD"}), ("www.example.com", {"QR", "RD"})):
        message = query(name)
        assert flags_of(message[:2] + rig.cache.failed(message[2:])) == flags
