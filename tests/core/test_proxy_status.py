"""Reports of proxies: what no proxy can mean is refused, and texts have bounds."""

import pytest

from lictor_core.errors import RequestError
from lictor_core.proxy_status import BUILT_IN, REJECTED_MAX, ProxyReport, RejectedResource, check_report


@pytest.mark.parametrize(
    "report",
    [
        ProxyReport(data_plane=""),
        ProxyReport(data_plane=BUILT_IN, policy_index=-1),
        ProxyReport(data_plane=BUILT_IN, policy_index=2**63),
        ProxyReport(data_plane=BUILT_IN, config_age_ms=-1),
    ],
)
def test_what_no_proxy_can_mean_is_refused(report: ProxyReport) -> None:
    with pytest.raises(RequestError):
        check_report(report)


def test_a_report_is_bounded() -> None:
    rejected = RejectedResource(type="listener", name="public", reason="x" * 10_000)
    checked = check_report(ProxyReport(data_plane="e" * 10_000, rejected=(rejected,) * 1000))
    assert len(checked.data_plane) == 512
    assert len(checked.rejected) == REJECTED_MAX
    assert len(checked.rejected[0].reason) == 512
    sound = ProxyReport(data_plane=BUILT_IN, policy_index=7, leaf_valid_before="2026-01-01T00:00:00Z")
    assert check_report(sound) == sound
