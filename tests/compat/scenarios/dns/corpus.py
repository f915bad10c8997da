"""The questions of the corpus: every form of name with every type, sizes, cases, and names that are nearly right."""

from collections.abc import Iterator, Mapping

from tests.compat.scenarios.dns.corpus_catalog import FIVE, LONG, LONG_NAME, MANY
from tests.support.recorder.dns_scenario import Question

__all__ = ["CUT", "CUT_AT_EIGHT", "CUT_AT_NONE", "CUT_LONGER", "CUT_UNCOMPRESSED", "Cut", "questions", "sizes"]

_TYPES = ("A", "AAAA", "SRV", "ANY", "TXT", "CNAME", "NS", "SOA", "PTR", "MX", "HTTPS", "NAPTR", "TYPE65280")

_EVERY_TYPE = (
    "web.service.{domain}",
    "primary.web.service.{domain}",
    "_web._tcp.service.{domain}",
    "hosted.service.{domain}",
    "six.service.{domain}",
    "db.connect.{domain}",
    "meta.node.{domain}",
    "host.node.{domain}",
    "0a010001.addr.{domain}",
    "nobody.service.{domain}",
    "nobody.node.{domain}",
    "{domain}",
    "1.0.1.10.in-addr.arpa",
    "www.example.com",
)
"""Forms of names, each asked for every type."""

_MAIN_TYPES = ("A", "SRV", "ANY")

_MAIN = (
    "v1.2.web.service.{domain}",
    "second.web.service.{domain}",
    "third.web.service.{domain}",
    "none.web.service.{domain}",
    "web.service.{datacenter}.{domain}",
    "web.service.elsewhere.{domain}",
    "web.service.{datacenter}.more.{domain}",
    "web-admin.service.{domain}",
    "web-api-v2.service.{domain}",
    "inside.service.{domain}",
    "behind.service.{domain}",
    "six-at-four.service.{domain}",
    "dual.service.{domain}",
    "mixedcase.service.{domain}",
    "tagcase.mixedcase.service.{domain}",
    "under_score.service.{domain}",
    "tag_score.under_score.service.{domain}",
    "portless.service.{domain}",
    "porthigh.service.{domain}",
    "twin.service.{domain}",
    "tagged.service.{domain}",
    "down.service.{domain}",
    "moving.service.{domain}",
    "uneasy.service.{domain}",
    "db.service.{domain}",
    "db-proxy.service.{domain}",
    "native.connect.{domain}",
    "any.db.connect.{domain}",
    "web.connect.{domain}",
    "db.connect.{datacenter}.{domain}",
    "service.service.{domain}",
    "consul.service.{domain}",
    "_web._primary.service.{domain}",
    "_web._udp.service.{domain}",
    "_web._.service.{domain}",
    "_web._tcp.{domain}",
    "_web._tcp.{datacenter}.{domain}",
    "_web._tcp.service.elsewhere.{domain}",
    "_web.service.{domain}",
    "_web._tcp._more.service.{domain}",
    "_web._v1.2.service.{domain}",
    "_under_score._tag_score.service.{domain}",
    "_MIXEDcase._TAGcase.service.{domain}",
)
"""Names of services, asked for what clients ask of services."""

_NODES = (
    "plain.node.{domain}",
    "alias.node.{domain}",
    "six.node.{domain}",
    "dotted.name.node.{domain}",
    "under_score.node.{domain}",
    "capital.node.{domain}",
    "tagged.node.{domain}",
    "service.node.{domain}",
    "node.node.{domain}",
    "long-meta.node.{domain}",
    "judge.node.{domain}",
    "meta.node.{datacenter}.{domain}",
    "meta.node.elsewhere.{domain}",
    "meta.node.{datacenter}.more.{domain}",
)
_NODE_TYPES = ("A", "AAAA", "TXT", "ANY")

