"""Fixtures of tests with real programs.

`LICTOR_TEST_PRODUCT=consul` runs the same tests against the real Consul: what it fails, the tests ask wrongly (but for
what Lictor promises beyond it, which is marked by `beyond_consul`).
"""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.agents import DevAgent, Product, dev_agent, put_consul_on_path

put_consul_on_path()


@pytest.fixture(scope="session")
def product() -> Product:
    """The product under test."""
    return "consul" if os.environ.get("LICTOR_TEST_PRODUCT") == "consul" else "lictor"


@pytest.fixture
def agent(product: Product, tmp_path: Path) -> Generator[DevAgent]:
    """A development agent of the product under test."""
    with dev_agent(product, tmp_path) as running_agent:
        yield running_agent


@pytest.fixture
def beyond_consul(product: Product) -> None:
    """Asked for by tests of what Lictor promises and Consul does not."""
    if product == "consul":
        pytest.skip("the real Consul does not promise this")
