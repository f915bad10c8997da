"""The parts of google-re2 that the agent calls."""

class error(Exception): ...

class Options:
    log_errors: bool
    max_mem: int
    never_capture: bool

class _Match:
    def group(self, group: int) -> str | None: ...
    def groups(self) -> tuple[str | None, ...]: ...

class Pattern:
    def search(self, text: str | bytes) -> _Match | None: ...

def compile(pattern: str | bytes, options: Options | None = None) -> Pattern: ...
