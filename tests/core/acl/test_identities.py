from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.granted import DefaultPolicy, GrantedPolicy, Grants
from lictor_core.acl.identities import node_identity_policy, service_identity_policy
from lictor_core.acl.records import NodeIdentity, ServiceIdentity
from lictor_core.acl.rules import Access, Resource
from tests.core.acl.grants import ACCESSOR

_W = Access.WRITE


def _judge(policy: GrantedPolicy) -> Authorizer:
    return Authorizer(Grants(accessor_id=ACCESSOR, policies=(policy,), default=DefaultPolicy.DENY))


def test_a_service_identity_registers_the_service_and_its_proxy_and_finds_all() -> None:
    judge = _judge(service_identity_policy(ServiceIdentity(service_name="web")))

    assert judge.allows(Resource.SERVICE, "web", _W)
    assert judge.allows(Resource.SERVICE, "web-sidecar-proxy", _W)
    assert not judge.allows(Resource.SERVICE, "web2", _W)
    assert judge.sees_all(Resource.SERVICE)
    assert judge.sees_all(Resource.NODE)
    assert not judge.allows(Resource.NODE, "n1", _W)
    assert not judge.allows(Resource.KEY, "a")


def test_a_node_identity_registers_the_node_and_finds_services() -> None:
    judge = _judge(node_identity_policy(NodeIdentity(node_name="n1", datacenter="dc1")))

    assert judge.allows(Resource.NODE, "n1", _W)
    assert not judge.allows(Resource.NODE, "n2")
    assert judge.sees_all(Resource.SERVICE)
    assert not judge.allows(Resource.SERVICE, "web", _W)
