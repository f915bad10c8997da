"""`lictor debug`."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import sys
import tarfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import click
import msgspec

from lictor.api.blocking import Client
from lictor.api.messages import Request
from lictor.api.settings import Settings
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import refuse_arguments
from lictor.cli.errors import CommandError
from lictor.cli.flags import ValueKind, option
from lictor_core.durations import format_duration, parse_duration
from lictor_core.errors import LictorError, RequestError

__all__ = ["TARGETS", "command"]

TARGETS: Final = ("metrics", "logs", "pprof", "host", "agent", "cluster")
_PROFILES: Final = "pprof"
_AT_ONCE: Final = ("heap", "goroutine")
"""Profiles of a moment; that of the processor's time takes a while."""
_LEAST_S: Final = {"duration": 10.0, "interval": 5.0}
_END_S: Final = 5.0
"""How long the end of the log is waited for."""
_PRIVATE: Final = 0o600
_PRIVATE_DIRECTORY: Final = 0o700
"""What is collected names nodes, services and keys: it is for who asked for it."""
_LOG: Final = "consul.log"
"""The name that whoever reads such archives looks for."""


@click.command(
    cls=ApiCommand,
    asks_server=False,
    examples=("lictor debug", "lictor debug -duration=30s -interval=10s -capture=logs -capture=metrics"),
)
@option(
    "-archive",
    "Pack everything into one file; =false leaves a directory.",
    kind=ValueKind.BOOLEAN,
    default="true",
)
@option(
    "-capture",
    f"What to collect, all by default: {', '.join(TARGETS)}; may be repeated.",
    metavar="what",
    multiple=True,
)
@option("-duration", "How long to collect.", metavar="duration", default="2m")
@option("-interval", "How often to look at what changes.", metavar="duration", default="30s")
@option("-output", "Where to put it: a path, to which .tar.gz is added.", metavar="path")
@pass_api
def command(
    api: Api,
    args: tuple[str, ...],
    archive: bool,
    capture: Sequence[str],
    duration: str,
    interval: str,
    output: str,
) -> None:
    """Collect what helps to find out what ails an agent: itself, its host, the members, figures and the log at debug
    level, over a while; profiles, where the agent has enable_debug. Files have the names that Consul's have. No values,
    tokens or private keys are in it, but names are: of nodes, services, and of keys in the store that are asked for
    meanwhile.
    """
    refuse_arguments(args)
    targets = _targets(capture)
    duration_s, interval_s = _seconds("duration", duration), _seconds("interval", interval)
    if interval_s > duration_s:
        raise CommandError("Capture validation failed: the interval must not be longer than the duration")
    stamp = datetime.datetime.now(datetime.UTC)  # noqa: TID251 a name for people, of the moment when they asked
    directory = Path(output or f"lictor-debug-{int(stamp.timestamp())}")
    packed = directory.with_name(directory.name + ".tar.gz")
    for one in (directory, packed):
        if one.exists():
            raise CommandError(f"Capture validation failed: {one} exists already: choose another with -output")
    print("==> Starting debugger and capturing static information...")
    try:
        directory.mkdir(mode=_PRIVATE_DIRECTORY, parents=True)
        _Capture(api, directory, targets, duration_s=duration_s, interval_s=interval_s).run()
        if archive:
            _pack(directory, packed)
    except OSError as error:
        raise CommandError(f"cannot write {error.filename or directory}: {error.strerror}") from error
    print(f"    Saved debug archive: {packed if archive else directory}")


def _targets(wanted: Sequence[str]) -> tuple[str, ...]:
    for one in wanted:
        if one not in TARGETS:
            raise CommandError(f"Capture validation failed: target not found: {one}")
    return tuple(wanted) or TARGETS


def _seconds(name: str, text: str) -> float:
    try:
        seconds = parse_duration(text)
    except RequestError as error:
        raise CommandError(f"-{name}: {error}") from error
    if seconds < _LEAST_S[name]:
        raise CommandError(f"Capture validation failed: {name} must be at least {format_duration(_LEAST_S[name])}")
    return seconds