_ODD = (
    ("WeB.sErViCe.{domain}", "A"),
    ("WeB.sErViCe.{domain}", "SRV"),
    ("WeB.sErViCe.{domain}", "AAAA"),
    ("NoBody.SERVICE.{domain}", "A"),
    ("META.node.{domain}", "TXT"),
    ("0A010001.ADDR.{domain}", "A"),
    ("20010DB8000000000000000000000061.addr.{domain}", "AAAA"),
    ("20010db8000000000000000000000061.addr.{domain}", "A"),
    ("0a010001.addr.{datacenter}.{domain}", "A"),
    ("0a010001.addr.elsewhere.{domain}", "A"),
    ("0a010001.addr.{datacenter}.more.{domain}", "A"),
    ("0a0100011.addr.{domain}", "A"),
    ("0a01000.addr.{domain}", "A"),
    ("0a01.addr.{domain}", "A"),
    ("zz010001.addr.{domain}", "A"),
    ("20010db800000000000000000000006x.addr.{domain}", "AAAA"),
    ("20010db80000000000000000000000611.addr.{domain}", "AAAA"),
    ("more.0a010001.addr.{domain}", "A"),
    ("addr.{domain}", "A"),
    ("service.{domain}", "A"),
    ("_tcp.service.{domain}", "SRV"),
    ("_web.{domain}", "SRV"),
    ("_web.{domain}", "A"),
    ("_tcp.{domain}", "SRV"),
    ("node.{domain}", "A"),
    ("connect.{domain}", "A"),
    ("query.{domain}", "A"),
    ("ingress.{domain}", "A"),
    ("web.{domain}", "A"),
    ("nobody.query.{domain}", "A"),
    ("nobody.query.{domain}", "SRV"),
    ("a.b.query.{datacenter}.{domain}", "A"),
    ("web.ingress.{domain}", "A"),
    ("web.ingress.{domain}", "SRV"),
    ("web.virtual.{domain}", "A"),
    ("web.services.{domain}", "A"),
    ("{datacenter}.{domain}", "A"),
    ("{datacenter}.{domain}", "SOA"),
    ("ns.{domain}", "A"),
    ("ns.{domain}", "NS"),
    ("hostmaster.{domain}", "TXT"),
    ("not{domain}", "A"),
    ("{domain}.example.com", "A"),
    ("{domain}", "AXFR"),
    ("{domain}", "IXFR"),
    ("{domain}", "DNSKEY"),
    ("{domain}", "OPT"),
    ("web.service.{domain}", "AXFR"),
    (".", "NS"),
    (".", "A"),
    ("arpa", "PTR"),
    ("in-addr.arpa", "PTR"),
    ("in-addr.arpa", "SOA"),
    ("1.0.0.10.IN-ADDR.ARPA", "PTR"),
    ("1.0.2.10.in-addr.arpa", "PTR"),
    ("20.0.2.10.in-addr.arpa", "PTR"),
    ("8.0.0.10.in-addr.arpa", "PTR"),
    ("88.0.0.10.in-addr.arpa", "PTR"),
    ("8.100.51.198.in-addr.arpa", "PTR"),
    ("1.0.0.127.in-addr.arpa", "PTR"),
    ("1.9.9.10.in-addr.arpa", "PTR"),
    ("1.0.0.256.in-addr.arpa", "PTR"),
    ("01.0.0.10.in-addr.arpa", "PTR"),
    ("1.1.0.0.10.in-addr.arpa", "PTR"),
    ("1.6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR"),
    ("3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.IP6.ARPA", "PTR"),
    ("3.0.0.0.ip6.arpa", "PTR"),
    ("z.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR"),
    ("11." + "0." * 30 + "2.ip6.arpa", "PTR"),
    (r"we\046b.service.{domain}", "A"),
    (r"we\032b.service.{domain}", "A"),
    (r"dotted\.name.node.{domain}", "A"),
    (r"v1\.2.web.service.{domain}", "A"),
    (r"\000.service.{domain}", "A"),
    (r"\195\169.service.{domain}", "A"),
    ("x" * 63 + ".service.{domain}", "A"),
    ("x" * 63 + ".node.{domain}", "SRV"),
)
"""Names of other forms, in odd cases, or nearly right, with a type."""

_SHORT = (
    (_EVERY_TYPE, ("A", "SRV", "ANY", "TXT", "NS", "SOA")),
    (_MAIN, ("A", "SRV")),
    (_NODES, ("A", "TXT")),
)
"""What is asked of every form of name under every setting."""

_PAYLOADS = (0, 512, 1232, 4096, 65535)
_CHOSEN = (("five", FIVE), ("many", MANY), (LONG_NAME, LONG))

