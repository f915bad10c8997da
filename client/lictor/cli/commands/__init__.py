"""One module for each first word of the command line; each offers it as `command`."""

__all__: list[str] = []
