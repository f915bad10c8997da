fuse_version_major: int
fuse_version_minor: int

class FileInfo:
    fh: int

class FilePointer:
    """False when the call names no open file."""

    contents: FileInfo
    def __bool__(self) -> bool: ...

class FUSE:
    def __init__(self, operations: object, mountpoint: str, **options: object) -> None: ...
