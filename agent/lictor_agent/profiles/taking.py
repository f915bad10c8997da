"""Taking profiles of this process: processor time by sampling, memory by type, tasks with their stacks.

Processor time: a thread looks at all stacks a hundred times a second, and counts for each thread the time that its own
clock went on since. So a thread that waits counts for nothing, and what is paid is a few tenths of a percent while the
profile is taken, nothing otherwise. Memory: objects that the collector knows of, with what they take themselves.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from types import FrameType
from typing import Final, cast

from lictor_agent.profiles.encoding import Frame, Kind, Profile, Stack
from lictor_core.clock import Clock

__all__ = ["DEPTH_MAX", "STACKS_MAX", "heap", "processor", "tasks", "text_of", "threads"]

DEPTH_MAX: Final = 128
"""Frames of one stack; outer ones are left out."""
STACKS_MAX: Final = 10_000
"""Stacks of one profile; what comes beyond them counts for one named `others`."""
_PERIOD_S: Final = 0.01
_NS: Final = 1_000_000_000
_OTHERS: Final[Stack] = (Frame("others", "", 0),)
_SAMPLES: Final = Kind("samples", "count")


def processor(clock: Clock, seconds: float, stop: threading.Event) -> Profile:
    """Where the processor's time goes for so many seconds, or until `stop`. It blocks: for a thread of its own."""
    began, started = clock.now(), clock.monotonic()
    counts: Counter[Stack] = Counter()
    spent_ns: Counter[Stack] = Counter()
    own = threading.get_ident()
    last: dict[int, int] = {}
    while (left := started + seconds - clock.monotonic()) > 0 and not stop.wait(min(_PERIOD_S, left)):
        now = _thread_times()
        for thread, frame in sys._current_frames().items():  # pyright: ignore[reportPrivateUsage]  # no public name
            spent = now.get(thread, 0) - last.get(thread, now.get(thread, 0))
            if thread == own or spent <= 0:
                continue
            stack = _stack(frame)
            if stack not in counts and len(counts) >= STACKS_MAX:
                stack = _OTHERS
            counts[stack] += 1
            spent_ns[stack] += spent
        last = now
    return Profile(
        kinds=(_SAMPLES, Kind("cpu", "nanoseconds")),
        samples={stack: (count, spent_ns[stack]) for stack, count in counts.items()},
        began_ns=round(began * _NS),
        duration_ns=round((clock.monotonic() - started) * _NS),
        period_ns=round(_PERIOD_S * _NS),
    )


def heap(clock: Clock) -> Profile:
    """How many objects of each type came since the start, and the bytes that they take without what they refer to.

    What was there when the agent had started is set aside from the collector (`gc.freeze`), and in no profile.
    """
    counts: Counter[Stack] = Counter()
    sizes: Counter[Stack] = Counter()
    for one in gc.get_objects():
        kind = cast("type[object]", type(one))
        module = str(cast(object, kind.__module__))  # some types have what is no text there
        stack: Stack = (Frame(f"{module}.{kind.__qualname__}", module, 0),)
        if stack not in counts and len(counts) >= STACKS_MAX:
            stack = _OTHERS
        counts[stack] += 1
        sizes[stack] += sys.getsizeof(one, 0)
    kinds = (Kind("inuse_objects", "count"), Kind("inuse_space", "bytes"))
    samples = {stack: (count, sizes[stack]) for stack, count in counts.items()}
    return Profile(kinds, samples, began_ns=round(clock.now() * _NS))


def tasks(clock: Clock) -> Profile:
    """The tasks of the running loop by where they wait. For the loop's own thread."""
    found = (_task_stack(task) for task in asyncio.all_tasks())
    return _counted(clock, Kind("goroutine", "count"), found)


def threads(clock: Clock) -> Profile:
    """The threads by where they are."""
    frames = sys._current_frames().values()  # pyright: ignore[reportPrivateUsage]  # no public name
    return _counted(clock, Kind("threadcreate", "count"), (_stack(frame) for frame in frames))


def text_of(profile: Profile, title: str) -> str:
    """A profile to be read by people, the largest first, by the last of its values."""
    rows = sorted(profile.samples.items(), key=lambda row: row[1][-1], reverse=True)
    lines = [f"{title} profile: total {sum(values[-1] for _, values in rows)}"]
    for stack, values in rows:
        lines.append("")
        lines.append(" ".join(str(value) for value in values))
        lines += [f"#\t{frame.name}\t{frame.file}:{frame.line}" for frame in stack]
    return "\n".join(lines) + "\n"


def _counted(clock: Clock, kind: Kind, stacks: Iterable[Stack]) -> Profile:
    counts = Counter(stacks)
    return Profile((kind,), {stack: (count,) for stack, count in counts.items()}, began_ns=round(clock.now() * _NS))


def _thread_times() -> dict[int, int]:
    """The processor time of each thread so far, in nanoseconds."""
    times: dict[int, int] = {}
    for thread in threading.enumerate():
        if thread.ident is None:
            continue
        try:
            times[thread.ident] = time.clock_gettime_ns(time.pthread_getcpuclockid(thread.ident))
        except OSError:
            continue  # it has just ended
    return times


def _stack(frame: FrameType | None) -> Stack:
    frames: list[Frame] = []
    while frame is not None and len(frames) < DEPTH_MAX:
        code = frame.f_code
        frames.append(Frame(code.co_qualname, code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return tuple(frames)


def _task_stack(task: asyncio.Task[object]) -> Stack:
    """Innermost first: `get_stack` tells the outermost of a task that waits, and what that waits for is within it."""
    frames: list[Frame] = []
    waiting: object = task.get_coro()
    while waiting is not None and len(frames) < DEPTH_MAX:
        frame = getattr(waiting, "cr_frame", None)
        if isinstance(frame, FrameType):
            code = frame.f_code
            frames.append(Frame(code.co_qualname, code.co_filename, frame.f_lineno))
        waiting = getattr(waiting, "cr_await", None)
    frames.reverse()
    return tuple(frames) or (Frame(repr(task.get_coro())[:64], "", 0),)
