"""What a sidecar's snapshot is made of, and what is asked for it."""

from lictor_connect_proxy.feed.assembling import first_snapshot
from lictor_connect_proxy.feed.needs import (
    ChainFound,
    ChainOf,
    DefaultFound,
    DefaultPolicy,
    EntriesOf,
    ExposedForChecks,
    InstancesOf,
    LeafOf,
    RegistrationOf,
    Roots,
    RulesOf,
)
from lictor_connect_proxy.feed.registrations import Registration
from lictor_connect_proxy.snapshot import ExposedPath, Policy, ProxySnapshot, PublicListener, UpstreamListener
from lictor_core.intentions import stated_rule
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import rule
from tests.connect_proxy.feed.agent_double import plain_chain
from tests.connect_proxy.feed.knowing import Knowledge, chain_of, endpoint

AUTHORITY = Authority()
PUBLIC = PublicListener(bind_address="127.0.0.1", bind_port=1, application_host="127.0.0.1", application_port=2)
DB = UpstreamListener(service="db", bind_port=9191)
IDENTITY = ((Roots(), AUTHORITY.roots()), (LeafOf("web"), AUTHORITY.leaf("web")))


def test_a_sidecar_needs_who_it_is_whom_it_trusts_whom_it_lets_in_and_where_it_leads() -> None:
    knowledge = Knowledge(ProxySnapshot(service="web", public=PUBLIC, upstreams=(DB,)))
    knowledge.learn()
    assert knowledge.wanted == {Roots(), LeafOf("web"), RulesOf("web"), DefaultPolicy(), ChainOf(DB.key)}
    knowledge.learn((ChainOf(DB.key), ChainFound(chain_of(plain_chain("db")))))
    assert InstancesOf("db") in knowledge.wanted


def test_a_sidecar_is_complete_when_all_that_it_needs_is_known() -> None:
    knowledge = Knowledge(ProxySnapshot(service="web", public=PUBLIC, upstreams=(DB,)))
    facts = [
        *IDENTITY,
        (RulesOf("web"), Policy(rules=())),
        (DefaultPolicy(), DefaultFound(False)),
        (ChainOf(DB.key), ChainFound(chain_of(plain_chain("db")))),
        (InstancesOf("db"), ()),
    ]
    for fact in facts:
        assert not knowledge.snapshot.is_complete()
        knowledge.learn(fact)
    assert knowledge.snapshot.is_complete()
    assert knowledge.snapshot.datacenter == "dc1"


def test_nothing_is_asked_for_a_proxy_of_which_only_the_id_is_known() -> None:
    knowledge = Knowledge(ProxySnapshot(service=""), "web-proxy")
    knowledge.learn()
    assert knowledge.wanted == {RegistrationOf("web-proxy")}
    found = knowledge.learn((RegistrationOf("web-proxy"), Registration(proxy_id="web-proxy", service="web")))
    assert (found.service, found.proxy_id) == ("web", "web-proxy")
    assert LeafOf("web") in knowledge.wanted


def test_another_service_starts_with_nothing_of_the_old_one() -> None:
    knowledge = Knowledge(ProxySnapshot(service="web"), "p")
    assert knowledge.learn(*IDENTITY).leaf is not None
    assert knowledge.learn((RegistrationOf("p"), Registration(service="api"))).leaf is None


def test_what_did_not_change_is_the_very_same_value() -> None:
    knowledge = Knowledge(ProxySnapshot(service="web", upstreams=(DB,)))
    before = knowledge.learn(
        *IDENTITY, (ChainOf(DB.key), ChainFound(chain_of(plain_chain("db")))), (InstancesOf("db"), (endpoint("a"),))
    )
    after = knowledge.learn((ChainOf(DB.key), ChainFound(chain_of(plain_chain("db")))), (Roots(), Authority().roots()))
    assert after.roots is not before.roots
    assert after.endpoints is before.endpoints
    assert after.chains is before.chains
    assert after.instances is before.instances


def test_a_snapshot_in_which_nothing_changed_is_the_one_before() -> None:
    knowledge = Knowledge(ProxySnapshot(service="web", public=PUBLIC, upstreams=(DB,)))
    before = knowledge.learn(*IDENTITY)
    assert knowledge.learn((LeafOf("web"), before.leaf)) is before
    assert knowledge.learn((DefaultPolicy(), DefaultFound(True))) is not before


def test_who_vouches_for_tokens_is_asked_only_where_tokens_are_demanded() -> None:
    knowledge = Knowledge(ProxySnapshot(service="web", public=PUBLIC))
    knowledge.learn((RulesOf("web"), Policy(rules=(rule("api", "allow", "web"),))))
    assert EntriesOf("jwt-provider") not in knowledge.wanted
    demanding = stated_rule(rule("api", "allow", "web"), None, {"Providers": [{"Name": "okta"}]})
    knowledge.learn((RulesOf("web"), Policy(rules=(demanding,))))
    assert EntriesOf("jwt-provider") in knowledge.wanted
    entries = {"okta": {"Name": "okta"}, "other": {"Name": "other"}}
    assert knowledge.learn((EntriesOf("jwt-provider"), entries)).jwt_providers == {"okta": {"Name": "okta"}}


def test_paths_for_checks_stand_beside_those_that_are_registered() -> None:
    knowledge = Knowledge(ProxySnapshot(service=""), "p")
    paths = [ExposedPath(path=path, listener_port=1, application_port=2) for path in ("/a", "/b")]
    knowledge.learn((RegistrationOf("p"), Registration(service="web", exposed=(paths[0],))))
    assert ExposedForChecks("p") not in knowledge.wanted
    knowledge.learn((RegistrationOf("p"), Registration(service="web", exposed=(paths[0],), exposes_checks=True)))
    assert knowledge.learn((ExposedForChecks("p"), (paths[1],))).exposed == tuple(paths)


def test_the_first_snapshot_holds_all_that_is_registered() -> None:
    found = first_snapshot(Registration(service="web", public=PUBLIC, upstreams=(DB,), config={"a": 1}))
    assert (found.service, found.public, found.upstreams, found.config) == ("web", PUBLIC, (DB,), {"a": 1})
