"""`lictor login`: a token for who is vouched for by somebody else."""

from __future__ import annotations

from collections.abc import Mapping

import click

from lictor.api.calls import acl
from lictor.cli.access import doing, write_private
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import file_data, refuse_arguments
from lictor.cli.errors import CommandError
from lictor.cli.flags import key_value, option

__all__ = ["command"]


@click.command(
    cls=ApiCommand,
    examples=(
        "lictor login -method=corp -bearer-token-file=jwt -token-sink-file=token",
        "lictor members -token-file=token",
    ),
)
@option("-bearer-token-file", "The file with what the auth method vouches for, such as a JWT.", metavar="file")
@option(
    "-meta",
    "Metadata, told in the token's description; may be repeated.",
    metavar="key=value",
    multiple=True,
    callback=key_value,
)
@option("-method", "The auth method's name.", metavar="name")
@option("-token-sink-file", "Where to put the token's secret; its owner alone may read it.", metavar="file")
@option("-type", "The auth method's type; it need not be said.", metavar="type")
@pass_api
def command(
    api: Api,
    args: tuple[str, ...],
    bearer_token_file: str,
    meta: Mapping[str, str],
    method: str,
    token_sink_file: str,
    type: str,
) -> None:
    """Exchange what an auth method vouches for against a token of this cluster; `lictor logout` destroys it."""
    refuse_arguments(args)
    if type == "oidc":
        raise CommandError("-type=oidc is of Consul Enterprise")
    wanted = (
        ("-method", method),
        ("-token-sink-file", token_sink_file),
        ("-bearer-token-file", bearer_token_file),
    )
    for name, value in wanted:
        if not value:
            raise CommandError(f"{name} is needed")
    bearer = file_data(bearer_token_file).decode(errors="replace").strip()
    if not bearer:
        raise CommandError(f"{bearer_token_file} is empty: it must hold the bearer token")
    with doing(api, "logging in"):
        made = api.send(acl.login(method, bearer, meta=meta, dc=api.datacenter))
    write_private(token_sink_file, made.secret_id)
