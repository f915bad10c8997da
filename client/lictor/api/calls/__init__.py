"""What can be asked of an agent: one module an area of the HTTP API, one function a call. Pure."""

__all__: list[str] = []
