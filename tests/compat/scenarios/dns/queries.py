"""Prepared queries by name."""

import dns.edns
import dns.message

from tests.compat.scenarios.dns.registrations import instance
from tests.support.recorder.dns_scenario import DnsScenario, Question
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Step


def _query(name: str, service: dict[str, Json], **fields: Json) -> Step:
    return Step(f"the query {name}", "POST", "/v1/query", {"Name": name, "Service": service, **fields})


def _of_web(name: str, **service: Json) -> Step:
    return _query(name, {"Service": "web", **service})


def _template(name: str, service: dict[str, Json], regexp: str = "") -> Step:
    return _query(name, service, Template={"Type": "name_prefix_match", "Regexp": regexp})


def _from_subnet(name: str, address: str, bits: int) -> bytes:
    """A question for A that a resolver asks on behalf of clients in a subnet (RFC 7871)."""
    subnet = dns.edns.ECSOption(address, bits)
    return dns.message.make_query(name, "A", use_edns=0, payload=512, options=[subnet], id=0x1234).to_wire()


SCENARIO = DnsScenario(
    "queries",
    "Prepared queries: which instances, how near, for how long.",
    (
        instance(
            "q1",
            "192.0.2.1",
            {"Service": "web", "Tags": ["a", "Primary"], "Port": 8001, "Meta": {"env": "prod"}},
            NodeMeta={"rack": "r1"},
        ),
        instance(
            "q2",
            "192.0.2.2",
            {
                "Service": "web",
                "Tags": ["b"],
                "Port": 8002,
                "Address": "192.0.2.22",
                "Weights": {"Passing": 9, "Warning": 4},
            },
            "warning",
        ),
        instance(
            "q3",
            "192.0.2.3",
            {"Service": "web", "Tags": ["c"], "Port": 8003, "Weights": {"Passing": 7, "Warning": 2}},
            "critical",
        ),
        instance("q1", "192.0.2.1", {"Service": "near", "Port": 8101}, NodeMeta={"rack": "r1"}),
        instance("q2", "192.0.2.2", {"Service": "near", "Port": 8102}),
        instance("q3", "192.0.2.3", {"Service": "near", "Port": 8103}),
        Step(
            "an instance at the agent itself",
            "PUT",
            "/v1/agent/service/register",
            {"Name": "near", "Port": 8104},
        ),
        Step("which the catalog has", "GET", "/v1/health/service/near", until="8104"),
        instance("q4", "192.0.2.4", {"Service": "hosted", "Port": 8004, "Address": "host.example.com"}),
        instance("q5", "2001:db8::5", {"Service": "six", "Port": 8005}),
        instance("q6", "192.0.2.6", {"Service": "down", "Port": 8006}, "critical"),
        instance("q7", "192.0.2.7", {"Service": "db", "Port": 8007}),
        instance(
            "q7",
            "192.0.2.7",
            {
                "ID": "db-proxy",
                "Service": "db-proxy",
                "Kind": "connect-proxy",
                "Port": 9007,
                "Proxy": {"DestinationServiceName": "db"},
            },
        ),
        _of_web("plain"),
        _of_web("passing", OnlyPassing=True),
        _of_web("tagged", Tags=["primary", "!b"]),
        _of_web("untagged", Tags=["nobody-has-it"]),
        _of_web("service-meta", ServiceMeta={"env": "prod"}),
        _of_web("node-meta", NodeMeta={"rack": "r1"}),
        _of_web("ignoring", IgnoreCheckIDs=["q3:web"], Tags=["c"]),
        _query("lasting", {"Service": "web"}, DNS={"TTL": "10s"}),
        _query("broken-second", {"Service": "web"}, DNS={"TTL": "1500ms"}),
        _query("not-lasting", {"Service": "web"}, DNS={"TTL": "0s"}),
        _query("hosted", {"Service": "hosted"}),
        _query("six", {"Service": "six"}),
        _query("down", {"Service": "down"}),
        _query("failing-over", {"Service": "down", "Failover": {"NearestN": 2, "Datacenters": ["dc2"]}}),
        _query("nothing", {"Service": "nobody"}),
        _query("mesh", {"Service": "db", "Connect": True}),
        _query("near-agent", {"Service": "near", "Near": "_agent"}),
        _query("near-client", {"Service": "near", "Near": "_ip"}),
        _query("near-node", {"Service": "near", "Near": "q2"}),
        _query("near-nobody", {"Service": "db", "Near": "nobody"}),
        _query("with.dots", {"Service": "web"}),
        _query("Capitals", {"Service": "web"}),
        _query("under_score", {"Service": "web"}),
        _template("geo-", {"Service": "$${match(1)}", "Tags": ["$${match(2)}"]}, "^geo-(.*?)-([^\\-]+?)$$"),
        _template("7", {"Service": "web", "Tags": ["$${name.full + 1}"]}),
        _template("wide-", {"Service": "$${name.suffix}"}),
    ),
    (
        Question("what a query finds", "plain.query.consul", "A", "tcp"),
        Question("one of what a query finds, over UDP", "mesh.query.consul", "A"),
        Question("SRV of a query", "plain.query.consul", "SRV", "tcp"),
        Question("ANY of a query", "plain.query.consul", "ANY", "tcp"),
        Question("no v6 address", "plain.query.consul", "AAAA", "tcp"),
        Question("TXT of a query", "plain.query.consul", "TXT", "tcp"),
        Question("MX of a query", "plain.query.consul", "MX", "tcp"),
        Question("SOA of a query", "plain.query.consul", "SOA", "tcp"),
        Question("NS of a query", "plain.query.consul", "NS", "tcp"),
        Question("with the datacenter", "plain.query.dc1.consul", "A", "tcp"),
        Question("with an unknown datacenter", "plain.query.elsewhere.consul", "A", "tcp"),
        Question("SRV with an unknown datacenter", "plain.query.elsewhere.consul", "SRV"),
        Question("with two labels behind", "plain.query.dc1.elsewhere.consul", "A", "tcp"),
        Question("in capitals", "PLAIN.QUERY.CONSUL", "A", "tcp"),
        Question("passing instances alone", "passing.query.consul", "SRV", "tcp"),
        Question("by tags, and by one that is not there", "tagged.query.consul", "SRV", "tcp"),
        Question("by a tag nobody has", "untagged.query.consul", "A"),
        Question("by metadata of instances", "service-meta.query.consul", "A", "tcp"),
        Question("by metadata of nodes", "node-meta.query.consul", "SRV", "tcp"),
        Question("a critical instance whose check is ignored", "ignoring.query.consul", "SRV", "tcp"),
        Question("with a time to live of its own", "lasting.query.consul", "SRV", "tcp"),
        Question("with a time to live that is no whole number", "broken-second.query.consul", "A", "tcp"),
        Question("with a time to live of nothing", "not-lasting.query.consul", "A", "tcp"),
        Question("a host name", "hosted.query.consul", "A"),
        Question("SRV to a host name", "hosted.query.consul", "SRV"),
        Question("a v6 node", "six.query.consul", "AAAA"),
        Question("a v6 node has no A", "six.query.consul", "A"),
        Question("nothing is healthy", "down.query.consul", "A"),
        Question("nowhere to fail over to", "failing-over.query.consul", "A"),
        Question("nothing is called so", "nothing.query.consul", "SRV"),
        Question("what speaks the mesh's language", "mesh.query.consul", "SRV"),
        Question(
            "the nearest to the agent is the first",
            "near-agent.query.consul",
            "SRV",
            differs={"additional": "where Consul cuts answers it loses the metadata of those that it gives"},
        ),
        Question("the nearest to the client is the first", "near-client.query.consul", "A"),
        Question("the nearest to a node is the first", "near-node.query.consul", "SRV"),
        Question("near a node that is not there", "near-nobody.query.consul", "A"),
        Question(
            "a client that is asked for by another", wire=_from_subnet("near-client.query.consul", "192.0.2.3", 32)
        ),
        Question(
            "a network of clients",
            wire=_from_subnet("near-client.query.consul", "192.0.2.0", 24),
            any_of=(" 192.0.2.1", " 192.0.2.2", " 192.0.2.3", " 127.0.0.1"),
        ),
        Question("a client at no node", wire=_from_subnet("mesh.query.consul", "198.51.100.9", 32)),
        Question("a client for whom it does not matter", wire=_from_subnet("db.service.consul", "192.0.2.3", 32)),
        Question("a client, and no such query", wire=_from_subnet("nobody.query.consul", "192.0.2.3", 32)),
        Question("a client of version 6", wire=_from_subnet("near-node.query.consul", "2001:db8::5", 128)),
        Question("a name with dots", "with.dots.query.consul", "A", "tcp"),
        Question("a name with dots and the datacenter", "with.dots.query.dc1.consul", "A", "tcp"),
        Question("a name with capitals", "capitals.query.consul", "A", "tcp"),
        Question("a name with an underscore", "under_score.query.consul", "A", "tcp"),
        Question("a template", "geo-web-primary.query.consul", "SRV", "tcp"),
        Question("a template that does not fit", "geo-web.query.consul", "A"),
        Question("a template for whatever follows", "wide-db.query.consul", "A"),
        Question("a template with dots in what follows", "wide-d.b.query.consul", "A"),
        Question("a template for nobody", "wide-nobody.query.consul", "A"),
        Question("a template that cannot be filled in for this name", "7x.query.consul", "A"),
        Question("an unknown query", "nobody.query.consul", "A"),
        Question("SRV of an unknown query", "nobody.query.consul", "SRV"),
        Question("query without a name", "query.consul", "A"),
        Question("RFC 2782 with query", "_plain._tcp.query.consul", "SRV"),
        Question(
            "the virtual address of a service is of later versions",
            "db.virtual.consul",
            "A",
            differs=dict.fromkeys(("rcode", "answer", "authority"), "services of the mesh have one, as from 1.11 on"),
        ),
        Question("and outside of the mesh there is none", "web.virtual.consul", "A"),
    ),
    config={"dns_config": {"udp_answer_limit": 1, "service_ttl": {"web": "7900ms", "*": "3s"}, "node_ttl": "5.9s"}},
)
