"""The zone itself, and what is outside of it."""

from tests.compat.scenarios.dns.registrations import instance
from tests.support.recorder.dns_scenario import DnsScenario, Question

_WHY = "a service without a name is none; Consul fails"
_NOTHING = {"rcode": _WHY, "authority": _WHY}

SCENARIO = DnsScenario(
    "zone",
    "SOA, NS, unknown names and other zones.",
    (instance("n1", "192.0.2.1", {"Service": "web", "Port": 80}),),
    (
        Question("SOA of the zone", "consul", "SOA"),
        Question("NS of the zone with the servers' addresses", "consul", "NS"),
        Question("ANY of the zone", "consul", "ANY"),
        Question("A of the zone", "consul", "A"),
        Question("AXFR is not done", "consul", "AXFR", "tcp"),
        Question("AXFR over UDP", "consul", "AXFR"),
        Question("the name server by its name", "ns.consul", "A"),
        Question("the name server asked for SOA", "ns.consul", "SOA"),
        Question("SOA in capitals", "CONSUL", "SOA"),
        Question("NS over TCP", "consul", "NS", "tcp"),
        Question("SOA of the datacenter", "dc1.consul", "SOA"),
        Question("NS of the datacenter", "dc1.consul", "NS"),
        Question("an unknown name of the zone has the SOA in authority", "nothing.consul", "A"),
        Question("an unknown deep name", "a.b.c.d.e.consul", "A"),
        Question("another zone is refused", "example.com", "A"),
        Question("another zone over TCP", "example.com", "A", "tcp"),
        Question("a zone that ends alike", "myconsul", "A"),
        Question("a zone that ends alike, deeper", "web.service.notconsul", "A"),
        Question("the root", ".", "NS"),
        Question("an unknown kind of question", "web.service.consul", "TYPE65280"),
        Question("SRV of a node of another datacenter", "n1.node.dc2.consul", "SRV"),
        Question("A of a node of another datacenter", "n1.node.dc2.consul", "A"),
        Question("SRV of a service of another datacenter", "web.service.dc2.consul", "SRV"),
        Question("RFC 2782 names of nothing", "_._tcp.service.consul", "SRV", differs=_NOTHING),
        Question("HTTPS records", "web.service.consul", "HTTPS"),
        Question("DNSKEY of the zone", "consul", "DNSKEY"),
        Question("the class CHAOS", "version.bind", "TXT", domain_class="CH"),
        Question("the class CHAOS in our zone", "web.service.consul", "A", domain_class="CH"),
        Question("the class ANY in our zone", "web.service.consul", "A", domain_class="ANY"),
        Question("another zone with EDNS", "example.com", "A", payload=1232),
        Question("another zone without recursion desired", "example.com", "A", recursion_desired=False),
    ),
)
