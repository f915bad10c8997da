"""The words of a history are Jepsen's."""

from lictor_jepsen.op import NEMESIS, Kind


def test_a_line_is_one_of_four_kinds() -> None:
    assert {kind.value for kind in Kind} == {"invoke", "ok", "fail", "info"}


def test_no_client_has_the_process_id_of_the_nemesis() -> None:
    assert NEMESIS < 0
