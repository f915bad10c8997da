"""Commands that speak to an agent: their common flags, and the client these make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

import click

from lictor.api.blocking import Client
from lictor.api.errors import AgentError
from lictor.api.messages import Call, Options
from lictor.api.retrying import NO_RETRY
from lictor.api.settings import Settings
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoCommand, GoOption, ValueKind
from lictor.cli.hints import refusal

__all__ = ["Api", "ApiCommand", "pass_api"]

T = TypeVar("T")

_HEADING: Final = "Reaching the agent"
_FLAGS: Final = (
    ("http-addr", "address", "Address of the agent; else LICTOR_HTTP_ADDR or CONSUL_HTTP_ADDR, else 127.0.0.1:8500."),
    ("token", "token", "ACL token; else LICTOR_HTTP_TOKEN or CONSUL_HTTP_TOKEN."),
    ("token-file", "file", "File that holds the ACL token; else LICTOR_HTTP_TOKEN_FILE or CONSUL_HTTP_TOKEN_FILE."),
    ("ca-file", "file", "CA certificates for TLS; else LICTOR_CACERT or CONSUL_CACERT."),
    ("ca-path", "directory", "Directory of CA certificates for TLS; else LICTOR_CAPATH or CONSUL_CAPATH."),
    ("client-cert", "file", "Client certificate for TLS; else LICTOR_CLIENT_CERT or CONSUL_CLIENT_CERT."),
    ("client-key", "file", "Its key; else LICTOR_CLIENT_KEY or CONSUL_CLIENT_KEY."),
    ("tls-server-name", "name", "Name to expect in the agent's certificate; else LICTOR_TLS_SERVER_NAME."),
)
_DATACENTER: Final = ("datacenter", "name", "Datacenter to ask; the agent's own by default.")
_STALE: Final = ("stale", "Let any server answer, not only the leader: faster, perhaps a little behind.")
_NAMESPACE: Final = (
    "namespace",
    "name",
    "Sent along; agents refuse it, for namespaces are of Consul Enterprise. Else LICTOR_NAMESPACE or CONSUL_NAMESPACE.",
)


class Api:
    """The agent that a command speaks to. The connection is opened by the first call."""

    def __init__(self, given: Mapping[str, str], datacenter: str, *, stale: bool) -> None:
        self._given = dict(given)
        self._client: Client | None = None
        self.datacenter = datacenter
        self.stale = stale
        self.may_be_stale = False
        """Whether the command could have been told to be content with what the agent's own server has."""

    def send(self, call: Call[T]) -> T:
        """Carry out a call."""
        return self.client().send(call)

    def send_long(self, call: Call[T], what: str) -> T:
        """Carry out a call that may take long; whoever looks sees how far it is."""
        from lictor.cli.progress import working

        with working(what) as meter:
            client = self.client()
            client.observe(meter)
            try:
                return client.send(call)
            finally:
                client.observe(None)

    def client(self) -> Client:
        """The client, made once."""
        if self._client is None:
            self._client = Client(self.settings())
        return self._client

    def settings(self) -> Settings:
        """Address, token and TLS as flags and environment say. Nothing is tried again: people decide that."""
        return replace(Settings.from_environment(self._given), retry=NO_RETRY)

    def options(self) -> Options:
        """How to ask, as the flags say."""
        self.may_be_stale = not self.stale
        return Options(datacenter=self.datacenter, stale=self.stale)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._client is not None:
            self._client.close()


pass_api = click.make_pass_decorator(Api)
"""Gives a command its `Api` as first argument."""


class ApiCommand(GoCommand):
    """A command with the flags that say where the agent is. `asks_server` adds those that choose who answers."""

    def __init__(
        self,
        name: str | None,
        *,
        callback: Callable[..., object] | None = None,
        params: list[click.Parameter] | None = None,
        help: str | None = None,
        usage: str = "",
        examples: Sequence[str] = (),
        failure_code: int = 1,
        flags_code: int | None = None,
        asks_server: bool = True,
    ) -> None:
        super().__init__(
            name,
            callback=callback,
            params=params,
            help=help,
            usage=usage,
            examples=examples,
            failure_code=failure_code,
            flags_code=flags_code,
        )
        common = [*_FLAGS, *((_DATACENTER, _NAMESPACE) if asks_server else ())]
        known = {one.flag_name for one in self.params if isinstance(one, GoOption)}
        self.params += [
            GoOption(f"-{name}", text, heading=_HEADING, metavar=metavar)
            for name, metavar, text in common
            if name not in known
        ]
        if asks_server:
            name, text = _STALE
            self.params.append(GoOption(f"-{name}", text, heading=_HEADING, kind=ValueKind.BOOLEAN))

    def invoke(self, ctx: click.Context) -> object:
        """Make the client from the common flags and run the command with the others."""
        given = {name.replace("-", "_"): str(ctx.params.pop(name.replace("-", "_"))) for name, _, _ in _FLAGS}
        given["namespace"] = str(ctx.params.pop("namespace", ""))
        api = Api(given, str(ctx.params.pop("datacenter", "")), stale=bool(ctx.params.pop("stale", False)))
        ctx.obj = api
        try:
            return super().invoke(ctx)
        except AgentError as error:
            raise CommandError(refusal(error, may_be_stale=api.may_be_stale), self.failure_code) from error
        finally:
            api.close()
