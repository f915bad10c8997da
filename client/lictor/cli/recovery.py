"""`lictor operator raft recover`: other servers in the log of one that does not run."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lictor.cli.data import refuse_arguments
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoCommand, flag, option
from lictor.cli.terminal import print_table
from lictor_core.peers import PeerSet, RaftServer

if TYPE_CHECKING:
    from lictor_server import RecoveryPlan

__all__ = ["recover"]

_VOTES: Final = {"voter": True, "nonvoter": False}
_FORM: Final = "write id,name,host:port, and ,nonvoter behind it for one without a vote"


@click.command(
    "recover",
    cls=GoCommand,
    examples=(
        "lictor operator raft recover -data-dir=/opt/lictor -self-only -dry-run",
        "lictor operator raft recover -data-dir=/opt/lictor -server=ID,s1,192.0.2.1:8300",
    ),
)
@option("-data-dir", "Data directory of this server, which must not run.", metavar="directory")
@flag("-dry-run", "Show what would change, and write nothing.")
@option("-node-id", "Id of this server, where its data directory does not hold it.", metavar="id")
@flag("-self-only", "Go on with this server alone.")
@option("-server", "Server that stays; once for each, this one among them.", metavar="id,name,host:port[,nonvoter]",
        multiple=True)  # fmt: skip
def recover(
    args: tuple[str, ...], data_dir: str, dry_run: bool, node_id: str, self_only: bool, server: tuple[str, ...]
) -> None:
    """Name other servers in the log of one that does not run. For a cluster that lost a majority of its servers for
    good: those that are left can elect nobody, since their logs still count the lost ones.

    End all servers, and look with -dry-run at each that is left: the one with the newest last entry (the higher term,
    then the higher index) has most of the data. Then either recover all of them with the same list of -server, or that
    one with -self-only, and let the others join it with empty data directories. What only the lost servers had is lost;
    writes that were under way when they failed may come into effect.
    """
    from lictor_agent.node_id import kept_node_id
    from lictor_core.clock import SystemRng
    from lictor_server import Recovery

    refuse_arguments(args)
    if not data_dir:
        raise CommandError("-data-dir is needed: the data directory of the server to recover")
    if bool(server) == self_only:
        raise CommandError("either -self-only or -server is needed, and not both")
    own_id = _uuid(node_id, "-node-id") if node_id else kept_node_id(data_dir)
    if not own_id and not Path(data_dir).is_dir():
        raise CommandError(f"there is no directory {data_dir}: name the data directory of the server with -data-dir")
    if not own_id:
        raise CommandError(f"{data_dir} does not hold the id of its server: name it with -node-id")
    with Recovery(Path(data_dir), own_id, SystemRng()) as recovery:
        wanted = [_alone(recovery.peers, own_id)] if self_only else [_server(text) for text in server]
        plan = recovery.plan(wanted)
        _show(plan, own_id)
        if recovery.tail_cut is not None:
            cut = recovery.tail_cut
            print(f"Cut off: {cut.cut_bytes} bytes at the end of {cut.path}, of a write that did not finish")
        if dry_run:
            print("Nothing was written.")
            return
        recovery.write(plan)
    print("Written: the servers may be started.")


def _show(plan: RecoveryPlan, own_id: str) -> None:
    before = {server.id: server for server in plan.before.servers}
    after = {server.id: server for server in plan.after.servers}
    rows = [["Node", "ID", "Address", "Voter", "After"]]
    for id, known in sorted((before | after).items()):
        address = known.address
        if id in before and before[id].address != address:
            address = f"{before[id].address} -> {address}"
        fate = "removed" if id not in after else "stays, this server" if id == own_id else "stays"
        rows.append([known.name or "(unknown)", id, address, "true" if known.voter else "false", fate])
    print_table(rows)
    print()
    print(f"Last entry here: {plan.last_index}, of term {plan.last_term}; what other servers have behind it is lost")
    print(f"New entry:       {plan.index}, of term {plan.term}, with these servers")


def _alone(known: PeerSet, own_id: str) -> RaftServer:
    server = known.server(own_id)
    if server is None:
        raise CommandError(
            f"the log does not name this server, {own_id}: start it with an empty data directory, and it joins others"
        )
    return RaftServer(id=own_id, name=server.name, address=server.address)


def _server(text: str) -> RaftServer:
    parts = text.split(",")
    if len(parts) == 3:
        parts.append("voter")
    if len(parts) != 4 or parts[3] not in _VOTES or not parts[1]:
        raise CommandError(f'-server="{text}" is not of the right form: {_FORM}')
    id = _uuid(parts[0], f'-server="{text}"')
    return RaftServer(id=id, name=parts[1], address=parts[2], voter=_VOTES[parts[3]])


def _uuid(text: str, where: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise CommandError(f"{where}: {text!r} is no UUID; `list-peers` and the file node-id show ids") from error
