"""The parts of google-re2 that the agent calls."""

class error(Exception): ...

class Options:
    log_errors: bool
    max_mem: int

class _Match: ...

class Pattern:
    def search(self, text: str) -> _Match | None: ...

def compile(pattern: str, options: Options | None = None) -> Pattern: ...
