"""Addresses written as templates, beside what Consul 1.8.7 made of the same ones on a machine with these interfaces."""

from ipaddress import ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_config.interfaces import Interface
from lictor_config.templates import TemplateProblem, expand, is_template

LOOPBACK, WIRED = ("up", "loopback"), ("up", "broadcast", "multicast")
MACHINE = [
    Interface("lo", ip_interface("127.0.0.1/8"), LOOPBACK),
    Interface("lo", ip_interface("::1/128"), LOOPBACK),
    Interface("eth0", ip_interface("192.0.2.2/24"), WIRED, is_default=True),
    Interface("eth0", ip_interface("fd00::2/64"), WIRED, is_default=True),
    Interface("eth0", ip_interface("fe80::fc:ff:fe00:1/64"), WIRED, is_default=True),
]
OFFICE = [
    Interface("lo", ip_interface("127.0.0.1/8"), LOOPBACK),
    Interface("eth0", ip_interface("10.1.2.3/16"), WIRED, is_default=True),
    Interface("eth0", ip_interface("8.8.4.4/28"), WIRED, is_default=True),
    Interface("eth1", ip_interface("192.168.7.1/24"), WIRED),
    Interface("tun0", ip_interface("10.9.0.1/32"), ()),
]
SHOWN = (
    ('{{ GetAllInterfaces | join "address" "," }}', "127.0.0.1,::1,192.0.2.2,fd00::2,fe80::fc:ff:fe00:1"),
    ('{{ GetAllInterfaces | join "name" "," }}', "lo,lo,eth0,eth0,eth0"),
    ('{{ GetAllInterfaces | join "network" "," }}', "127.0.0.0,::1,192.0.2.0,fd00::,fe80::"),
    ('{{ GetDefaultInterfaces | join "address" "," }}', "192.0.2.2,fd00::2,fe80::fc:ff:fe00:1"),
    ("x{{ GetPrivateIP }}", "xfd00::2"),
    ("x{{ GetPublicIP }}", "x"),
    ("x{{ GetPrivateIPs }}", "xfd00::2"),
    ('x{{ GetInterfaceIP "lo" }}', "x"),
    ('x{{ GetInterfaceIP "eth0" }}', "xfd00::2"),
    ('{{ GetAllInterfaces | include "flags" "loopback|up" | join "address" "," }}', "127.0.0.1,::1"),
    ('{{ GetAllInterfaces | include "flags" "loopback|broadcast" | join "address" "," }}', "127.0.0.1,::1"),
    ('{{ GetAllInterfaces | include "flags" "loopback" | join "address" "," }}', "127.0.0.1,::1"),
    ('{{ GetAllInterfaces | include "flags" "forwardable|loopback" | join "address" "," }}', "127.0.0.1,::1,fd00::2"),
    ('{{ GetAllInterfaces | sort "type" | join "address" "," }}', "127.0.0.1,192.0.2.2,::1,fd00::2,fe80::fc:ff:fe00:1"),
    (
        '{{ GetAllInterfaces | sort "default" | join "address" "," }}',
        "192.0.2.2,fd00::2,fe80::fc:ff:fe00:1,127.0.0.1,::1",
    ),
    ('{{ GetAllInterfaces | exclude "name" "lo" | join "address" "," }}', "192.0.2.2,fd00::2,fe80::fc:ff:fe00:1"),
    (
        '{{ GetAllInterfaces | include "rfc" "6890" | join "address" "," }}',
        "127.0.0.1,::1,192.0.2.2,fd00::2,fe80::fc:ff:fe00:1",
    ),
    ('{{ GetAllInterfaces | include "network" "127.0.0.0/8" | attr "name" }}', "lo"),
    ('{{ GetAllInterfaces | limit 1 | join "address" "," }},', "127.0.0.1,"),
    ('{{ GetAllInterfaces | offset 1 | join "address" "," }},', "::1,192.0.2.2,fd00::2,fe80::fc:ff:fe00:1,"),
    ('{{ GetAllInterfaces | offset -1 | join "address" "," }},', "fe80::fc:ff:fe00:1,"),
    ('{{ GetAllInterfaces | unique "name" | join "address" "," }},', "127.0.0.1,192.0.2.2,"),
    ('{{ GetAllInterfaces | include "type" "IPv4"| attr "flags" }}', "up|loopback"),
    ('{{ GetAllInterfaces | include "type" "IPv4"| attr "string" }}', "127.0.0.1/8"),
    ('{{ GetAllInterfaces | attr "type" }}', "IPv4"),
    (
        '{{ GetAllInterfaces | include "type" "IPv4"| math "address" "+1" | join "address" ","}},',
        "127.0.0.2,192.0.2.3,",
    ),
    (
        '{{ GetAllInterfaces | include "type" "IPv4"| math "network" "+1" | join "address" ","}},',
        "127.0.0.1,192.0.2.1,",
    ),
    ('{{ (GetAllInterfaces | include "name" "lo") | attr "name" }}', "lo"),
    ("{{- GetPrivateIP -}}x", "fd00::2x"),
    ('{{ attr "name" (GetAllInterfaces) }}', "lo"),
    ("{{ GetAllInterfaces | attr `name` }}", "lo"),
    ('{{ GetAllInterfaces | include "size" "8" | join "mask_bits" "," }},', "8,"),
    ('{{ GetAllInterfaces | include "address" "^127" | join "hex" "," }},', "7f000001,"),
    ('{{ "x" }}', "x"),
    (
        '{{ GetAllInterfaces | sort "name,-address" | join "address" "," }}',
        "192.0.2.2,fe80::fc:ff:fe00:1,fd00::2,127.0.0.1,::1",
    ),
    (
        '{{ GetAllInterfaces | include "type" "ipv4" | include "flag" "up" | join "address" "," }},',
        "127.0.0.1,192.0.2.2,",
    ),
    ("{{/* c */}}x", "x"),
    ('{{ GetAllInterfaces | include "type" "IPv4" | sort "size" | join "string" "," }}', "127.0.0.1/8,192.0.2.2/24"),
    ('{{ GetAllInterfaces | include "type" "IPv4" | sort "-size" | join "string" "," }}', "192.0.2.2/24,127.0.0.1/8"),
    (
        '{{ GetAllInterfaces | include "type" "IPv6" | sort "size" | join "string" "," }}',
        "fd00::2/64,fe80::fc:ff:fe00:1/64,::1",
    ),
    (
        '{{ GetAllInterfaces | include "type" "IPv6" | sort "-size" | join "string" "," }}',
        "::1,fd00::2/64,fe80::fc:ff:fe00:1/64",
    ),
    (
        '{{ GetAllInterfaces | include "type" "IPv6" | sort "-address" | join "string" "," }}',
        "fe80::fc:ff:fe00:1/64,fd00::2/64,::1",
    ),
    ('{{ GetAllInterfaces | include "type" "IPv4" | sort "private" | join "string" "," }}', "127.0.0.1/8,192.0.2.2/24"),
    (
        '{{ GetAllInterfaces | include "type" "IPv6" | sort "private" | join "string" "," }}',
        "::1,fd00::2/64,fe80::fc:ff:fe00:1/64",
    ),
    (
        '{{ GetAllInterfaces | include "type" "ip" | join "string" "," }}',
        "127.0.0.1/8,::1,192.0.2.2/24,fd00::2/64,fe80::fc:ff:fe00:1/64",
    ),
    (
        '{{ GetAllInterfaces | include "type" "ipv6" | join "flags" "," }}',
        "up|loopback,up|broadcast|multicast,up|broadcast|multicast",
    ),
    ('{{ GetAllInterfaces | include "type" "ipv4" | join "host" "," }}', "127.0.0.1,192.0.2.2"),
    ('{{ GetAllInterfaces | include "type" "ipv4" | join "first_usable" "," }}', "127.0.0.1,192.0.2.1"),
    ('{{ GetAllInterfaces | include "type" "ipv4" | join "last_usable" "," }}', "127.255.255.254,192.0.2.254"),
    ('{{ GetAllInterfaces | include "type" "ipv4" | join "broadcast" "," }}', "127.255.255.255,192.0.2.255"),
    ('{{ GetAllInterfaces | include "type" "ipv4" | join "size" "," }}', "16777216,256"),
    ('{{ GetAllInterfaces | include "type" "ipv4" | join "netmask" "," }},', "255.0.0.0,255.255.255.0,"),
    (
        '{{ GetAllInterfaces | include "type" "ipv6" | join "netmask" "," }},',
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,ffff:ffff:ffff:ffff::,ffff:ffff:ffff:ffff::,",
    ),
    (
        '{{ GetAllInterfaces | include "type" "ipv6" | join "size" "," }},',
        "1,18446744073709551616,18446744073709551616,",
    ),
    ('{{ GetAllInterfaces | include "type" "ipv6" | join "first_usable" "," }},', "::1,fd00::,fe80::,"),
    (
        '{{ GetAllInterfaces | include "type" "ipv6" | join "last_usable" "," }},',
        "::1,fd00::ffff:ffff:ffff:ffff,fe80::ffff:ffff:ffff:ffff,",
    ),
    (
        '{{ GetAllInterfaces | include "type" "ipv4" | join "binary" "," }}',
        "01111111000000000000000000000001,11000000000000000000001000000010",
    ),
    ('{{ GetAllInterfaces | join "type" "," }}', "IPv4,IPv6,IPv4,IPv6,IPv6"),
    ('{{ GetAllInterfaces | limit 99 | join "name" "," }}', "lo,lo,eth0,eth0,eth0"),
    ('{{ GetAllInterfaces | limit 0 | join "name" "," }},', ","),
    (
        '{{ GetAllInterfaces | include "flags" "forwardable" | include "flags" "up" | join "string" ","}},',
        "fd00::2/64,",
    ),
    ('{{ GetAllInterfaces | include "name" "th" | attr "name" }},', "eth0,"),
    ('{{ GetAllInterfaces | include "network" "127.0.0.0/8|192.0.2.0/24" | join "name" ","}},', "lo,eth0,"),
    (
        '{{ GetAllInterfaces | math "address" "-1" | join "address" ","}},',
        "127.0.0.0,::,192.0.2.1,fd00::1,fe80::fc:ff:fe00:0,",
    ),
    (
        '{{ GetAllInterfaces | math "network" "-1" | join "address" ","}},',
        "127.255.255.255,::1,192.0.2.255,fd00::ffff:ffff:ffff:ffff,fe80::ffff:ffff:ffff:ffff,",
    ),
    ('{{ GetDefaultInterfaces | attr "string" }},', "192.0.2.2/24,"),
    (
        '{{ GetAllInterfaces | include "flags" "multicast" | join "address" "," }},',
        "192.0.2.2,fd00::2,fe80::fc:ff:fe00:1,",
    ),
    (
        '{{ GetAllInterfaces | include "flags" "broadcast" | join "address" "," }},',
        "192.0.2.2,fd00::2,fe80::fc:ff:fe00:1,",
    ),
    (
        '{{ GetAllInterfaces | include "flags" "up|broadcast" | join "address" "," }},',
        "192.0.2.2,fd00::2,fe80::fc:ff:fe00:1,",
    ),
    ('{{ GetAllInterfaces | include "flags" "multicast|loopback" | join "address" "," }},', "127.0.0.1,::1,"),
    ('{{ GetAllInterfaces | include "flags" "global unicast" | join "address" "," }},', "192.0.2.2,fd00::2,"),
    ('{{ GetAllInterfaces | include "flags" "point-to-point" | join "address" "," }},', ","),
    ('{{ GetAllInterfaces | include "flags" "link-local multicast" | join "address" "," }},', ","),
)
"""What Consul said."""
REFUSED = {
    "{{ bogus }}": "there is no function bogus; use GetAllInterfaces",
    "{{ GetPrivateIp }}": "did you mean GetPrivateIP?",
    "{{ GetPrivateIP": "{{ is not closed by }}",
    "{{ }}": "nothing between",
    "{{ GetInterfaceIP }}": "GetInterfaceIP takes a string",
    '{{ GetInterfaceIP "a" "b" }}': "GetInterfaceIP takes a string",
    "{{ GetInterfaceIP 'eth0' }}": "GetInterfaceIP takes a string",
    "{{ GetAllInterfaces }}": "is no address: end it with",
    "{{ GetAllInterfaces | bogus }}": "there is no function bogus",
    "{{ GetAllInterfaces | }}": "a function is wanted behind |",
    '{{ GetAllInterfaces | attr "bogus" }}': 'have nothing called "bogus": use address',
    '{{ GetAllInterfaces | include "bogus" "x" | attr "name" }}': 'nothing called "bogus" to choose by',
    '{{ GetAllInterfaces | include "name" "(" | attr "name" }}': "is no regular expression",
    '{{ GetAllInterfaces | include "size" "/64" | attr "name" }}': "is no size",
    '{{ GetAllInterfaces | include "size" "256" | attr "name" }}': "is no size",
    '{{ GetAllInterfaces | include "rfc" "99" | attr "name" }}': "nothing is known",
    '{{ GetAllInterfaces | include "network" "x" | attr "name" }}': "is no network",
    '{{ GetAllInterfaces | include "flags" "x" | attr "name" }}': 'no flag "x"',
    '{{ GetAllInterfaces | include "type" "x" | attr "name" }}': 'no type "x"',
    '{{ GetAllInterfaces | sort "bogus" | attr "name" }}': 'nothing called "bogus" to sort by',
    '{{ GetAllInterfaces | unique "bogus" | attr "name" }}': 'nothing called "bogus" to be unique by',
    '{{ GetAllInterfaces | limit "x" | attr "name" }}': "limit takes a number and a list",
    '{{ GetAllInterfaces | limit -1 | attr "name" }}': "write a number from 0",
    '{{ GetAllInterfaces | offset 99 | attr "name" }}': "there are 5 interfaces only",
    '{{ GetAllInterfaces | math "address" "x" | attr "name" }}': '"x" is no step',
    '{{ GetAllInterfaces | math "mask" "+1" | attr "name" }}': 'nothing called "mask"',
    '{{ GetAllInterfaces | math "address" "-2130706434" | attr "name" }}': "make no address",
    "{{ (GetPrivateIP }}": "( is not closed",
    "{{ GetPrivateIP ) }}": "unexpected )",
    "{{ with GetAllInterfaces }}x{{ end }}": "there is no function with",
    "{{" + "(" * 20 + "GetPrivateIP" + ")" * 20 + "}}": "nested deeper",
}