_ADDRESS_TWICE = {"additional": "Consul says the same address twice"}
_DOT = "a label may hold a dot in Lictor, so that what has one in its name can be asked for"
_WITH_A_DOT = {"rcode": _DOT, "answer": _DOT, "authority": _DOT}
_MORE = "Lictor gives every answer that there is room for, then addresses; Consul leaves out an answer with its address"
_TOLD = "a client that is given none of the instances is told so by TC, or it would believe that there are none"

Cut = Mapping[tuple[str, str, int | None], Mapping[str, str]]
"""Questions for more than there is room for, by service, type and payload, where Lictor differs, and how."""

_SMALL = (None, 0, 512)
_OF_PORTS = {"answer": _MORE, "additional": _MORE}
_OF_ADDRESSES = {"answer": _MORE}
_NONE_GIVEN = {"flags": _TOLD, "authority": _TOLD}

CUT: Cut = {("many", "SRV", 1232): _OF_PORTS, **{(LONG_NAME, "SRV", payload): _OF_PORTS for payload in _SMALL}}
CUT_LONGER: Cut = {**CUT, (LONG_NAME, "SRV", 1232): _OF_PORTS}
CUT_UNCOMPRESSED: Cut = {**CUT_LONGER, **{(LONG_NAME, "SRV", payload): _OF_ADDRESSES for payload in _SMALL}}
CUT_AT_EIGHT: Cut = {
    **CUT,
    **{("many", "SRV", payload): _OF_PORTS for payload in _SMALL},
    **{(LONG_NAME, kind, payload): _OF_ADDRESSES for kind in ("A", "ANY") for payload in _SMALL},
    **{(LONG_NAME, "SRV", payload): _OF_ADDRESSES for payload in (0, 512)},
}
CUT_AT_NONE: Cut = {
    **{(name, kind, payload): _NONE_GIVEN for name, _ in _CHOSEN for kind in _MAIN_TYPES for payload in _SMALL},
    ("many", "SRV", 1232): _OF_PORTS,
}


def questions(
    domain: str = "consul", datacenter: str = "dc1", *, short: bool = False, cut: Cut = CUT
) -> tuple[Question, ...]:
    """All questions, of names under `domain`; or the `short` list: those whose answers some setting changes."""
    return tuple(_all(domain, datacenter, short, cut))


def _all(domain: str, datacenter: str, short: bool, cut: Cut) -> Iterator[Question]:
    def question(name: str, kind: str, transport: str = "udp", payload: int | None = None) -> Question:
        full = name.format(domain=domain, datacenter=datacenter)
        how = transport if payload is None else f"{transport} {payload}"
        differs: Mapping[str, str] = {}
        if (name, kind) == ("twin.service.{domain}", "SRV"):
            differs = _ADDRESS_TWICE
        elif r"\." in name:
            differs = _WITH_A_DOT
        return Question(f"{full} {kind} {how}", full, kind, transport, payload, differs=differs)

    matrix = ((_EVERY_TYPE, _TYPES), (_MAIN, _MAIN_TYPES), (_NODES, _NODE_TYPES))
    for names, kinds in _SHORT if short else matrix:
        yield from (question(name, kind) for name in names for kind in kinds)
    yield from sizes(domain, cut)
    if short:
        return
    yield from (question(name, kind) for name, kind in _ODD)
    for name in ("web.service.{domain}", "meta.node.{domain}", "{domain}", "www.example.com"):
        yield question(name, "ANY", "tcp")
        yield from (question(name, "ANY", payload=payload) for payload in _PAYLOADS)


def sizes(domain: str = "consul", cut: Cut = CUT) -> Iterator[Question]:
    """Those of the questions that ask for more than some clients take, in every size that they name."""
    for service, any_of in _CHOSEN:
        name = f"{service}.service.{domain}"
        for kind in _MAIN_TYPES:
            yield Question(f"{name} {kind} tcp", name, kind, "tcp", any_of=any_of)
            for payload in (None, *_PAYLOADS):
                how = "udp" if payload is None else f"udp {payload}"
                differs = cut.get((service, kind, payload), {})
                yield Question(f"{name} {kind} {how}", name, kind, payload=payload, any_of=any_of, differs=differs)
