"""`lictor acl auth-method`: create, read, update, delete, list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from lictor.api.calls import acl
from lictor.cli.access import META, doing, json_argument, print_one, text_argument
from lictor.cli.access_shown import listed_methods, method_lines
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import refuse_arguments
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoGroup, flag, option
from lictor.cli.formats import Format, format_option
from lictor_core.acl.records import AuthMethod
from lictor_core.records import JsonObject

__all__ = ["auth_method"]

F = TypeVar("F", bound=Callable[..., object])

_KUBERNETES: Final = "kubernetes"

auth_method = GoGroup(
    "auth-method",
    help="Say who else vouches for those that log in: keys of JWTs, or a Kubernetes cluster.",
    examples=(
        ("lictor acl auth-method create -name=corp -type=jwt -config=@corp.json", "JWTs of a company"),
        ("lictor acl auth-method list", "all of them"),
    ),
)

_OPTIONS: Final = (
    option("-config", "The settings of its type, a JSON object; @FILE, or - for stdin.", metavar="json"),
    option("-description", "What it is for.", metavar="text"),
    option("-display-name", "What people shall see in place of its name.", metavar="name"),
    format_option,
    option("-kubernetes-ca-cert", "The CA of the Kubernetes API, PEM; @FILE for a file.", metavar="pem"),
    option("-kubernetes-host", "The address of the Kubernetes API.", metavar="url"),
    option(
        "-kubernetes-service-account-jwt",
        "The token by which the API is asked to look at the tokens of others.",
        metavar="jwt",
    ),
    option("-max-token-ttl", "How long tokens of it are good for, such as 1h.", metavar="duration"),
    META,
    option("-name", "The auth method's name.", metavar="name"),
    option(
        "-token-locality",
        "Whether its tokens count here (local, also without it) or everywhere (global).",
        metavar="kind",
    ),
)


def _options(function: F) -> F:
    for one in reversed(_OPTIONS):
        function = one(function)
    return function


@auth_method.command(
    "create", cls=ApiCommand, examples=("lictor acl auth-method create -name=corp -type=jwt -config=@corp.json",)
)
@_options
@option("-type", "jwt or kubernetes.", metavar="type")
@pass_api
def create(api: Api, /, args: tuple[str, ...], format: Format, meta: bool, name: str, type: str, **said: str) -> None:
    """Make an auth method."""
    refuse_arguments(args)
    if not type:
        raise CommandError("-type is needed: jwt or kubernetes")
    if not name:
        raise CommandError("-name is needed: what the auth method is called")
    if type == _KUBERNETES and not said["config"] and not said["kubernetes_host"]:
        raise CommandError("-kubernetes-host is needed: the address of the Kubernetes API")
    body: JsonObject = {"Name": name, "Type": type, **_texts(said), "Config": _config(said) or {}}
    with doing(api, "making the auth method"):
        made = api.send(acl.create_auth_method(_sent(body), dc=api.datacenter))
    print_one(made, method_lines(made, meta=meta), format)


@auth_method.command("read", cls=ApiCommand, examples=("lictor acl auth-method read -name=corp",))
@format_option
@META
@option("-name", "The auth method's name.", metavar="name")
@pass_api
def read(api: Api, /, args: tuple[str, ...], format: Format, meta: bool, name: str) -> None:
    """Show an auth method."""
    refuse_arguments(args)
    found = _found(api, name)
    print_one(found, method_lines(found, meta=meta), format)


@auth_method.command(
    "update", cls=ApiCommand, examples=("lictor acl auth-method update -name=corp -config=@corp.json",)
)
@_options
@flag("-no-merge", "Keep nothing of what it said.")
@pass_api
def update(
    api: Api, /, args: tuple[str, ...], format: Format, meta: bool, name: str, no_merge: bool, **said: str
) -> None:
    """Change an auth method; its type stays. What is not given stays, unless -no-merge is."""
    refuse_arguments(args)
    former = _found(api, name)
    old: JsonObject = {
        "Description": former.description,
        "DisplayName": former.display_name,
        "MaxTokenTTL": former.max_token_ttl,
        "TokenLocality": former.token_locality,
    }
    new = _texts(said)
    config = _config(said)
    body: JsonObject = new if no_merge else {key: new[key] or old[key] for key in new}
    body |= {"Name": former.name, "Type": former.type}
    body["Config"] = config if config is not None else {} if no_merge else former.config
    with doing(api, f'updating auth method "{name}"'):
        made = api.send(acl.update_auth_method(name, _sent(body), dc=api.datacenter))
    print_one(made, method_lines(made, meta=meta), format)


@auth_method.command("delete", cls=ApiCommand, examples=("lictor acl auth-method delete -name=corp",))
@option("-name", "The auth method's name.", metavar="name")
@pass_api
def delete(api: Api, /, args: tuple[str, ...], name: str) -> None:
    """Delete an auth method, its binding rules, and the tokens of those who logged in by it."""
    refuse_arguments(args)
    if not name:
        raise CommandError("-name is needed")
    with doing(api, f'deleting auth method "{name}"'):
        api.send(acl.delete_auth_method(name, dc=api.datacenter))
    print(f'Auth method "{name}" deleted successfully')


@auth_method.command("list", cls=ApiCommand, examples=("lictor acl auth-method list",))
@format_option
@META
@pass_api
def list_(api: Api, /, args: tuple[str, ...], format: Format, meta: bool) -> None:
    """List all auth methods."""
    refuse_arguments(args)
    with doing(api, "listing the auth methods"):
        found = api.send(acl.auth_methods(api.options()))
    print_one(found, listed_methods(found, meta=meta), format)


def _found(api: Api, name: str) -> AuthMethod:
    if not name:
        raise CommandError("-name is needed")
    with doing(api, f'reading auth method "{name}"'):
        found = api.send(acl.auth_method(name, api.options()))
    if found is None:
        raise CommandError(f"there is no auth method with the name {name}")
    return found


def _sent(body: JsonObject) -> JsonObject:
    """A body without an empty duration, which Consul takes for a wrong one."""
    return {key: value for key, value in body.items() if value or key != "MaxTokenTTL"}


def _texts(said: dict[str, str]) -> JsonObject:
    return {
        "Description": said["description"],
        "DisplayName": said["display_name"],
        "MaxTokenTTL": said["max_token_ttl"],
        "TokenLocality": said["token_locality"],
    }


def _config(said: dict[str, str]) -> JsonObject | None:
    """The settings, as JSON or by the flags of Kubernetes; None when nothing was given."""
    by_flags = {
        "Host": said["kubernetes_host"],
        "CACert": text_argument(said["kubernetes_ca_cert"], "-kubernetes-ca-cert"),
        "ServiceAccountJWT": said["kubernetes_service_account_jwt"],
    }
    chosen: JsonObject = {key: value for key, value in by_flags.items() if value}
    if said["config"]:
        return {**json_argument(said["config"], "-config"), **chosen}
    return chosen or None
