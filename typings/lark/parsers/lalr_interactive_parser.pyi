from collections.abc import Iterator

from lark.lexer import Token

class InteractiveParser:
    def iter_parse(self) -> Iterator[Token]: ...
    def accepts(self) -> set[str]: ...
