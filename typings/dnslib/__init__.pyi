from collections.abc import Sequence

from dnslib.label import DNSBuffer, DNSLabel

class DNSError(Exception): ...

class Bimap:
    forward: dict[int, str]
    reverse: dict[str, int]

QTYPE: Bimap
RCODE: Bimap

class RD:
    def toZone(self) -> str: ...
    def pack(self, buffer: DNSBuffer) -> None: ...

class A(RD):
    def __init__(self, data: Sequence[int]) -> None: ...

class AAAA(RD):
    def __init__(self, data: Sequence[int]) -> None: ...

class CNAME(RD):
    def __init__(self, label: DNSLabel) -> None: ...

class NS(CNAME): ...
class PTR(CNAME): ...

class SOA(RD):
    def __init__(self, mname: DNSLabel, rname: DNSLabel, times: tuple[int, int, int, int, int]) -> None: ...

class SRV(RD):
    def __init__(self, priority: int, weight: int, port: int, target: DNSLabel) -> None: ...

class TXT(RD):
    def __init__(self, data: Sequence[bytes]) -> None: ...

class EDNSOption:
    def __init__(self, code: int, data: bytes) -> None: ...

class RR:
    rname: DNSLabel
    rtype: int
    ttl: int
    rdata: RD
    def __init__(
        self,
        rname: DNSLabel,
        rtype: int,
        rclass: int,
        ttl: int,
        rdata: RD | list[EDNSOption],
    ) -> None: ...
    def pack(self, buffer: DNSBuffer) -> None: ...

class DNSHeader:
    id: int
    rcode: int
    tc: int
    def __init__(self, id: int, bitmap: int, q: int, a: int, auth: int, ar: int) -> None: ...
    def pack(self, buffer: DNSBuffer) -> None: ...

class EDNS0(RR):
    def __init__(self, *, udp_len: int) -> None: ...

class DNSRecord:
    header: DNSHeader
    rr: list[RR]
    auth: list[RR]
    ar: list[RR]
    @classmethod
    def parse(cls, packet: bytes) -> DNSRecord: ...
    @classmethod
    def question(cls, qname: str, qtype: str = ..., qclass: str = ...) -> DNSRecord: ...
    def add_ar(self, *ar: RR) -> None: ...
    def pack(self) -> bytearray: ...
