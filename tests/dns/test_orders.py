"""Orders: looked up once where that will do, never more than their bound, and what is held for them is told."""

from lictor_core.clock import SeededRng
from lictor_dns.orders import TURNS_MAX, Orders
from lictor_dns.settings import DnsSettings
from tests.dns.asking import NOW, question, texts
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_service


def orders_of(count: int, kind: str = "A", *, is_udp: bool = False, name: str = "web.service.consul") -> Orders:
    catalog = PlainCatalog(
        [make_instance(make_service(), make_node(f"n{number}", f"10.0.0.{number}")) for number in range(count)]
    )
    return Orders(catalog, question(name, kind), DnsSettings(), SeededRng(3), is_udp=is_udp)


def replies_of(orders: Orders) -> list[list[str]]:
    replies: list[list[str]] = []
    while orders.is_left:
        reply, _ = orders.make(NOW)
        replies.append(texts(bytes(2) + reply))
    return replies


def test_there_are_as_many_orders_as_instances_and_each_begins_with_another() -> None:
    for kind in ("A", "SRV"):
        replies = replies_of(orders_of(7, kind))
        assert len({reply[0] for reply in replies}) == len(replies) == 7
        assert {len(set(reply)) for reply in replies} == {7}


def test_a_client_that_takes_few_gets_all_in_turn_too() -> None:
    replies = replies_of(orders_of(20, is_udp=True))
    assert {len(reply) for reply in replies} == {3}
    assert len({reply[0] for reply in replies}) == 20
    assert len({tuple(sorted(reply[1:])) for reply in replies}) > 10


def test_of_very_many_instances_no_more_than_the_bound_are_made() -> None:
    replies = replies_of(orders_of(100, is_udp=True))
    assert len(replies) == len({reply[0] for reply in replies}) == TURNS_MAX


def test_what_has_one_order_is_made_once_and_nothing_is_held() -> None:
    for orders in (orders_of(1), orders_of(5, name="nobody.service.consul"), orders_of(5, name="n1.node.consul")):
        assert len(replies_of(orders)) == 1
        assert orders.held_bytes == 0


def test_what_is_held_grows_with_the_records() -> None:
    sizes: list[int] = []
    for count in (2, 20):
        orders = orders_of(count, "SRV")
        orders.make(NOW)
        sizes.append(orders.held_bytes)
    assert 0 < sizes[0] * 10 == sizes[1]
