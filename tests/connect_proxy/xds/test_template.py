"""Templates of a bootstrap configuration; what is refused stands in `test_bootstrap`."""

from lictor_connect_proxy.xds.template import filled


def test_variables_are_filled_in_and_all_else_is_left() -> None:
    assert filled('{{ .A }}{{-.B-}} {{/* said */}}{"a":{"b":1}}', {"A": "1", "B": "2"}) == '12 {"a":{"b":1}}'


def test_what_is_filled_in_is_no_template_itself() -> None:
    assert filled("{{ .A }}", {"A": "{{ .B }}"}) == "{{ .B }}"