@pytest.mark.parametrize(("template", "expected"), SHOWN)
def test_a_template_makes_what_it_made_in_consul(template: str, expected: str) -> None:
    assert expand(template, MACHINE) == expected


@pytest.mark.parametrize("template", REFUSED)
def test_a_template_that_means_nothing_is_refused_with_the_reason(template: str) -> None:
    with pytest.raises(TemplateProblem) as caught:
        expand(template, MACHINE)
    assert REFUSED[template] in str(caught.value)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ GetPrivateIP }}", "10.1.2.3"),
        ("{{ GetPublicIP }}", "8.8.4.4"),
        ("{{ GetPrivateIPs }}", "10.1.2.3"),
        ("{{ GetPublicIPs }}:8301", "8.8.4.4:8301"),
        ('{{ GetInterfaceIP "eth1" }}', "192.168.7.1"),
        ('{{ GetInterfaceIPs "^eth" }}', "10.1.2.3 192.168.7.1 8.8.4.4"),
        ('{{ GetAllInterfaces | include "rfc" "1918" | exclude "name" "tun" | join "name" "," }}', "eth0,eth1"),
        ('{{ GetAllInterfaces | sort "-size" | join "name" " " }}', "tun0 eth0 eth1 eth0 lo"),
        ('{{ GetAllInterfaces | sort "default,size" | limit 2 | join "address" " " }}', "10.1.2.3 8.8.4.4"),
        ('{{ GetAllInterfaces | include "flags" "down" | attr "name" }}', "tun0"),
        ('{{ GetAllInterfaces | include "rfc" "4193" | attr "name" }}', ""),
        ('{{ GetAllInterfaces | include "name" "eth1" | attr "octets" }}', "192 168 7 1"),
        ('{{ GetAllInterfaces | include "name" "none" | attr "address" }}', ""),
        ("no template", "no template"),
        ("a {{- GetPrivateIP -}} b", "a10.1.2.3b"),
        ('{{ "}}" }}', "}}"),
    ],
)  # fmt: skip
def test_the_office_has_these_addresses(template: str, expected: str) -> None:
    assert expand(template, OFFICE) == expected


@given(st.text(alphabet='{}|()"`-+ \\GetPrivateIPattrname0123456789/*', max_size=60))
def test_any_text_is_expanded_or_refused(text: str) -> None:
    try:
        expanded = expand(text, MACHINE)
    except TemplateProblem:
        assert is_template(text)
    else:
        assert is_template(text) or expanded == text
