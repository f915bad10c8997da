"""An agent's configuration from everything that may speak of it: defaults < files < environment < flags < fragments.

Of lists, which append, those of flags come first, as in Consul.
All that is wrong is told at once, with file and line. The only module of the room that reads files.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Final

from lictor_config import relations
from lictor_config.addresses import expand_addresses, resolve_addresses, resolve_advertise
from lictor_config.definitions import ServiceDefinition
from lictor_config.flags import AGENT_FLAGS, FlagKind, flag_values
from lictor_config.hcl import Document, SyntaxProblem, parse_hcl, parse_json
from lictor_config.interfaces import Interface, machine_interfaces
from lictor_config.merging import merged
from lictor_config.places import definition_paths
from lictor_config.presets import DEV, PRODUCTION
from lictor_config.reading import Path, Problem, Reader, path_text
from lictor_config.schema import read_configuration
from lictor_config.tree import Configuration, Origin
from lictor_config.unused import unused_keys
from lictor_core.errors import ConfigurationError

__all__ = ["FILES_MAX", "FILE_BYTES_MAX", "ConfigurationProblems", "load_configuration", "load_services"]

FILE_BYTES_MAX: Final = 8 * 1024 * 1024
"""The largest configuration file that is read."""
FILES_MAX: Final = 10_000
"""The most configuration files that one agent reads."""
_SUFFIXES: Final = {".json": parse_json, ".hcl": parse_hcl}
_FORMATS: Final = {"json": parse_json, "hcl": parse_hcl}
_WATCH: Final = re.compile(r"watches\[(\d+)\]")


class ConfigurationProblems(ConfigurationError):
    """A configuration that cannot be used, with everything that is wrong with it, a sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass
class _Source:
    """One document and what people call its places."""

    name: str
    document: Document
    origins: dict[Path, str] = field(default_factory=dict[Path, str])

    def place(self, path: Path) -> str:
        for length in range(len(path), 0, -1):
            here = tuple(str(part).lower() for part in path[:length])
            if here in self.origins:
                return self.origins[here]
            if path[:length] in self.document.lines:
                return f"{self.name}:{self.document.lines[path[:length]]}"
        return self.name


@dataclass
class _Gathering:
    """What was read so far, and what was wrong with it."""

    sources: list[_Source] = field(default_factory=list[_Source])
    problems: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])


def load_configuration(
    origin: Origin,
    *,
    hostname: Callable[[], str] = socket.gethostname,
    interfaces: Callable[[], Sequence[Interface]] = machine_interfaces,
) -> Configuration:
    """The configuration that `origin` describes. Raises `ConfigurationProblems` with everything that is wrong."""
    base = DEV if origin.dev else PRODUCTION
    gathering = _Gathering()
    spoken = ((origin.flags, "flags"), (origin.environment, "environment"))
    for flags, name in spoken:  # as in Consul, lists from flags come before those of files
        _gather_flags(_lists(flags, wanted=True), name, gathering)
    _gather_files(origin, gathering)
    for flags, name in reversed(spoken):
        _gather_flags(_lists(flags, wanted=False), name, gathering)
    for number, text in enumerate(origin.fragments, 1):
        _gather_text(f"-hcl[{number}]", text, parse_hcl, gathering)
    gathering.problems += _source_problems(gathering.sources, base)
    if gathering.problems:
        raise ConfigurationProblems(gathering.problems)
    given = merged(source.document.values for source in gathering.sources)
    written_out, template_flaws = expand_addresses(given, _telling_why(interfaces))
    if template_flaws:
        raise ConfigurationProblems(
            [f"{_place(gathering.sources, path)}: {path_text(path)}: {flaw}" for path, flaw in template_flaws]
        )
    whole = Reader(written_out)
    read = replace(read_configuration(whole, base), given=given)
    _refuse(relations.flaws(_named(read, hostname)), gathering.sources)  # an address that is none cannot be resolved
    configuration = _resolved(_named(read, hostname), interfaces)
    _refuse(relations.flaws(configuration), gathering.sources)
    warnings = (*gathering.warnings, *_unused_warnings(unused_keys(whole)), *relations.warnings(configuration))
    return replace(
        configuration,
        warnings=warnings,
        origin=origin,
        service_places=_places(gathering.sources, "services", "service"),
        check_places=_places(gathering.sources, "checks", "check"),
    )


def load_services(names: Sequence[str]) -> list[ServiceDefinition]:
    """The services that files define, whatever else they say. Raises `ConfigurationProblems`."""
    gathering = _Gathering()
    _gather_files(Origin(files=tuple(names)), gathering)
    gathering.problems += _source_problems(gathering.sources, PRODUCTION)
    if gathering.problems:
        raise ConfigurationProblems(gathering.problems)
    whole = Reader(merged(source.document.values for source in gathering.sources))
    return list(read_configuration(whole, PRODUCTION).services)


def _places(sources: Sequence[_Source], plural: str, singular: str) -> tuple[str, ...]:
    return tuple(
        f"{source.place(path)}: {path_text(path)}"
        for source in sources
        for path in definition_paths(source.document.values, plural, singular)
    )


def _refuse(flaws: Sequence[str], sources: Sequence[_Source]) -> None:
    """Raise `ConfigurationProblems` if there are any, each with the line that it is about where there is one."""
    if flaws:
        watches = _places(sources, "watches", "")
        raise ConfigurationProblems([_with_place(flaw, sources, watches) for flaw in flaws])


