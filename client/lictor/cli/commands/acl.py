"""`lictor acl`: tokens and what they may; who vouches for others; the agent's own tokens; explanations."""

from __future__ import annotations

from typing import Final

from lictor.api.calls import acl, agent
from lictor.cli.access import doing, print_one, text_argument
from lictor.cli.access_shown import token_json, token_lines
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.commands.acl_auth_method import auth_method
from lictor.cli.commands.acl_binding_rule import binding_rule
from lictor.cli.commands.acl_explain import explain
from lictor.cli.commands.acl_policy import policy
from lictor.cli.commands.acl_role import role
from lictor.cli.commands.acl_rules import rules_of_token, translated
from lictor.cli.commands.acl_token import token
from lictor.cli.data import check_count, refuse_arguments
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoGroup, flag
from lictor.cli.formats import Format, format_option

__all__ = ["command"]

_SLOTS: Final = {
    "default": "default",
    "agent": "agent",
    "master": "agent_master",
    "recovery": "agent_recovery",
    "replication": "replication",
}
"""What the command calls the agent's tokens, and what the API does."""

command = GoGroup(
    "acl",
    help="Say who may do what: tokens, policies, roles, and who vouches for those that log in.",
    examples=(
        ("lictor acl bootstrap", "the first token, which may do everything"),
        ("lictor acl policy create -name=web -rules=@web.hcl", "what may be done"),
        ("lictor acl token create -policy-name=web", "a token that may do that"),
        ("lictor acl token list", "all tokens"),
        ("lictor acl explain -token-accessor=ID -resource=service:web -access=write", "why it may, or not"),
    ),
)
for group in (token, policy, role, auth_method, binding_rule, explain):
    command.add_command(group)


@command.command("bootstrap", cls=ApiCommand, examples=("lictor acl bootstrap",))
@format_option
@pass_api
def bootstrap(api: Api, args: tuple[str, ...], format: Format) -> None:
    """Make the first token of the cluster, which may do everything. That is done once: keep its secret well."""
    refuse_arguments(args)
    with doing(api, "making the first token"):
        made = api.send(acl.bootstrap(dc=api.datacenter))
    print_one(token_json(made), token_lines(made, meta=False), format)


@command.command(
    "set-agent-token",
    cls=ApiCommand,
    usage="KIND TOKEN",
    examples=("lictor acl set-agent-token agent SECRET", "lictor acl set-agent-token default SECRET"),
)
@pass_api
def set_agent_token(api: Api, args: tuple[str, ...]) -> None:
    """Give the agent a token to use: `default` for all who show none, `agent` for what it does itself, `master` (or
    `recovery`) for who looks after it while no server answers, `replication`. An empty one takes it away.

    Without acl.enable_token_persistence it is gone with the agent's next start.
    """
    check_count(args, 2, 2, "two arguments are needed: the kind of token and its secret")
    kind, secret = args
    slot = _SLOTS.get(kind)
    if slot is None:
        raise CommandError(f'there is no kind of token "{kind}": {", ".join(_SLOTS)}')
    with doing(api, f'setting the token "{kind}"'):
        api.send(agent.set_token(slot, secret))
    print(f'ACL token "{kind}" set successfully')


@command.command(
    "translate-rules",
    cls=ApiCommand,
    usage="RULES",
    examples=("lictor acl translate-rules @old.hcl", "lictor acl translate-rules -token-accessor ID"),
)
@flag("-token-accessor", "RULES is the accessor of a token of before Consul 1.4, which has them.")
@flag("-token-secret", "RULES is the secret of such a token.")
@pass_api
def translate_rules(api: Api, args: tuple[str, ...], token_accessor: bool, token_secret: bool) -> None:
    """Show rules of before Consul 1.4 in the words of today. RULES is the text itself, @FILE, or - for stdin."""
    if token_accessor and token_secret:
        raise CommandError("-token-accessor and -token-secret cannot be given together")
    check_count(args, 1, 1, "missing RULES: a text, @FILE, or - for stdin")
    text = text_argument(args[0], "RULES")
    if token_accessor or token_secret:
        text = rules_of_token(api, text.strip(), is_secret=token_secret)
    print(translated(text))
