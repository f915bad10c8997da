"""Names of nodes, and names of addresses."""

from tests.compat.scenarios.dns.registrations import instance, node
from tests.support.recorder.dns_scenario import DnsScenario, Question

SCENARIO = DnsScenario(
    "nodes",
    "Nodes by name, and reverse.",
    (
        node("plain", "192.0.2.1"),
        node(
            "meta", "192.0.2.2", NodeMeta={"key": "value", "rfc1035-text": "raw text", "empty": "", "rfc1035-a": "b=c"}
        ),
        node("six", "2001:db8::3"),
        node("host", "node.example.com"),
        node("dotted.name", "192.0.2.4"),
        node("Capital", "192.0.2.5"),
        node("tagged", "192.0.2.6", TaggedAddresses={"lan": "192.0.2.66", "wan": "198.51.100.6"}),
        instance("server", "192.0.2.7", {"Service": "web", "Address": "192.0.2.77", "Port": 80}),
        instance("sick", "192.0.2.8", {"Service": "sick", "Port": 80}, "critical"),
    ),
    (
        Question("the address of a node", "plain.node.consul", "A"),
        Question("the address of a node with the datacenter", "plain.node.dc1.consul", "A"),
        Question("a node in an unknown datacenter", "plain.node.elsewhere.consul", "A"),
        Question("no v6 address", "plain.node.consul", "AAAA"),
        Question("ANY of a node", "plain.node.consul", "ANY"),
        Question("TXT of a node without meta", "plain.node.consul", "TXT"),
        Question("SRV of a node", "plain.node.consul", "SRV"),
        Question("MX of a node", "plain.node.consul", "MX"),
        Question("TXT of a node is its meta", "meta.node.consul", "TXT"),
        Question("A of a node with meta has it in the additional section", "meta.node.consul", "A"),
        Question("ANY of a node with meta", "meta.node.consul", "ANY"),
        Question("the v6 address of a node", "six.node.consul", "AAAA"),
        Question("a v6 node has no A", "six.node.consul", "A"),
        Question("ANY of a v6 node", "six.node.consul", "ANY"),
        Question("a node at a host name", "host.node.consul", "A"),
        Question("a node at a host name, ANY", "host.node.consul", "ANY"),
        Question("a node with a dot", "dotted.name.node.consul", "A"),
        Question("a node with capitals", "capital.node.consul", "A"),
        Question("a question in capitals", "PLAIN.NODE.CONSUL", "A"),
        Question("tagged addresses do not matter at home", "tagged.node.consul", "A"),
        Question("a node with a critical service is still a node", "sick.node.consul", "A"),
        Question("an unknown node", "nobody.node.consul", "A"),
        Question("an unknown node, AAAA", "nobody.node.consul", "AAAA"),
        Question("node without a name", "node.consul", "A"),
        Question("the agent itself", "judge.node.consul", "A"),
        Question("the agent itself over TCP", "judge.node.consul", "A", "tcp"),
        Question("reverse of a node", "1.2.0.192.in-addr.arpa", "PTR"),
        Question("reverse of the agent itself", "1.0.0.127.in-addr.arpa", "PTR"),
        Question("reverse of a service's own address", "77.2.0.192.in-addr.arpa", "PTR"),
        Question("reverse of a node with a service at another address", "7.2.0.192.in-addr.arpa", "PTR"),
        Question("reverse of an unknown address", "99.2.0.192.in-addr.arpa", "PTR"),
        Question("reverse asked for ANY", "1.2.0.192.in-addr.arpa", "ANY"),
        Question("reverse asked for A", "1.2.0.192.in-addr.arpa", "A"),
        Question(
            "reverse of a v6 node", "3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR"
        ),
        Question(
            "reverse of an unknown v6 address",
            "4.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
            "PTR",
        ),
        Question("reverse of half an address", "2.0.192.in-addr.arpa", "PTR"),
        Question("reverse of half a v6 address", "8.b.d.0.1.0.0.2.ip6.arpa", "PTR"),
        Question("reverse of no address", "x.2.0.192.in-addr.arpa", "PTR"),
        Question("reverse in capitals", "1.2.0.192.IN-ADDR.ARPA", "PTR"),
        Question("reverse over TCP", "1.2.0.192.in-addr.arpa", "PTR", "tcp"),
    ),
)
