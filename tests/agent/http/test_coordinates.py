"""`/v1/coordinate/*`; what Consul answers to the same is in `tests/compat`."""

from __future__ import annotations

from lictor_agent.http.coordinates import shown_coordinate
from lictor_core.coordinates import Coordinate
from tests.agent.http.live import NODE, Live
from tests.support.recorder.json_types import as_list


async def test_a_server_stands_in_the_answer_for_its_datacenter(live: Live) -> None:
    answer = await live.get("/v1/coordinate/datacenters")
    assert (answer.at("0.Datacenter"), answer.at("0.AreaID")) == ("dc1", "wan")
    assert answer.at("0.Coordinates.0.Node") == NODE
    assert len(as_list(answer.at("0.Coordinates.0.Coord.Vec"))) == 8


async def test_a_report_without_a_coordinate_or_with_a_wrong_one_is_told(live: Live) -> None:
    answer = await live.put("/v1/coordinate/update", {"Node": "n1"})
    assert (answer.status, answer.text) == (400, "Missing Coord: a report says where the node stands")
    answer = await live.put("/v1/coordinate/update", {"Node": "n1", "Coord": {"Vec": "x"}})
    assert answer.status == 400
    assert "Request decode failed: Coord" in answer.text


async def test_a_report_for_another_datacenter_is_refused(live: Live) -> None:
    body = {"Datacenter": "elsewhere", "Node": "n1", "Coord": {"Vec": [0] * 8}}
    answer = await live.put("/v1/coordinate/update", body)
    assert (answer.status, answer.text) == (500, "No path to datacenter")


async def test_self_shows_where_the_node_stands(live: Live) -> None:
    coordinate = (await live.get("/v1/agent/self")).at("Coord")
    assert coordinate == shown_coordinate(await live.agent.coordinate())


def test_numbers_are_written_as_go_writes_them() -> None:
    one = Coordinate(vec=[0.0, 1.5], error=1.0, adjustment=-0.0, height=1e-5)
    assert shown_coordinate(one) == {"Vec": [0, 1.5], "Error": 1, "Adjustment": 0, "Height": 1e-5}
    assert [type(part) for part in shown_coordinate(one).values()] == [list, int, int, float]
