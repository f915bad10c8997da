import pytest

from lictor_server.leases import causes

NOW = 1_767_225_600.25


@pytest.mark.parametrize(
    ("cause", "wanted"),
    [
        (
            causes.connection_closed("s1", NOW - 2, 2.0, NOW),
            "server s1 saw its connection close at 2025-12-31T23:59:58.250Z, and it was not back within 2 s; "
            "failed at 2026-01-01T00:00:00.250Z",
        ),
        (
            causes.nothing_heard("s1", NOW - 10, 10.0, NOW),
            "server s1 heard nothing from it for 10 s, since 2025-12-31T23:59:50.250Z; "
            "failed at 2026-01-01T00:00:00.250Z",
        ),
        (
            causes.server_silent("s1", "s2", NOW - 10, 10.0, NOW),
            "server s2, to which it was connected, has been silent for leader s1 since 2025-12-31T23:59:50.250Z, "
            "and it appeared at no other server within 10 s; failed at 2026-01-01T00:00:00.250Z",
        ),
        (
            causes.nobody_vouches("s1", NOW - 10, 10.0, NOW),
            "no server vouched for it to leader s1 within 10 s, from 2025-12-31T23:59:50.250Z on; "
            "failed at 2026-01-01T00:00:00.250Z",
        ),
    ],
)
def test_a_cause_says_which_server_saw_what_and_when(cause: str, wanted: str) -> None:
    assert cause == wanted
    assert causes.failed_at(cause) == NOW


def test_the_output_begins_as_consuls_and_gives_the_cause_back() -> None:
    cause = causes.nothing_heard("s1", NOW - 10, 10.0, NOW)
    output = causes.failed_output(cause)
    assert output == f"Agent not live or unreachable: {cause}"
    assert causes.cause_of(output) == cause
    assert causes.failed_output("") == "Agent not live or unreachable"
    assert causes.cause_of("Agent not live or unreachable") == ""
    assert causes.cause_of("Agent alive and reachable") == ""


@pytest.mark.parametrize("text", ["", "failed at noon", "x; failed at 2026-99-99T00:00:00.000Z", "; failed at 2026-"])
def test_a_cause_of_somebody_elses_tells_no_moment(text: str) -> None:
    assert causes.failed_at(text) is None
