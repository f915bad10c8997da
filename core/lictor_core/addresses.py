"""Host and port as one text, the same wherever people read it."""

__all__ = ["join_host_port"]


def join_host_port(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
