from lark.lexer import Token

class UnexpectedInput(Exception):
    pos_in_stream: int | None

class UnexpectedToken(UnexpectedInput):
    token: Token
