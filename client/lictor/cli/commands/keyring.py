"""`lictor keyring`: the keys of the encryption between agents."""

from __future__ import annotations

from typing import Final

import click

from lictor.api.calls import keyring
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import refuse_arguments
from lictor.cli.errors import CommandError
from lictor.cli.flags import flag, option
from lictor.cli.formats import Format, format_option, print_json

__all__ = ["command"]

_RELAYS_MAX: Final = 5
_DOING: Final = {
    "install": "Installing new gossip encryption key...",
    "use": "Changing primary gossip encryption key...",
    "remove": "Removing gossip encryption key...",
    "list": "Gathering installed encryption keys...",
    "list_primary": "Gathering installed primary encryption keys...",
}
_CHANGES: Final = {"install": keyring.install, "use": keyring.use, "remove": keyring.remove}


@click.command(
    cls=ApiCommand,
    asks_server=False,
    examples=(
        "lictor keyring -list",
        'lictor keyring -install="$(lictor keygen)"',
        "lictor keyring -use=KEY",
    ),
)
@format_option
@option("-install", "Give every member this key, in base64, to understand.", metavar="key")
@flag("-list", "List the keys, and how many of the members know each.")
@flag("-list-primary", "List the keys that members speak with.")
@flag("-local-only", "Ask only the members of this datacenter. Goes with -list and -list-primary.")
@option("-relay-factor", "Let members answer through so many others, too: 0 to 5.", metavar="number", default="0")
@option("-remove", "Let every member forget this key, which nobody may speak with.", metavar="key")
@option("-use", "Let every member speak with this key, which all must know.", metavar="key")
@pass_api
def command(
    api: Api,
    args: tuple[str, ...],
    format: Format,
    install: str,
    list: bool,
    list_primary: bool,
    local_only: bool,
    relay_factor: str,
    remove: str,
    use: str,
) -> None:
    """Look after the keys with which agents encrypt what they say to each other. To change the key: -install the new
    one, -use it once all members know it, -remove the old one. Where agents do not encrypt, there are no keys.
    """
    refuse_arguments(args)
    given = {"install": install, "list": list, "list_primary": list_primary, "remove": remove, "use": use}
    wanted = [name for name, value in given.items() if value]
    if len(wanted) != 1:
        many = "Only a single action is allowed" if wanted else "say what to do"
        raise CommandError(f"{many}: one of -list, -list-primary, -install, -use and -remove")
    relays = _relays(relay_factor)
    (action,) = wanted
    if local_only and action in _CHANGES:
        raise CommandError("-local-only can only be given with -list and -list-primary: keys are the same everywhere")
    if format is Format.JSON and action not in _CHANGES:
        print_json(api.send(keyring.keyrings(relay_factor=relays, local_only=local_only)))
        return
    print(f"==> {_DOING[action]}", flush=True)
    if action in _CHANGES:
        api.send(_CHANGES[action](str(given[action]), relay_factor=relays))
        return
    for pool in api.send(keyring.keyrings(relay_factor=relays, local_only=local_only)):
        keys = pool.primary_keys if list_primary else pool.keys
        print(f"\n{_title(pool)}:")
        for key, count in sorted((keys or {}).items()):
            print(f"  {key} [{count}/{pool.num_nodes}]")


def _title(pool: keyring.Keyring) -> str:
    if pool.wan:
        return "WAN"
    return f"{pool.datacenter} (LAN){f' [{pool.segment}]' if pool.segment else ''}"


def _relays(text: str) -> int:
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if not 0 <= number <= _RELAYS_MAX:
        raise CommandError(f"-relay-factor={text} must be a whole number from 0 to {_RELAYS_MAX}")
    return number