def _with_place(flaw: str, sources: Sequence[_Source], watches: Sequence[str]) -> str:
    key, _, rest = flaw.partition(": ")
    numbered = _WATCH.fullmatch(key)
    if numbered is not None:  # counted through all files
        return f"{watches[int(numbered[1])]}: {rest}"
    path = tuple(key.split("."))
    told = next((one for one in reversed(sources) if path in one.origins or path in one.document.lines), None)
    return flaw if told is None or path in told.origins else f"{told.place(path)}: {flaw}"


def _named(configuration: Configuration, hostname: Callable[[], str]) -> Configuration:
    return replace(
        configuration,
        node_name=configuration.node_name or hostname(),
        primary_datacenter=configuration.primary_datacenter or configuration.datacenter,
    )


def _resolved(named: Configuration, interfaces: Callable[[], Sequence[Interface]]) -> Configuration:
    advertise = named.advertise_addr.strip("[]") or resolve_advertise(named.bind_addr, _telling_why(interfaces))
    return replace(
        named,
        bind_addr=named.bind_addr.strip("[]"),
        advertise_addr=advertise,
        advertise_addr_ipv6=named.advertise_addr_ipv6.strip("[]"),
        advertise_addr_wan_ipv6=named.advertise_addr_wan_ipv6.strip("[]"),
        advertise_addr_wan=named.advertise_addr_wan.strip("[]") or advertise,
        addresses=resolve_addresses(named),
    )


def _telling_why(interfaces: Callable[[], Sequence[Interface]]) -> Callable[[], Sequence[Interface]]:
    def ask() -> Sequence[Interface]:
        try:
            return interfaces()
        except OSError as error:
            raise ConfigurationProblems(
                [f"the addresses of this machine cannot be found out: {error}; write addresses instead of templates"]
            ) from error

    return ask


def _place(sources: Sequence[_Source], path: Path) -> str:
    """Where the last source that speaks of a key does so."""
    for source in reversed(sources):
        place = source.place(path)
        if place != source.name:
            return place
    return sources[-1].name if sources else ""


def _gather_files(origin: Origin, gathering: _Gathering) -> None:
    paths = [path for name in origin.files for path in _expanded(FilePath(name), gathering)]
    if len(paths) > FILES_MAX:
        gathering.problems.append(f"{len(paths)} configuration files are more than {FILES_MAX}")
        return
    for path in paths:
        if (flaw := _out_of_reach(path)) is not None:
            gathering.problems.append(f"{path}: {flaw}")
            continue
        parse = _FORMATS.get(origin.file_format) or _SUFFIXES.get(path.suffix)
        if parse is None:
            gathering.warnings.append(
                f"{path}: skipped, since its name ends in neither .hcl nor .json; name its format with -config-format"
            )
            continue
        try:
            if path.stat().st_size > FILE_BYTES_MAX:
                gathering.problems.append(f"{path}: larger than {FILE_BYTES_MAX} bytes")
                continue
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            gathering.problems.append(f"{path}: {_unreadable(error)}")
        except UnicodeDecodeError as error:
            gathering.problems.append(f"{path}: is no UTF-8 text: byte {error.start} cannot be read")
        else:
            if text:  # an empty file defines nothing, also where JSON wants an object
                _gather_text(str(path), text, parse, gathering)


def _out_of_reach(path: FilePath) -> str | None:
    """Why there is no such file, or none for this user; None when there is one."""
    try:
        path.stat()
    except FileNotFoundError:
        return "no such file or directory"
    except OSError as error:
        return _unreadable(error)
    return None


def _unreadable(error: OSError) -> str:
    return f"cannot be read: {os.strerror(error.errno or 0).lower()}"


def _expanded(path: FilePath, gathering: _Gathering) -> Iterator[FilePath]:
    # `os.path` takes for no directory what this user may not look at; `Path` raises in Python 3.11.
    if not os.path.isdir(path):
        yield path
        return
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        gathering.problems.append(f"{path}: {_unreadable(error)}")
        return
    for name in names:
        inner = path / name
        if os.path.isdir(inner):
            continue
        if os.path.exists(inner) and not os.path.isfile(inner):  # reading a pipe would wait for its writer
            gathering.warnings.append(f"{inner}: skipped, since it is no regular file")
            continue
        yield inner


def _gather_text(name: str, text: str, parse: Callable[[str], Document], gathering: _Gathering) -> None:
    try:
        gathering.sources.append(_Source(name, parse(text)))
    except SyntaxProblem as error:
        gathering.problems.append(f"{name}:{error.line}: {error.message}")


def _lists(flags: Mapping[str, tuple[str, ...]], *, wanted: bool) -> dict[str, tuple[str, ...]]:
    """Those of the flags that are lists, or those that are not."""
    return {
        name: texts
        for name, texts in flags.items()
        if (name in AGENT_FLAGS and AGENT_FLAGS[name].kind is FlagKind.LIST) == wanted
    }


def _gather_flags(flags: Mapping[str, Sequence[str]], name: str, gathering: _Gathering) -> None:
    problems: list[Problem] = []
    values, origins = flag_values(flags, problems, prefix="LICTOR_AGENT_" if name == "environment" else "-")
    gathering.problems += [str(problem) for problem in problems]
    gathering.sources.append(_Source(name, Document(values), origins))


def _source_problems(sources: Sequence[_Source], base: Configuration) -> Iterator[str]:
    for source in sources:
        reader = Reader(source.document.values)
        read_configuration(reader, base)
        for problem in reader.problems:
            yield f"{source.place(problem.path)}: {path_text(problem.path)}: {problem.message}"


def _unused_warnings(keys: Sequence[str]) -> Iterator[str]:
    if keys:
        yield f"not used by Lictor: {', '.join(keys)}"
