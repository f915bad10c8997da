"""What stands where the UI would be, on an agent that has none."""

from tests.support.recorder.scenario import Scenario, Step

_NAME = "the name of the program"

SCENARIO = Scenario(
    "ui-off",
    "An agent without a UI.",
    (
        Step("the beginning", "GET", "/", differs={"body": _NAME}),
        Step("the beginning is put as well", "PUT", "/", differs={"body": _NAME}),
        Step("the beginning is asked for its head", "HEAD", "/"),
        Step("the UI", "GET", "/ui"),
        Step("below the UI", "GET", "/ui/"),
        Step("deep below the UI", "GET", "/ui/dc1/services"),
        Step("the UI is not put", "PUT", "/ui/"),
        Step("an icon", "GET", "/favicon.ico"),
    ),
    config={"ui": False},
)
