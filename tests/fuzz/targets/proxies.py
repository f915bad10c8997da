"""What proxies read before they know anybody: the first bytes of TLS, names in certificates, requests for
certificates, what their agent answers, what Envoys ask.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import textwrap
from collections.abc import Callable, Iterable
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from lictor_connect_proxy.driver.hello import offers_session
from lictor_connect_proxy.feed import answers
from lictor_connect_proxy.layers.identify import identify
from lictor_connect_proxy.layers.stages import Accepted, PeerCertificate, Refusal
from lictor_connect_proxy.xds.kinds import CLUSTER, LISTENER
from lictor_connect_proxy.xds.stream import DeltaStream
from lictor_connect_proxy.xds.wire import asked, response_message
from lictor_core.errors import LictorError, OverloadedError, RequestError
from lictor_core.json_text import to_json
from lictor_core.names import parse_spiffe
from lictor_server.ca.leaves import read_csr
from tests.fuzz.shaping import Choices, anything

_TRUST_DOMAIN: Final = "11111111-2222-3333-4444-555555555555.consul"
_ANSWERS: Final[tuple[Callable[[bytes], object], ...]] = (
    answers.leaf_in,
    answers.roots_in,
    functools.partial(answers.policy_in, service="web"),
    answers.default_allow_in,
    answers.endpoints_in,
    functools.partial(answers.mesh_gateways_in, own_datacenter="dc1"),
    answers.chain_in,
    answers.query_in,
    answers.linked_services_in,
    answers.entries_in,
    answers.exposed_paths_in,
    answers.service_names_in,
)
_KEY: Final = ec.derive_private_key(7, ec.SECP256R1())
_WORDS: Final = (
    "Certificate", "PrivateKey", "Roots", "RootCert", "TrustDomain", "Chain", "Protocol", "StartNode", "Nodes",
    "Service", "Node", "Checks", "Address", "Port", "Status", "SourceName", "DestinationName", "Action", "Kind", "Name",
    "web", "Type", "Meta", "Proxy", "ID", "Targets", "Listeners", "Services", "Allow", "Permissions", "Weights",
    "TaggedAddresses",
)  # fmt: skip


def run(data: bytes) -> None:
    """One of the decoders."""
    choices = Choices(data)
    match choices.below(6):
        case 0:
            offers_session(choices.rest())
        case 1:
            _names(choices)
        case 2:
            _request(_pem(choices.rest()))
        case 3:
            _request(_made(choices))
        case 4:
            _answer(choices)
        case _:
            _discover(choices)


def _names(choices: Choices) -> None:
    uri = choices.some(choices.byte()).decode("utf-8", "surrogateescape")
    with contextlib.suppress(RequestError):
        parse_spiffe(uri)
    found = identify(Accepted("127.0.0.1:1"), PeerCertificate((uri,), 0.0, 10.0, "01"), _TRUST_DOMAIN, 5.0)
    if not isinstance(found, Refusal):
        assert found.identity.trust_domain == _TRUST_DOMAIN, "somebody of another trust domain was let in"


def _pem(der: bytes) -> str:
    lines = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{lines}\n-----END CERTIFICATE REQUEST-----\n"


def _request(pem: str) -> None:
    try:
        read_csr(pem)
    except RequestError:
        return


def _made(choices: Choices) -> str:
    """A request that is signed as it should be, with any names."""
    names: list[x509.GeneralName] = []
    for _ in range(choices.below(4)):
        text = choices.some(choices.byte()).decode("ascii", "replace").replace("\ufffd", "?")
        kind = choices.below(4)
        if kind == 0:
            names.append(x509.DNSName(text))
        elif kind == 1:
            names.append(x509.RFC822Name("a@b"))
        else:
            names.append(x509.UniformResourceIdentifier(text))
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(_KEY, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def _answer(choices: Choices) -> None:
    read = choices.among(_ANSWERS)
    if choices.byte() < 120:
        body = choices.rest()
    else:
        try:
            body = to_json(_worded(choices, 0))
        except (UnicodeEncodeError, OverflowError, RecursionError):
            return
    try:
        read(body)
    except LictorError:
        return


def _worded(choices: Choices, depth: int) -> Any:
    """A value whose members have names that mean something."""
    kind = choices.below(4)
    if kind == 0 or depth > 6:
        return anything(choices)
    if kind == 1:
        return [_worded(choices, depth + 1) for _ in range(choices.below(3))]
    return {choices.among(_WORDS): _worded(choices, depth + 1) for _ in range(choices.below(6))}


def _discover(choices: Choices) -> None:
    stream = DeltaStream()
    while not choices.is_over:
        try:
            request = asked(choices.some(choices.byte())).request
            stream.receive(request)
        except (RequestError, OverloadedError):
            return
        for response in stream.respond({CLUSTER: {}, LISTENER: {}}, 1):
            response_message(response)


def seeds() -> Iterable[bytes]:
    """A ClientHello, ids, requests, answers, requests of an Envoy."""
    hello = (
        bytes([22, 3, 1, 0, 60, 1, 0, 0, 56, 3, 3])
        + bytes(32)
        + b"\0\0\x02\x13\x01\x01\0\0\x0d\0\x2b\0\x03\x02\x03\x04"
    )
    yield b"\x00" + hello + b"\0\x29\0\x02\0\0"
    for uri in (
        f"spiffe://{_TRUST_DOMAIN}/ns/default/dc/dc1/svc/web",
        f"spiffe://{_TRUST_DOMAIN}/agent/client/dc/dc1/id/n1",
        f"spiffe://{_TRUST_DOMAIN}",
        f"spiffe://{_TRUST_DOMAIN}/ns/default/dc/dc1/svc/%2e%2e%00",
    ):
        yield b"\x01" + bytes([len(uri)]) + uri.encode()
        yield b"\x03\x01" + bytes([len(uri)]) + uri.encode() + b"\x02"
    pem = _made(Choices(b"\x01\x03abc\x00"))
    yield b"\x02" + base64.b64decode("".join(pem.splitlines()[1:-1]))
    for number in range(len(_ANSWERS)):
        yield bytes([4, number, 0]) + b'{"Name": "web", "Kind": "x", "Services": [{"Service": "a"}], "Chain": null}'
        yield bytes([4, number, 255]) + bytes(range(100))
    for body in (b"\x12\x02id\x1a\x05first", b"\x12" + bytes([len(CLUSTER)]) + CLUSTER.encode()):
        yield b"\x05" + bytes([len(body)]) + body
