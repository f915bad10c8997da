"""`lictor snapshot`: save, restore, inspect."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

import click

from lictor.api.calls import snapshot
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import check_count, file_data
from lictor.cli.errors import CommandError
from lictor.cli.flags import GIVEN_FLAGS, GoCommand, GoGroup, option
from lictor.cli.formats import Format, format_option, print_json
from lictor.cli.progress import reading, working
from lictor.cli.terminal import print_pairs
from lictor_core.archive import ArchiveMeta, read_archive
from lictor_core.errors import RequestError

__all__ = ["command"]

_MISSING = "missing FILE: name the file of the snapshot"
_NAME_COLUMNS = 13

command = GoGroup(
    "snapshot",
    help="Save all state of the servers to a file, restore it, look at it.",
    examples=(
        ("lictor snapshot save backup.snap", "save everything"),
        ("lictor snapshot inspect backup.snap", "say what a file is"),
        ("lictor snapshot restore backup.snap", "go back to it"),
    ),
)


@command.command(
    "save",
    cls=ApiCommand,
    usage="FILE",
    examples=(
        "lictor snapshot save backup.snap",
        "lictor snapshot save -stale backup.snap",
        "lictor snapshot save -from-data-dir=/var/lib/lictor backup.snap",
    ),
)
@option(
    "-from-data-dir",
    "Read the data directory of a server that does not run, instead of asking an agent.",
    metavar="directory",
)
@pass_api
def save(api: Api, args: tuple[str, ...], from_data_dir: str) -> None:
    """Save the state of the servers to FILE: keys, services, checks, intentions, the certificate authority with its
    keys. It is of one moment, and verified before FILE is there; a FILE that is there already is replaced.
    """
    check_count(args, 1, 1, _MISSING)
    if "from-data-dir" in dict(click.get_current_context().meta[GIVEN_FLAGS]):
        if not from_data_dir:
            raise CommandError("-from-data-dir is empty: name the data directory, or leave it out to ask an agent")
        _save_offline(Path(from_data_dir), Path(args[0]), api.datacenter)
        return
    data = api.send_long(snapshot.save(api.options()), "saving")
    with _unverified(Path(args[0])) as file:
        file.write(data)
        file.seek(0)
        with reading(file, len(data), "verifying") as read:
            meta = _verified(read, "the agent's answer")
    print(f"Saved and verified snapshot to index {meta.index}")


def _save_offline(data_dir: Path, path: Path, datacenter: str) -> None:
    from lictor_core.clock import SystemClock
    from lictor_server.offline import save_offline  # takes long to import, and only this needs it

    with _unverified(path) as file, working("reading the data directory"):
        meta, found = save_offline(data_dir, file, datacenter=datacenter, now_s=SystemClock().now())
        file.seek(0)
        _verified(file, str(path))
    print(f"Saved and verified snapshot to index {meta.index}")
    print(f"Its log goes on behind entry {found.snapshot_index} up to entry {found.last_index}", file=sys.stderr)
    if found.tail_cut is not None:
        cut = found.tail_cut
        print(
            f"{cut.path} ends with {cut.cut_bytes} bytes that a crash left unfinished: they are not in", file=sys.stderr
        )
    if not found.is_certain:
        print(
            f"{len(found.peers.voters)} servers kept this log: what is behind entry {found.snapshot_index} may never "
            "have been committed, and another server may hold more; save from each directory and compare the indexes",
            file=sys.stderr,
        )


@command.command("restore", cls=ApiCommand, usage="FILE", examples=("lictor snapshot restore backup.snap",))
@pass_api
def restore(api: Api, args: tuple[str, ...]) -> None:
    """Put the state in FILE in place of what the servers have now, all of it. Every server has the one or the other
    state at any time; blocked queries are answered.
    """
    check_count(args, 1, 1, _MISSING)
    data = file_data(args[0])
    with reading(io.BytesIO(data), len(data), "verifying") as read:
        _verified(read, args[0])  # whose it is, is the servers' question: the agent may be Consul's
    api.send_long(snapshot.restore(data, dc=api.datacenter), "restoring")
    print("Restored snapshot")


@command.command("inspect", cls=GoCommand, usage="FILE", examples=("lictor snapshot inspect backup.snap",))
@format_option
def inspect(args: tuple[str, ...], format: Format) -> None:
    """Say what the snapshot in FILE is, once all its checksums were found right. Consul's are described, too."""
    check_count(args, 1, 1, _MISSING)
    try:
        with Path(args[0]).open("rb") as file, reading(file, os.fstat(file.fileno()).st_size, "reading") as read:
            meta = _verified(read, args[0])
    except OSError as error:
        raise CommandError(f"cannot read {args[0]}: {(error.strerror or str(error)).lower()}") from error
    if format is Format.JSON:
        print_json({"ID": meta.id, "Size": meta.size, "Index": meta.index, "Term": meta.term, "Version": meta.version})
        return
    pairs = [
        ("ID", meta.id),
        ("Size", str(meta.size)),
        ("Index", str(meta.index)),
        ("Term", str(meta.term)),
        ("Version", str(meta.version)),
    ]
    print_pairs(pairs, _NAME_COLUMNS)
    print()


def _verified(file: BinaryIO, name: str) -> ArchiveMeta:
    try:
        return read_archive(file, _overlook)
    except RequestError as error:
        raise CommandError(f"{name}: {error}") from error


def _overlook(_part: bytes) -> None:
    pass


@contextlib.contextmanager
def _unverified(path: Path) -> Generator[BinaryIO]:
    """A file beside `path` that takes its name, durably, when the block ends well, and is gone when it does not."""
    if path.is_dir():
        raise CommandError(f"cannot write {path}: is a directory")
    temporary = path.with_name(f"{path.name}.unverified.{os.getpid()}.tmp")
    try:
        try:
            # What is saved holds private keys: nobody else may read it.
            descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            _sync(path.parent)
        except OSError as error:
            raise CommandError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
