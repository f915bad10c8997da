"""What of the configuration the agent's own side uses, with Consul's defaults. `main` fills it from the tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from lictor_agent.checks.reaping import CRITICAL_S_MIN, REAP_EVERY_S
from lictor_agent.checks.tls import CheckTls
from lictor_agent.plan import SYNC_EVERY_S
from lictor_agent.registrar import ScriptPolicy
from lictor_core.limits import CHECK_OUTPUT_BYTES_MAX

__all__ = ["AgentSettings"]

_SIDECAR_PORTS: Final = range(21_000, 21_256)
_EXPOSED_PORTS: Final = range(21_500, 21_756)
_NO_SCRIPTS: Final = ScriptPolicy(from_files=False, from_api=False)


@dataclass(frozen=True, kw_only=True)
class AgentSettings:
    """Durations in seconds.

    `check_update_s` is how long a check's output may differ from the catalog's while its status does not (Consul's
    `check_update_interval`; 0 tells every change at once). `check_tls` is the agent's own material where checks are to
    use it, `environment` where proxies and Docker are named for them. `critical_s_min` is the shortest time after which
    a critical instance is deregistered, which is looked at every `reap_every_s`. `default_allow` is what holds where no
    intention matches. Beneath `data_dir` registrations are kept; nothing is with an empty one. `sync_every_s` is
    between comparisons of all with the catalog, longer in larger clusters (Consul's `ae_interval`).
    """

    data_dir: str = ""
    sync_every_s: float = SYNC_EVERY_S
    scripts: ScriptPolicy = _NO_SCRIPTS
    sidecar_ports: range = _SIDECAR_PORTS
    exposed_ports: range = _EXPOSED_PORTS
    check_update_s: float = 300.0
    check_output_bytes_max: int = CHECK_OUTPUT_BYTES_MAX
    discard_check_output: bool = False
    check_tls: CheckTls | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    critical_s_min: float = CRITICAL_S_MIN
    reap_every_s: float = REAP_EVERY_S
    default_allow: bool = True
    acls_enabled: bool = False
