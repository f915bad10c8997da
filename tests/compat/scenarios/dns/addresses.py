"""Addresses with tags, and names as addresses."""

from tests.compat.scenarios.dns.registrations import instance, node
from tests.support.recorder.dns_scenario import DnsScenario, Question
from tests.support.recorder.json_types import Json

_LAN: dict[str, Json] = {"lan_ipv4": "192.0.2.11", "lan_ipv6": "2001:db8::11"}
_WAN: dict[str, Json] = {"wan": "198.51.100.1", "wan_ipv4": "198.51.100.11", "wan_ipv6": "2001:db8:f::11"}


def _places(last: int) -> dict[str, Json]:
    return {
        "lan_ipv4": {"Address": f"192.0.2.{last}", "Port": 41},
        "lan_ipv6": {"Address": f"2001:db8::{last}", "Port": 61},
        "wan": {"Address": f"198.51.100.{last}", "Port": 42},
        "wan_ipv4": {"Address": f"198.51.100.{last}", "Port": 43},
        "wan_ipv6": {"Address": f"2001:db8:f::{last}", "Port": 63},
    }


def _asked(what: str, name: str, *kinds: str) -> tuple[Question, ...]:
    return tuple(Question(f"{what}, {kind}", name, kind, "tcp") for kind in kinds)


_MAIN = ("A", "AAAA", "ANY", "SRV")
_NAMES = ("A", "AAAA", "ANY", "SRV", "CNAME")

