from requests import Response

class JSONAdapter:
    def request(
        self,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        raise_exception: bool = True,
        *,
        json: object = None,
    ) -> object | Response: ...
    def close(self) -> None: ...
