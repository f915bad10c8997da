"""`/v1/acl/{create,update,destroy,info,clone,list}`: the older API, whose tokens are named by their secret."""

from tests.compat.scenarios.http.acl import CONFIG, NEVER, fixed, step
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario

_AGAIN = "Consul writes an older token once more, to give it an accessor"
_RULES = 'key "" { policy = "read" } service "web" { policy = "write" }'


def _old(number: int, **more: Json) -> dict[str, Json]:
    return {"ID": fixed(number), **more}


SCENARIO = Scenario(
    "acl_legacy",
    "Tokens of the older API.",
    (
        step("a client", "PUT", "acl/create", _old(1, Name="one", Type="client", Rules=_RULES)),
        step("a management", "PUT", "acl/create", _old(2, Name="two", Type="management")),
        step("one without a type", "PUT", "acl/create", _old(3, Name="three", Rules=_RULES)),
        step("one without an id", "PUT", "acl/create", {"Name": "four"}, save={"four": "body:ID"}),
        step("one of nothing", "PUT", "acl/create", b"", save={"five": "body:ID"}),
        step("one of a bad type", "PUT", "acl/create", _old(6, Type="x")),
        step("one with bad rules", "PUT", "acl/create", _old(6, Rules="key {")),
        step("one with newer rules", "PUT", "acl/create", _old(6, Rules='key_prefix "" { policy = "read" }')),
        step("one with a taken id", "PUT", "acl/create", _old(1, Name="again")),
        step("one named anonymous", "PUT", "acl/create", {"ID": "anonymous"}),
        step("one broken", "PUT", "acl/create", b"{"),
        step("one with an unknown key", "PUT", "acl/create", {"Name": "x", "Other": 1}),
        step("it is read", "GET", f"acl/info/{fixed(1)}"),
        step("it is read by who shows none", "GET", f"acl/info/{fixed(1)}", token=""),
        step("one that is not there", "GET", f"acl/info/{NEVER}"),
        step("one that is new", "GET", "acl/info/anonymous"),
        step("none", "GET", "acl/info/"),
        step("all of them", "GET", "acl/list", unordered=("body",)),
        step("all, of who may not", "GET", "acl/list", token=""),
        step("it is changed", "PUT", "acl/update", _old(1, Name="changed", Type="client", Rules="")),
        step("one is changed that is not there", "PUT", "acl/update", _old(9, Name="made", Type="client")),
        step("one is changed without an id", "PUT", "acl/update", {"Name": "x"}),
        step("a copy", "PUT", f"acl/clone/{fixed(1)}", save={"copy": "body:ID"}),
        step("a copy of one that is not there", "PUT", f"acl/clone/{NEVER}"),
        step("a copy of none", "PUT", "acl/clone/"),
        step(
            "the token of the newer API",
            "GET",
            "acl/token/self",
            token=fixed(2),
            until_not='"AccessorID":""',
            omit={"body.ModifyIndex": _AGAIN},
            save={"accessor": "body:AccessorID"},
        ),
        step(
            "a client of the newer API",
            "GET",
            "acl/token/self?second",
            token=fixed(3),
            until_not='"AccessorID":""',
            omit={"body.ModifyIndex": _AGAIN},
            save={"third": "body:AccessorID"},
        ),
        step("its rules are translated", "GET", "acl/rules/translate/$third", exact_text=True),
        step("a management's are not", "GET", "acl/rules/translate/$accessor"),
        step("one may be made new", "PUT", "acl/token/$third", {"Description": "newer", "Policies": []}),
        step("it stays what it was with rules", "GET", "acl/token/$third"),
        step("what an old token may", "GET", "kv/x", token=fixed(3)),
        step(
            "all tokens of the newer API",
            "GET",
            "acl/tokens",
            unordered=("body",),
            omit={
                "body.*.AccessorID": "they are made at random, and told first in any order",
                "body.*.ModifyIndex": _AGAIN,
            },
        ),
        step("who may not create", "PUT", "acl/create", _old(8), token=""),
        step("who may not change", "PUT", "acl/update", _old(1), token=""),
        step("who may not destroy", "PUT", f"acl/destroy/{fixed(1)}", token=""),
        step("who may not copy", "PUT", f"acl/clone/{fixed(1)}", token=""),
        step("one goes", "PUT", f"acl/destroy/{fixed(1)}"),
        step("it is gone", "GET", f"acl/info/{fixed(1)}"),
        step("it goes once more", "PUT", f"acl/destroy/{fixed(1)}"),
        step("the anonymous does not go", "PUT", "acl/destroy/anonymous"),
        step("none goes", "PUT", "acl/destroy/"),
    ),
    CONFIG,
)
