"""The output of a program, in parts."""

import asyncio

from lictor_agent.remote_exec.output import OUTPUT_BYTES_MAX, PART_BYTES, Output


async def parts(output: Output) -> list[bytes]:
    found: list[bytes] = []
    while (part := await output.take(10.0)) is not None:
        found.append(part)
    return found


async def test_a_little_output_is_one_part() -> None:
    output = Output()
    output.write(b"a")
    output.write(b"b\n")
    output.end()
    assert await parts(output) == [b"ab\n"]


async def test_much_output_is_cut_into_parts() -> None:
    output = Output()
    output.write(b"x" * (2 * PART_BYTES + 1))
    output.end()
    assert [len(part) for part in await parts(output)] == [PART_BYTES, PART_BYTES, 1]


async def test_output_is_gathered_for_a_moment_and_told_before_the_end() -> None:
    output = Output()
    output.write(b"a")
    taking = asyncio.ensure_future(output.take(10.0))
    await asyncio.sleep(0)
    output.write(b"b")
    assert await taking == b"ab"


async def test_silence_is_an_empty_part_and_the_end_none() -> None:
    output = Output()
    assert await output.take(0.01) == b""
    output.end()
    assert await output.take(10.0) is None


async def test_a_program_that_writes_too_fast_is_held_back_until_parts_are_taken() -> None:
    output = Output()
    output.write(b"x" * 300_000)
    waiting = asyncio.ensure_future(output.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    for _ in range(11):
        assert await output.take(10.0) is not None
    await asyncio.wait_for(waiting, 10)


async def test_more_than_the_bound_is_left_out_and_said() -> None:
    output = Output()
    for _ in range(OUTPUT_BYTES_MAX // 65_536 + 2):
        output.write(b"x" * 65_536)
    output.end()
    found = b"".join(await parts(output))
    assert found[:OUTPUT_BYTES_MAX] == b"x" * OUTPUT_BYTES_MAX
    assert found[OUTPUT_BYTES_MAX:] == f"\n(more than {OUTPUT_BYTES_MAX} bytes: the rest is left out)\n".encode()
