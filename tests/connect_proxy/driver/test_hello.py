import contextlib
import ssl

from hypothesis import given
from hypothesis import strategies as st

from lictor_connect_proxy.driver.hello import offers_session
from tests.connect_proxy.test_sessions import made_session

_CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _hello(context: ssl.SSLContext, session: ssl.SSLSession | None = None, *, name: str = "db") -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=name, session=session)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


async def test_a_client_with_a_session_offers_it() -> None:
    context, session = await made_session()
    assert offers_session(_hello(context, session))
    assert not offers_session(_hello(context))


def test_a_client_of_tls_1_2_offers_none() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert not offers_session(_hello(context))


async def test_half_a_hello_and_one_with_something_behind_it_are_a_no() -> None:
    hello = _hello(*await made_session())
    assert [length for length in range(len(hello)) if offers_session(hello[:length])] == []
    assert not offers_session(hello + b"x")


@given(st.binary(max_size=300))
def test_any_bytes_have_an_answer(garbage: bytes) -> None:
    assert offers_session(garbage) is False
    assert offers_session(b"\x16\x03\x01\x01\x00\x01" + garbage) in (True, False)
