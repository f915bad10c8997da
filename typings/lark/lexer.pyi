class Token(str):
    type: str
    start_pos: int | None
