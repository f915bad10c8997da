"""Every call of access control, to the real Consul and to Lictor: each answer is read into its type."""

from collections.abc import Iterator

import pytest

from lictor.api.blocking import Client
from lictor.api.calls import acl
from lictor.api.errors import AgentError
from lictor.api.settings import Settings, parse_address
from tests.compat.scenarios.http.acl import CONFIG, MANAGEMENT, NEVER
from tests.compat.scenarios.http.acl_methods import BEARER, KEY
from tests.support.agents import Product, dev_agent, put_consul_on_path

put_consul_on_path()
pytestmark = pytest.mark.slow

_JWT = {
    "Type": "jwt",
    "Config": {
        "JWTValidationPubKeys": [KEY],
        "JWTSupportedAlgs": ["ES256"],
        "BoundIssuer": "corp",
        "BoundAudiences": ["lictor-tests"],
        "ClaimMappings": {"who": "who"},
    },
}


@pytest.fixture(
    scope="module",
    params=["lictor", pytest.param("consul", marks=pytest.mark.needs("consul"))],
    ids=["lictor", "consul"],
)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client that may do everything, of a fresh agent that denies by default."""
    product: Product = request.param
    with (
        dev_agent(product, tmp_path_factory.mktemp("agent"), CONFIG) as running,
        Client(Settings(endpoint=parse_address(running.http_address), token=MANAGEMENT)) as made,
    ):
        yield made


def as_bearer(client: Client, secret: str) -> Client:
    """A client of the same agent with another token."""
    return Client(Settings(endpoint=client.settings.endpoint, token=secret))


def test_tokens(client: Client) -> None:
    made = client.send(acl.create_token({"Description": "t", "ServiceIdentities": [{"ServiceName": "web"}]}))
    assert client.send(acl.token(made.accessor_id)) == made
    changed = client.send(acl.update_token(made.accessor_id, {"Description": "u"}))
    assert (changed.description, changed.secret_id, changed.service_identities) == ("u", made.secret_id, ())
    copied = client.send(acl.clone_token(made.accessor_id, "copy"))
    listed = {one.accessor_id: one.description for one in client.send(acl.tokens())}
    assert listed[copied.accessor_id] == "copy"
    with as_bearer(client, made.secret_id) as bearer:
        assert bearer.send(acl.own_token()).accessor_id == made.accessor_id
    assert client.send(acl.delete_token(made.accessor_id)) is True
    with pytest.raises(AgentError) as refused:
        client.send(acl.token(made.accessor_id))
    assert refused.value.status == 403


def test_policies_and_roles(client: Client) -> None:
    policy = client.send(acl.create_policy({"Name": "p", "Rules": 'operator = "read"', "Datacenters": ["dc1"]}))
    assert client.send(acl.policy(policy.id)) == client.send(acl.policy_named("p")) == policy
    assert {one.name: one.datacenters for one in client.send(acl.policies())}["p"] == ("dc1",)
    assert client.send(acl.update_policy(policy.id, {"Name": "p", "Description": "d"})).description == "d"
    role = client.send(acl.create_role({"Name": "r", "Policies": [{"ID": policy.id}]}))
    assert client.send(acl.role(role.id)) == client.send(acl.role_named("r")) == role
    assert [one.name for one in client.send(acl.roles(policy=policy.id))] == ["r"]
    assert client.send(acl.update_role(role.id, {"Name": "s"})).policies == ()
    assert client.send(acl.delete_role(role.id)) is True
    assert client.send(acl.delete_policy(policy.id)) is True
    assert client.send(acl.role_named("s")) is None
    assert client.send(acl.policy_named("p")) is None
    assert client.send(acl.policy(NEVER)) is None


def test_who_is_unknown_is_told_so_and_not_that_nothing_is_there(client: Client) -> None:
    with as_bearer(client, NEVER) as bearer, pytest.raises(AgentError) as refused:
        bearer.send(acl.policy_named("global-management"))
    assert refused.value.status == 403


def test_logins(client: Client) -> None:
    method = client.send(acl.create_auth_method({"Name": "corp", **_JWT}))
    assert client.send(acl.auth_method("corp")) == method
    assert client.send(acl.update_auth_method("corp", {**_JWT, "Description": "d"})).description == "d"
    assert [one.name for one in client.send(acl.auth_methods())] == ["corp"]
    rule = client.send(acl.create_binding_rule({"AuthMethod": "corp", "BindType": "service", "BindName": "x"}))
    assert client.send(acl.binding_rule(rule.id)) == rule
    assert client.send(acl.binding_rules(auth_method="corp")) == [rule]
    changed = client.send(acl.update_binding_rule(rule.id, {"BindType": "service", "BindName": "${value.who}"}))
    assert changed.bind_name == "${value.who}"
    token = client.send(acl.login("corp", BEARER, meta={"a": "b"}))
    assert [one.service_name for one in token.service_identities] == ["web"]
    assert [one.accessor_id for one in client.send(acl.tokens(auth_method="corp"))] == [token.accessor_id]
    with as_bearer(client, token.secret_id) as bearer:
        bearer.send(acl.logout())
    assert client.send(acl.tokens(auth_method="corp")) == []
    assert client.send(acl.delete_binding_rule(rule.id)) is True
    assert client.send(acl.delete_auth_method("corp")) is True
    assert client.send(acl.auth_method("corp")) is None
    assert client.send(acl.binding_rule(rule.id)) is None


def test_what_is_about_all_of_it(client: Client) -> None:
    assert client.send(acl.replication()).enabled is False
    assert client.send(acl.translate('key "a" { policy = "read" }')).startswith('key_prefix "a"')
    asked = [("acl", "", "write"), ("key", "a", "list")]
    assert [one.allow for one in client.send(acl.authorize(asked))] == [True, True]
    with pytest.raises(AgentError) as refused:
        client.send(acl.bootstrap())
    assert refused.value.status == 403
    with pytest.raises(AgentError):
        client.send(acl.translate_token(NEVER))
