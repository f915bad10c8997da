"""Rules of before Consul 1.4: where commands take them from, and what they say in the words of today."""

from __future__ import annotations

from dataclasses import replace

from lictor.api.blocking import Client
from lictor.api.calls import acl
from lictor.cli.access import doing
from lictor.cli.api import Api
from lictor.cli.errors import CommandError
from lictor_core.errors import RequestError

__all__ = ["rules_of_token", "translated"]


def translated(rules: str) -> str:
    """`rules` in the words of today. Nobody is asked."""
    from lictor_server.acl.texts import translated_text

    try:
        return translated_text(rules)
    except RequestError as error:
        raise CommandError(f"translating the rules: {error}") from error


def rules_of_token(api: Api, name: str, *, is_secret: bool) -> str:
    """The rules that stand in a token, named by its accessor or its secret."""
    with doing(api, "reading the token"):
        if is_secret:
            with Client(replace(api.settings(), token=name)) as client:
                found = client.send(acl.own_token(api.options()))
        else:
            found = api.send(acl.token(name, api.options()))
    if not found.rules:
        raise CommandError(f"token {found.accessor_id} has no rules in itself: it is none of before Consul 1.4")
    return found.rules
