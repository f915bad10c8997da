"""`python -m tests.server.golden.files`: write the golden files of today's formats anew.

That is right while a format was in no release, and for a new format beside the older ones. A format that was released
is never written again: today's code must read it as it is.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO, Final, cast

from lictor_core.archive import ARCHIVE_FORMAT, ArchiveServer, new_meta
from lictor_core.clock import SeededRng
from lictor_core.codec import encode_command, encode_proposal
from lictor_core.commands import KVSet, NoOp, Proposal, RestoreAbandon
from lictor_core.peers import PeerSet, RaftServer
from lictor_server.backups import make_archive
from lictor_server.raft.members import encoded
from lictor_server.raft.records import Kind
from lictor_server.raft.segments import Change, Segments
from lictor_server.raft.snapshot_file import FORMAT, SnapshotHead, write_snapshot
from lictor_server.raft.term_vote import TermVote, save_term_vote
from lictor_server.state.snapshot import take
from tests.server.golden.content import COMMANDS, filled, later_commands, restoring

__all__ = ["ARCHIVE", "DATA", "GOLDEN", "PEERS", "changes", "write_archive_file", "write_data_directory"]

GOLDEN: Final = Path(__file__).parent
ARCHIVE: Final = GOLDEN / f"snapshot-v{ARCHIVE_FORMAT}.snap"
DATA: Final = GOLDEN / f"data-{FORMAT}"
PEERS: Final = PeerSet(
    cluster_id="66666666-6666-4666-8666-666666666666",
    servers=(
        RaftServer(id="11111111-1111-4111-8111-111111111111", name="n1", address="192.0.2.1:8300"),
        RaftServer(id="77777777-7777-4777-8777-777777777777", name="n2", address="192.0.2.2:8300", voter=False),
    ),
)


def write_archive_file(path: Path) -> None:
    """Today's archive of the state that clients are given."""
    store = filled()
    index = store.index + store.index_shift
    servers = [ArchiveServer(id=one.id, address=one.address, suffrage=0 if one.voter else 1) for one in PEERS.servers]
    meta = new_meta(id=f"3-{index}-1700000000000", index=index, term=3, datacenter=store.datacenter, servers=servers)
    archive = io.BytesIO()
    make_archive(archive, meta, take(store, with_restore=False), _new_file)
    path.write_bytes(archive.getvalue())


def changes(snapshot_index: int) -> list[list[Change]]:
    """Batches of a log that ends behind the snapshot, and has a dropped tail: each kind of entry and of command."""
    behind = snapshot_index + 1
    one = encode_proposal(Proposal(b"fedcba9876543210", snapshot_index, False, KVSet(key="behind", value=b"1")))
    commands = [NoOp(), RestoreAbandon(id="nobody"), *COMMANDS, *later_commands()]
    return [
        [
            Change(Kind.CLEAR, 0, 0, b""),
            Change(Kind.ENTRY, snapshot_index - 1, 2, b"\1"),
            Change(Kind.ENTRY, snapshot_index, 2, b"\0" + one),
        ],
        [Change(Kind.ENTRY, behind, 2, b"\0" + one)],
        [
            Change(Kind.TRUNCATE, behind, 3, b""),
            Change(Kind.ENTRY, behind, 3, encoded(PEERS)),
            Change(Kind.ENTRY, behind + 1, 3, b"\0" + one),
        ],
        [
            Change(Kind.ENTRY, index, 3, b"\0" + encode_command(command))
            for index, command in enumerate(commands, behind + 2)
        ],
    ]


def write_data_directory(path: Path) -> None:
    """Today's data directory of a server that has a snapshot and a log behind it."""
    directory = path / "raft"
    (directory / "log").mkdir(parents=True)
    (directory / "snapshots").mkdir()
    store = restoring()
    head = SnapshotHead(store.index, 2, PEERS)
    write_snapshot(directory / "snapshots", head, take(store), lambda _: None)
    segments = Segments(directory / "log", SeededRng(1))
    segments.load()
    for batch in changes(store.index):
        segments.append(batch)
    segments.finish()
    save_term_vote(directory / "vote", TermVote(term=3, voted_for=PEERS.servers[0].id))


def _new_file() -> BinaryIO:
    return cast(BinaryIO, tempfile.TemporaryFile())


if __name__ == "__main__":
    write_archive_file(ARCHIVE)
    shutil.rmtree(DATA, ignore_errors=True)
    write_data_directory(DATA)