class _Capture:
    def __init__(
        self, api: Api, directory: Path, targets: tuple[str, ...], *, duration_s: float, interval_s: float
    ) -> None:
        self._api = api
        self._directory = directory
        self._targets = targets
        self._duration_s = duration_s
        self._interval_s = interval_s
        self._listening: list[threading.Thread] = []
        self._profiling: threading.Thread | None = None

    def run(self) -> None:
        """What stays first, then what changes, once an interval and at the end."""
        own = self._keep("/v1/agent/self", "agent.json", wanted="agent" in self._targets)
        self._write_index(msgspec.json.decode(own, type=_Self))
        if "host" in self._targets:
            self._keep("/v1/agent/host", "host.json")
        if "cluster" in self._targets:
            self._keep("/v1/agent/members?wan=1", "cluster.json")
        began, number = time.monotonic(), 0
        while True:
            left_s = self._duration_s - number * self._interval_s
            self._look(min(self._interval_s, max(left_s, 0.0)))
            number += 1
            if left_s <= 0:
                for thread in self._listening:
                    thread.join(_END_S)
                return
            print(f"==> Capture successful ({number})")
            _sleep_until(began + min(number * self._interval_s, self._duration_s))

    def _look(self, log_s: float) -> None:
        """One look: figures, and the log from now on for `log_s` seconds."""
        place = self._directory / str(int(time.time()))  # noqa: TID251 named as Consul names it
        place.mkdir(exist_ok=True)
        if "metrics" in self._targets:
            self._keep("/v1/agent/metrics", f"{place.name}/metrics.json")
        if "logs" in self._targets and log_s > 0:
            self._listening.append(_listen(self._api.settings(), place / _LOG, log_s))
        if _PROFILES in self._targets:
            for name in _AT_ONCE:
                answer = self._api.client().exchange(Request(method="GET", path=f"/debug/pprof/{name}"))
                answer.check()
                (place / f"{name}.prof").write_bytes(answer.body)
            if log_s > 0:
                self._profile(place / "profile.prof", log_s)

    def _profile(self, file: Path, for_s: float) -> None:
        """Profile the processor's time beside what else goes on: one at a time, since an agent takes one at a time."""
        if self._profiling is not None:
            self._profiling.join(_END_S)
        seconds = max(1, int(for_s) - 1)  # so that it is over when the next is due
        self._profiling = _listen_to_profile(self._api.settings(), file, seconds)
        self._listening.append(self._profiling)

    def _keep(self, target: str, name: str, *, wanted: bool = True) -> bytes:
        path, _, query = target.partition("?")
        pairs = tuple((key, value) for key, _, value in (one.partition("=") for one in query.split("&") if one))
        response = self._api.client().exchange(Request(method="GET", path=path, parameters=pairs))
        response.check()
        if wanted:
            (self._directory / name).write_bytes(msgspec.json.format(response.body, indent=4))
        return response.body

    def _write_index(self, own: _Self) -> None:
        version = own.config.version
        if _PROFILES in self._targets and not own.debug_config.enable_debug:
            print("[WARN] No profiles: the agent gives them with enable_debug = true only", file=sys.stderr)
            self._targets = tuple(one for one in self._targets if one != _PROFILES)
        print(f"     Agent Version: '{version}'")
        print(f"           Capture: '{', '.join(self._targets)}'")
        index = {
            "Version": 1,
            "AgentVersion": version,
            "Interval": format_duration(self._interval_s),
            "Duration": format_duration(self._duration_s),
            "Targets": list(self._targets),
        }
        (self._directory / "index.json").write_text(json.dumps(index, indent=4))


class _Config(msgspec.Struct, rename="pascal"):
    version: str


class _DebugConfig(msgspec.Struct, rename="pascal"):
    enable_debug: bool = False


class _Self(msgspec.Struct, rename="pascal"):
    config: _Config
    debug_config: _DebugConfig


def _listen(settings: Settings, file: Path, log_s: float) -> threading.Thread:
    """Write the log to `file` for `log_s` seconds, beside what else goes on."""
    client = Client(settings)
    end = threading.Timer(log_s, client.interrupt)
    end.daemon = True

    def write() -> None:
        end.start()
        # Its end is no news: it was interrupted, or the agent is gone, which the next look tells.
        with suppress(LictorError), file.open("wb") as target:
            for part in client.parts("/v1/agent/monitor", (("loglevel", "DEBUG"),)):
                target.write(part)
        end.cancel()

    thread = threading.Thread(target=write, name="log", daemon=True)
    thread.start()
    return thread


def _listen_to_profile(settings: Settings, file: Path, seconds: int) -> threading.Thread:
    """Have the agent profile itself for so long, and write what it found to `file`."""
    client = Client(settings)

    def write() -> None:
        try:
            parameters = (("seconds", str(seconds)),)
            answer = client.exchange(
                Request(method="GET", path="/debug/pprof/profile", parameters=parameters, waits_s=seconds)
            )
            answer.check()
            file.write_bytes(answer.body)
        except (LictorError, OSError) as error:  # the rest of what is collected is worth having
            print(f"[WARN] No profile of the processor's time: {error}", file=sys.stderr)
        finally:
            client.close()

    thread = threading.Thread(target=write, name="profile", daemon=True)
    thread.start()
    return thread


def _sleep_until(moment: float) -> None:
    time.sleep(max(moment - time.monotonic(), 0.0))


def _pack(directory: Path, packed: Path) -> None:
    """The directory as one file; a file that is half written is not left behind."""
    try:
        descriptor = os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
            archive.add(directory, arcname=directory.name)
    except OSError:
        packed.unlink(missing_ok=True)
        raise
    shutil.rmtree(directory)
