"""Resources as a configuration that needs no server: what they refer to is put in its place.

So the real Envoy can be asked whether it understands them (`--mode validate`), and can run them as they are.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final, cast

from lictor_connect_proxy.xds.kinds import CLUSTER, ENDPOINTS, EXTENSION, LISTENER, ROUTES, SECRET, Resources
from lictor_core.records import JsonObject

__all__ = ["envoy_program", "flaws_seen_by_envoy", "static_bootstrap"]

VALIDATE_S: Final = 60.0


def envoy_program() -> str | None:
    """Where Envoy is; None when it is not."""
    return shutil.which("envoy")


def static_bootstrap(resources: Resources) -> JsonObject:
    """A bootstrap with everything in it."""
    clusters = [_cluster(one, resources) for one in resources.get(CLUSTER, {}).values()]
    listeners = [_filled(one, resources) for one in resources.get(LISTENER, {}).values()]
    layer: JsonObject = {"re2.max_program_size.error_level": 1_048_576}
    return {
        "node": {"id": "test", "cluster": "test"},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "layered_runtime": {"layers": [{"name": "fixed", "static_layer": layer}]},
        "static_resources": {"clusters": clusters, "listeners": listeners},
    }


def flaws_seen_by_envoy(resources: Resources, folder: Path) -> str:
    """What Envoy says against the resources; empty when it takes them."""
    program = envoy_program()
    assert program is not None
    path = folder / "bootstrap.json"
    path.write_text(json.dumps(static_bootstrap(resources)))
    command = [program, "--mode", "validate", "-c", str(path), "--log-level", "error", "--disable-hot-restart"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=VALIDATE_S, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _cluster(cluster: JsonObject, resources: Resources) -> JsonObject:
    found = cast(JsonObject, _filled(cluster, resources))
    if found.pop("eds_cluster_config", None) is not None:
        found["type"] = "STATIC"
        found["load_assignment"] = resources[ENDPOINTS][str(cluster["name"])]
    return found


def _filled(value: object, resources: Resources) -> object:
    """`value` with every reference replaced by what it refers to."""
    if isinstance(value, list):
        return [_filled(one, resources) for one in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    fields = dict(cast(JsonObject, value))
    if "config_discovery" in fields:
        return _filled(resources[EXTENSION][str(fields["name"])], resources)
    if (routes := fields.pop("rds", None)) is not None:
        fields["route_config"] = resources[ROUTES][str(cast(JsonObject, routes)["route_config_name"])]
    if (wanted := fields.pop("tls_certificate_sds_secret_configs", None)) is not None:
        fields["tls_certificates"] = [
            _secret(one, resources)["tls_certificate"] for one in cast("list[JsonObject]", wanted)
        ]
    if (combined := fields.pop("combined_validation_context", None)) is not None:
        parts = cast("dict[str, JsonObject]", combined)
        own = _secret(parts["validation_context_sds_secret_config"], resources)["validation_context"]
        fields["validation_context"] = {**cast(JsonObject, own), **parts["default_validation_context"]}
    if (one := fields.pop("validation_context_sds_secret_config", None)) is not None:
        fields["validation_context"] = _secret(cast(JsonObject, one), resources)["validation_context"]
    return {key: _filled(one, resources) for key, one in fields.items()}


def _secret(reference: JsonObject, resources: Resources) -> JsonObject:
    return resources[SECRET][str(reference["name"])]
