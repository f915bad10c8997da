"""What enters the log is an entry in its one form, whoever sent it."""

from __future__ import annotations

import pytest

from lictor_core.commands import ConfigSet
from lictor_core.errors import RequestError
from lictor_server.endpoints.config_entries import checked_entry


def test_the_time_is_the_leader_s() -> None:
    checked = checked_entry(ConfigSet(kind="mesh", name="x", body={}, cas=5, at="forged"), "now")
    assert checked == ConfigSet(kind="mesh", name="mesh", body={}, cas=5, at="now")


def test_an_entry_with_flaws_or_in_another_form_is_refused() -> None:
    with pytest.raises(RequestError, match="Splits"):
        checked_entry(ConfigSet(kind="service-splitter", name="web", body={"Splits": []}), "now")
    with pytest.raises(RequestError, match="not as entries are kept"):
        checked_entry(ConfigSet(kind="service-splitter", name="web", body={"splits": []}), "now")
    with pytest.raises(RequestError, match="invalid config entry kind"):
        checked_entry(ConfigSet(kind="bogus", name="web", body={}), "now")
