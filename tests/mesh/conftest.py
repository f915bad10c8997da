"""The stage that the tests of one worker share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connect_proxy.authority import Authority
from tests.mesh.stage import Stage
from tests.support.agents import dev_agent, put_consul_on_path
from tests.support.api import call
from tests.support.recorder.json_types import Json

put_consul_on_path()


@pytest.fixture(scope="session")
def authority() -> Authority:
    """The CA of the stage, whose key the tests hold."""
    return Authority()


@pytest.fixture(scope="package")
def stage(authority: Authority) -> Iterator[Stage]:
    """A development agent of Lictor that signs with the tests' own root."""
    with tempfile.TemporaryDirectory() as directory, dev_agent("lictor", Path(directory)) as agent:
        config: Json = {"PrivateKey": authority.key_pem, "RootCert": authority.pem, "LeafCertTTL": "72h"}
        body: Json = {"Provider": "consul", "Config": config, "ForceWithoutCrossSigning": True}
        call(agent.http_address, "PUT", "/v1/connect/ca/configuration", body)
        yield Stage(agent, Path(directory))
