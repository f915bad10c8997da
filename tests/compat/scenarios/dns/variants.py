"""The corpus under many settings: the same catalog, the same questions, one scenario for each way to be configured."""

from collections.abc import Mapping

from tests.compat.scenarios.dns import corpus
from tests.compat.scenarios.dns.corpus_catalog import CATALOG
from tests.support.recorder.dns_scenario import DnsScenario, Question
from tests.support.recorder.json_types import Json

__all__ = ["SCENARIOS"]


def _scenario(area: str, about: str, questions: tuple[Question, ...], **config: Json) -> DnsScenario:
    return DnsScenario(f"corpus_{area}", about, CATALOG, questions, config)


def _dns(area: str, about: str, settings: Mapping[str, Json]) -> DnsScenario:
    cut = corpus.CUT_UNCOMPRESSED if settings.get("disable_compression") else corpus.CUT
    return _scenario(area, about, corpus.questions(short=True, cut=cut), dns_config=dict(settings))


SCENARIOS: tuple[DnsScenario, ...] = (
    _scenario("default", "The corpus as it is answered without any setting.", corpus.questions()),
    _dns(
        "ttl",
        "Times to live: of nodes, and of services by name, by the longest beginning, by any.",
        {"node_ttl": "11s", "service_ttl": {"web": "2s", "web-*": "3s", "web-a*": "4s", "*": "5s", "db": "6s"}},
    ),
    _dns("ttl_some", "Only some services have a time to live.", {"service_ttl": {"web*": "90s", "five": "1h"}}),
    _dns("soa", "Times of the zone.", {"soa": {"refresh": 1, "retry": 2, "expire": 3, "min_ttl": 4}}),
    _dns("passing", "Instances in the warning state are left out.", {"only_passing": True}),
    _dns("no_meta", "No metadata besides.", {"enable_additional_node_meta_txt": False}),
    _dns("uncompressed", "Names in full.", {"disable_compression": True}),
    _dns("truncate", "What is left out is told.", {"enable_truncate": True}),
    _dns("udp_limit", "Two instances for clients that take 512 bytes.", {"udp_answer_limit": 2}),
    _scenario(
        "udp_limit_high",
        "More instances than are ever given to clients that take 512 bytes.",
        tuple(corpus.sizes(cut=corpus.CUT_AT_EIGHT)),
        dns_config={"udp_answer_limit": 20},
    ),
    _scenario(
        "udp_limit_none",
        "No instance for clients that take 512 bytes.",
        tuple(corpus.sizes(cut=corpus.CUT_AT_NONE)),
        dns_config={"udp_answer_limit": 0},
    ),
    _dns("a_limit", "Two addresses in any answer.", {"a_record_limit": 2}),
    _dns(
        "limits",
        "All limits at once.",
        {"udp_answer_limit": 4, "a_record_limit": 30, "enable_truncate": True, "disable_compression": True},
    ),
    _dns(
        "stale",
        "How fresh answers have to be changes none of them here.",
        {"allow_stale": False, "max_stale": "1s", "use_cache": True, "cache_max_age": "1s"},
    ),
    _scenario(
        "alt_domain",
        "Names of a second domain, which lies within the first.",
        (*corpus.questions("alt.consul", short=True), *corpus.questions("consul", short=True)[:60]),
        alt_domain="alt.consul.",
    ),
    _scenario(
        "domain",
        "A domain of several labels, in a datacenter of another name.",
        corpus.questions("Mesh.Example", "east-1", short=True, cut=corpus.CUT_LONGER),
        domain="Mesh.Example",
        datacenter="east-1",
    ),
    _scenario(
        "translated",
        "Addresses of the wide area are for other datacenters only.",
        corpus.questions(short=True),
        translate_wan_addrs=True,
        dns_config={"node_ttl": "1m"},
    ),
)
