"""Measures bad links between two networks; run by `test_relay`, in namespaces of its own. Writes a line of JSON."""

from __future__ import annotations

import asyncio
import socket
import sys
import time

import msgspec

from lictor_jepsen import confine
from lictor_jepsen.net import Link, Namespaces, Node
from lictor_jepsen.wire import Shape

ECHO = """
import socket, threading
place = ("0.0.0.0", 9)
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(place)
def echo():
    while True:
        data, who = datagrams.recvfrom(2000)
        datagrams.sendto(data, who)
threading.Thread(target=echo, daemon=True).start()
streams = socket.create_server(place)
print("up", flush=True)
while True:
    stream, _ = streams.accept()
    while stream.recv(65536):
        pass
    stream.close()
"""
ASK = """
import socket, sys, time
address, count = sys.argv[1], int(sys.argv[2])
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.settimeout(2.0)
times = []
for number in range(count):
    began = time.monotonic()
    one.sendto(bytes(1000), (address, 9))
    one.recv(2000)
    times.append(time.monotonic() - began)
print(min(times) * 1000)
"""
COUNT = """
import socket, sys
address, count, came = sys.argv[1], int(sys.argv[2]), 0
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.settimeout(0.002)
for number in range(count):
    one.sendto(bytes(100), (address, 9))
    try:
        while one.recv(2000):
            came += 1
    except TimeoutError:
        pass
one.settimeout(2.0)
try:
    while one.recv(2000):
        came += 1
except TimeoutError:
    print(came)
"""
SEND = """
import socket, sys, time
began = time.monotonic()
stream = socket.create_connection((sys.argv[1], 9), timeout=60)
stream.sendall(bytes(int(sys.argv[2])))
stream.shutdown(socket.SHUT_WR)
stream.recv(1)
print(time.monotonic() - began)
"""


async def _run(net: Namespaces, node: Node, *words: str) -> list[float]:
    command = (*net.within(node), sys.executable, "-c", *words)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return [float(word) for word in said.split()]


async def _measure() -> dict[str, float]:
    net = Namespaces(2)
    await net.make()
    first, second = net.nodes
    both = [Link(first, second), Link(second, first)]
    echo = await asyncio.create_subprocess_exec(
        *net.within(first), sys.executable, "-c", ECHO, stdout=asyncio.subprocess.PIPE
    )
    assert echo.stdout is not None
    await echo.stdout.readline()

    async def round_trip_ms() -> float:
        return (await _run(net, second, ASK, first.address, "10"))[0]

    async def arrived() -> float:
        return (await _run(net, second, COUNT, first.address, "600"))[0]

    async def sent_s(size: int) -> float:
        return (await _run(net, second, SEND, first.address, str(size)))[0]

    told = {"direct_ms": await round_trip_ms()}
    await net.shape(both, Shape(delay_ms=80), 7)
    told["late_ms"] = await round_trip_ms()
    told["clients_ms"] = await asyncio.to_thread(_asked_by_the_harness_ms, first.address)
    await net.smooth(both[1:])
    told["one_way_ms"] = await round_trip_ms()
    await net.shape(both[:1], Shape(loss=0.5), 7)
    told["arrived_of_lossy"] = await arrived()
    await net.shape(both[:1], Shape(doubled=0.3), 7)
    told["arrived_of_doubled"] = await arrived()
    await net.shape(both, Shape(kbit_s=64), 7)
    told["narrow_s"] = await sent_s(24_000)
    await net.shape(both, Shape(), 7)
    told["mbyte_s"] = 10 / await sent_s(10_000_000)
    await net.heal()
    told["mended_ms"] = await round_trip_ms()
    net.relay.close()
    echo.kill()
    await echo.wait()
    return told


def _asked_by_the_harness_ms(address: str) -> float:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(2.0)
        times: list[float] = []
        for _ in range(10):
            began = time.monotonic()
            one.sendto(b"x", (address, 9))
            one.recv(2000)
            times.append(time.monotonic() - began)
    return min(times) * 1000


if __name__ == "__main__":
    if not confine.is_confined():
        confine.become([sys.executable, sys.argv[0]])
    confine.settle()
    counted = {name: int(value) if "arrived" in name else value for name, value in asyncio.run(_measure()).items()}
    print(msgspec.json.encode(counted).decode())
