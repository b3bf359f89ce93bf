"""The headers that a connection's requests sign in with."""

from neo.connections.target import Bearer, ClientCredentials, Header, Target
from neo.connections.tokens import Tokens
from neo.kit import without


class SignIn:
    def __init__(self, target: Target, tokens: Tokens) -> None:
        self._target = target
        self._tokens = tokens
        self._tokens_seen: set[str] = set()

    @property
    def can_renew(self) -> bool:
        return isinstance(self._target.auth, ClientCredentials)

    async def headers(self, refused: dict[str, str] | None = None) -> dict[str, str]:
        """With a fresh token in them where the last ones were refused. Raises `TokenRefused`, and what `Egress`
        raises.
        """
        match self._target.auth:
            case Bearer(token=token):
                return _bearer(token.reveal())
            case Header(name=name, value=value):
                return {name.lower(): value.reveal()}
            case ClientCredentials() as credentials:
                last = refused["authorization"].removeprefix("Bearer ") if refused else None
                target = self._target
                fetched = await self._tokens.get(target.tenant, target.connection, credentials, last)
                self._tokens_seen.add(fetched)
                return _bearer(fetched)
        return {}

    def hidden_in(self, text: str) -> str:
        """The text without anything that was signed in with."""
        for secret in self._target.secrets():
            text = secret.hidden_in(text)
        return without(text, self._tokens_seen)


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}
