fuse_version_major: int
fuse_version_minor: int

class FUSE:
    def __init__(self, operations: object, mountpoint: str, **options: object) -> None: ...
