"""What a check says whose time ran out."""

from lictor_agent.checks.ttl import expired_output


def test_an_expired_check_repeats_what_was_said_last() -> None:
    assert expired_output("") == "TTL expired"
    assert expired_output("fine") == "TTL expired (last output before timeout follows): fine"
