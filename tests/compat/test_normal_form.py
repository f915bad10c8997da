"""What differs between runs is replaced, and nothing else."""

from tests.support.recorder.normal_form import NormalForm

_ONE = "11111111-2222-3333-4444-555555555555"
_OTHER = "99999999-2222-3333-4444-555555555555"


def test_a_uuid_keeps_its_number_wherever_it_returns() -> None:
    form = NormalForm({})
    assert form.json({"ID": _ONE, "Other": _OTHER}) == {"ID": "<uuid 1>", "Other": "<uuid 2>"}
    assert form.text(f"spiffe://{_OTHER}.consul/x {_ONE}") == "spiffe://<uuid 2>.consul/x <uuid 1>"


def test_a_port_of_the_agent_is_named_in_text_and_number() -> None:
    form = NormalForm({"http": 20123})
    assert form.json({"Port": 20123, "Address": "127.0.0.1:20123"}) == {
        "Port": "<port http>",
        "Address": "127.0.0.1:<port http>",
    }


def test_digits_of_a_port_inside_another_number_stay() -> None:
    form = NormalForm({"http": 2012})
    assert form.text("20123 and 12012 and 1.2012") == "20123 and 12012 and 1.2012"


def test_an_index_tells_whether_it_grew_since_creation() -> None:
    form = NormalForm({})
    assert form.json({"CreateIndex": 7, "ModifyIndex": 7}) == {"CreateIndex": "<index>", "ModifyIndex": "<index>"}
    assert form.json({"CreateIndex": 7, "ModifyIndex": 9}) == {"CreateIndex": "<index>", "ModifyIndex": "<later index>"}
    assert form.json({"CreateIndex": 7, "ModifyIndex": 5}) == {
        "CreateIndex": "<index>",
        "ModifyIndex": "<earlier index>",
    }


def test_an_index_of_zero_stays_a_zero() -> None:
    assert NormalForm({}).json({"CreateIndex": 0, "ModifyIndex": 0}) == {"CreateIndex": 0, "ModifyIndex": 0}
    assert NormalForm({}).header("X-Consul-Index", "0") == "0"


def test_other_numbers_and_truth_values_stay() -> None:
    assert NormalForm({"http": 1}).json({"Flags": 42, "Passing": True, "Load": 0.5}) == {
        "Flags": 42,
        "Passing": True,
        "Load": 0.5,
    }


def test_times_and_versions_and_hashes_are_named() -> None:
    form = NormalForm({})
    assert form.json({"CreatedAt": "2020-11-21T03:04:05.123456Z", "Version": "1.8.7", "Hash": "abc="}) == {
        "CreatedAt": "<time>",
        "Version": "<version>",
        "Hash": "<hash>",
    }


def test_a_version_is_replaced_only_where_a_version_stands() -> None:
    assert NormalForm({}).json({"Tag": "1.8.7"}) == {"Tag": "1.8.7"}


def test_the_agents_directory_is_named() -> None:
    assert NormalForm({}, "/tmp/run7").text("no file /tmp/run7/a.json") == "no file <directory>/a.json"