SCENARIO = DnsScenario(
    "addresses",
    "Which of its addresses a node or an instance is found at, in its own datacenter.",
    (
        instance("t1", "192.0.2.1", {"Service": "dual", "Port": 8001}, TaggedAddresses={**_LAN, **_WAN}),
        instance("t2", "2001:db8::2", {"Service": "six", "Port": 8002}, TaggedAddresses={"lan_ipv4": "192.0.2.12"}),
        instance(
            "t3", "192.0.2.3", {"Service": "own", "Port": 8003, "Address": "192.0.2.33", "TaggedAddresses": _places(3)}
        ),
        instance("t4", "192.0.2.4", {"Service": "tagged-alone", "Port": 8004, "TaggedAddresses": _places(44)}),
        instance(
            "t5",
            "192.0.2.5",
            {"Service": "named", "Port": 8005, "Address": "own.example.com", "TaggedAddresses": _places(55)},
        ),
        instance("t6", "node.example.com", {"Service": "at-name", "Port": 8006}, TaggedAddresses=_LAN),
        instance("t7", "192.0.2.7", {"Service": "odd", "Port": 8007}, TaggedAddresses={"lan_ipv6": "192.0.2.17"}),
        instance(
            "t8",
            "192.0.2.8",
            {"Service": "unreadable", "Port": 8008},
            TaggedAddresses={"lan_ipv4": "other.example.com"},
        ),
        node("t9", "192.0.2.9", TaggedAddresses={"lan_ipv6": "2001:db8::9"}),
        instance(
            "t16", "192.0.2.16", {"Service": "own-six", "Port": 8016, "Address": "2001:db8::16"}, TaggedAddresses=_LAN
        ),
        instance(
            "t17",
            "192.0.2.17",
            {
                "Service": "six-by-tag",
                "Port": 8017,
                "TaggedAddresses": {"lan_ipv6": {"Address": "2001:db8::17", "Port": 9}},
            },
        ),
        instance(
            "t18",
            "192.0.2.18",
            {"Service": "same", "Port": 8018, "TaggedAddresses": {"lan_ipv4": {"Address": "192.0.2.18", "Port": 9}}},
            TaggedAddresses={"lan": "192.0.2.18", "lan_ipv4": "192.0.2.18"},
        ),
        instance("t10", "192.0.2.10", {"Service": "to-service", "Port": 1, "Address": "dual.service.consul"}),
        instance("t10", "192.0.2.10", {"Service": "to-nobody", "Port": 2, "Address": "nobody.node.consul"}),
        instance("t10", "192.0.2.10", {"Service": "to-itself", "Port": 3, "Address": "to-itself.service.consul"}),
        instance(
            "t10", "192.0.2.10", {"Service": "to-itself-dot", "Port": 4, "Address": "to-itself-dot.service.consul."}
        ),
        instance("t10", "192.0.2.10", {"Service": "ring-1", "Port": 5, "Address": "ring-2.service.consul"}),
        instance("t10", "192.0.2.10", {"Service": "ring-2", "Port": 6, "Address": "ring-1.service.consul"}),
        instance("t10", "192.0.2.10", {"Service": "capital", "Port": 7, "Address": "Host.Example.COM"}),
        instance("t10", "192.0.2.10", {"Service": "dotted", "Port": 8, "Address": "host.example.com."}),
        instance("t11", "192.0.2.11", {"Service": "mixed", "Port": 9, "Address": "one.example.com"}),
        instance("t12", "192.0.2.12", {"Service": "mixed", "Port": 9}),
        instance("t13", "192.0.2.13", {"Service": "mixed", "Port": 9, "Address": "2001:db8::13"}),
        instance("t14", "192.0.2.14", {"Service": "names", "Port": 9, "Address": "same.example.com"}),
        instance("t15", "192.0.2.15", {"Service": "names", "Port": 9, "Address": "same.example.com"}),
    ),
    (
        *_asked("a node with addresses of both families", "t1.node.consul", *_MAIN),
        *_asked("an instance at a node with addresses of both families", "dual.service.consul", *_MAIN, "TXT", "MX"),
        *_asked("a v6 node with a v4 address", "t2.node.consul", *_MAIN),
        *_asked("an instance at a v6 node with a v4 address", "six.service.consul", *_MAIN),
        *_asked("an instance with addresses of both families", "own.service.consul", *_MAIN, "TXT"),
        *_asked("an instance with addresses by tag alone", "tagged-alone.service.consul", *_MAIN),
        *_asked("an instance at a name, with addresses by tag", "named.service.consul", *_NAMES),
        *_asked("a node at a name, with addresses by tag", "t6.node.consul", *_NAMES),
        *_asked("an instance at a node at a name, with addresses by tag", "at-name.service.consul", *_NAMES),
        *_asked("a v4 address by the tag of v6", "odd.service.consul", *_MAIN),
        *_asked("a name by the tag of v4", "unreadable.service.consul", *_MAIN),
        *_asked("a node with a v6 address by tag", "t9.node.consul", *_MAIN, "TXT"),
        *_asked("a v6 address of its own at a node with both", "own-six.service.consul", *_MAIN),
        *_asked("a v6 address by tag at a v4 node", "six-by-tag.service.consul", *_MAIN),
        *_asked("the same address by tag", "same.service.consul", *_MAIN),
        *_asked("the same address by the node's tag", "t18.node.consul", *_MAIN),
        Question(
            "a service's name as address, A",
            "to-service.service.consul",
            "A",
            "tcp",
            differs={"answer": "Lictor gives the address of the family that was asked for, where there are both"},
        ),
        *_asked("a service's name as address", "to-service.service.consul", *_NAMES[1:]),
        *_asked("the name of no node as address", "to-nobody.service.consul", *_NAMES),
        *_asked("the name that is asked as address", "to-itself.service.consul", "A", "SRV"),
        *_asked("the name that is asked as address, with its dot", "to-itself-dot.service.consul", "A", "SRV"),
        *_asked("names in a ring", "ring-1.service.consul", "A"),
        Question(
            "names in a ring, SRV",
            "ring-1.service.consul",
            "SRV",
            "tcp",
            differs={"additional": "Consul says the same alias twice"},
        ),
        *_asked("a name with capitals", "capital.service.consul", "A", "SRV"),
        *_asked("a name with its dot", "dotted.service.consul", "A", "SRV"),
        *_asked("a name beside addresses", "mixed.service.consul", *_NAMES),
        *_asked("the same name twice", "names.service.consul", "A", "SRV"),
        Question("reverse of an address by tag", "11.2.0.192.in-addr.arpa", "PTR", "tcp"),
        Question("reverse of an instance's address by tag", "44.2.0.192.in-addr.arpa", "PTR", "tcp"),
        Question(
            "reverse of a v6 address by tag",
            "1.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
            "PTR",
            "tcp",
        ),
    ),
    config={"translate_wan_addrs": True},
)
