"""What is said of TLS, door by door."""

from lictor_config.tls import DoorTls, Tls


def test_a_certificate_needs_its_key() -> None:
    assert DoorTls(cert_file="c", key_file="k").has_certificate
    assert not DoorTls(cert_file="c").has_certificate
    assert not DoorTls(key_file="k").has_certificate


def test_a_file_and_a_directory_are_each_a_ca() -> None:
    assert DoorTls(ca_file="a").has_ca
    assert DoorTls(ca_path="a").has_ca
    assert not DoorTls().has_ca


def test_a_key_is_told_where_it_was_said_and_two_doors_are_alike_wherever_that_was() -> None:
    door = DoorTls(ca_file="a", said={"ca_file": "tls.https.ca_file"})
    assert (door.key("ca_file"), door.key("cert_file")) == ("tls.https.ca_file", "cert_file")
    assert door == DoorTls(ca_file="a")


def test_there_are_three_doors() -> None:
    tls = Tls(internal_rpc=DoorTls(ca_file="1"), https=DoorTls(ca_file="2"), grpc=DoorTls(ca_file="3"))
    assert [door.ca_file for door in tls.doors] == ["1", "2", "3"]
