from requests import Session

from hvac.adapters import JSONAdapter

class Client:
    def __init__(
        self,
        url: str,
        token: str,
        *,
        verify: bool | str = True,
        cert: tuple[str, str] | None = None,
        timeout: float = 30,
        session: Session | None = None,
        namespace: str | None = None,
    ) -> None: ...
    @property
    def adapter(self) -> JSONAdapter: ...
