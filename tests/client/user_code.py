"""What a user of the package may write: it is checked, not run. `assert_type` pins what an IDE shows."""

from typing import assert_type

from lictor import Answer, AsyncClient, Client, KVEntry, News, Options, ServiceHealth, kv


def blocking(client: Client) -> None:
    assert_type(client.kv.get("a"), KVEntry | None)
    assert_type(client.kv.get.answer("a"), Answer[KVEntry | None])
    assert_type(client.kv.put("a", b"b", cas=3), bool)
    assert_type(client.health.service("web", passing=True, options=Options(stale=True)), list[ServiceHealth])
    assert_type(client.send(kv.tree("a/")), list[KVEntry])
    for index, instances in client.health.watch("web", passing=True):
        assert_type(index, int)
        assert_type(instances, list[ServiceHealth])
    for news in client.kv.tree.watch("a/"):
        assert_type(news, News[list[KVEntry]])
    with client.lock("deploy/lock") as lock:
        assert_type(lock.fencing_token, int)
    client.kv.put("a", 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a value is bytes
    with client.using(timeout_s=2.0) as quick:
        assert_type(quick.catalog.services(), dict[str, list[str]])


async def asynchronous() -> None:
    async with AsyncClient("127.0.0.1:8500") as client:
        assert_type(await client.kv.get("a"), KVEntry | None)
        assert_type((await client.catalog.nodes.answer()).index, int)
        async for index, instances in client.health.watch("web"):
            assert_type(index, int)
            assert_type(instances, list[ServiceHealth])
        async with client.lock("deploy/lock") as lock:
            assert_type(lock.session_id, str)
