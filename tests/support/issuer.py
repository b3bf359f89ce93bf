"""An identity provider on this machine: real HTTP, counted, and as faulty as it is told to be."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

import uvicorn
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from neo.access import EntraRules, EntraVerifier, KeySource, SigningKeys
from neo.cli.dev_issuer.tokens import AUDIENCE, CLIENT_ID, TokenRequest, claims, metadata
from support.ports import free_port

TID = UUID("7e4a47f1-0000-4000-8000-0000000000a1")
OTHER_TID = UUID("7e4a47f1-0000-4000-8000-0000000000b2")
OID = UUID("0b1ec7ed-0000-4000-8000-000000000001")
V1_AUDIENCE = f"api://{AUDIENCE}"
V1_ISSUER = "https://sts.windows.net/{tenantid}/"
KEYS_PATH = "/common/discovery/v2.0/keys"
START_SECONDS_MAX = 10

Sign = Callable[[bytes], bytes]


@cache
def rsa_key(kid: str) -> RSAKey:
    """The same key for the same name: making one takes a tenth of a second."""
    return RSAKey.generate_key(parameters={"kid": kid})


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Issuer:
    url: str
    keys: list[dict[str, Any]] = field(default_factory=list)
    # What is answered instead of the keys.
    trouble: Callable[[], Response] | None = None
    # What is answered as the metadata, when it is not Entra's.
    metadata: Any = None
    key_requests: int = 0
    stray_requests: int = 0
    # Clear, and the keys are not answered.
    answers: threading.Event = field(default_factory=threading.Event)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """As at the start, for the next test."""
        self.trouble, self.metadata, self.clock = None, None, Clock()
        self.key_requests, self.stray_requests = 0, 0
        self.answers.set()
        self.keys = [self.jwk("good")]

    def jwk(self, kid: str, /, **more: Any) -> dict[str, Any]:
        issuer = metadata(self.url)["issuer"]
        return {
            **rsa_key(kid).as_dict(private=False, use="sig", alg="RS256", issuer=issuer),
            **more,
        }

    def verifier(self, **changes: Any) -> EntraVerifier:
        rules = {
            "audience": str(AUDIENCE),
            "client_ids": frozenset({str(CLIENT_ID)}),
            "scope": "access_as_user",
            "v1_audience": None,
            "v1_issuer": V1_ISSUER,
            **changes,
        }
        return EntraVerifier(EntraRules(**rules), SigningKeys(self.source, clock=self.clock))

    @property
    def source(self) -> KeySource:
        return KeySource(f"{self.url}/common/v2.0/.well-known/openid-configuration")

    def claims(self, *without: str, **changes: Any) -> dict[str, Any]:
        said = claims(TokenRequest(tid=TID, oid=OID, name="Ada", email="ada@example.com"), self.url)
        return {name: value for name, value in said.items() if name not in without} | changes

    def v1_claims(self, *without: str, **changes: Any) -> dict[str, Any]:
        issuer = V1_ISSUER.replace("{tenantid}", str(TID))
        v1 = {"ver": "1.0", "iss": issuer, "aud": V1_AUDIENCE, "appid": str(CLIENT_ID)}
        return self.claims("azp", "azpacr", *without, **{**v1, **changes})

    def environment(self) -> dict[str, str]:
        """The settings of a server that believes this issuer."""
        return {
            "NEO_ENTRA_AUDIENCE": str(AUDIENCE),
            "NEO_ENTRA_CLIENT_IDS": str(CLIENT_ID),
            "NEO_ENTRA_METADATA_URL": f"{self.url}/common/v2.0/.well-known/openid-configuration",
        }

    def token(self, *without: str, kid: str = "good", **changes: Any) -> str:
        """A token like Entra's, of the key that is published, but for these claims."""
        return compact({"kid": kid}, self.claims(*without, **changes), kid=kid)


def compact(
    header: dict[str, Any] | bytes, said: dict[str, Any] | str, *, kid: str = "good", sign: Sign | None = None
) -> str:
    """Whatever header over whatever claims, signed with RS256 by the named key unless told otherwise."""
    if isinstance(header, dict):
        header = json.dumps({"typ": "JWT", "alg": "RS256", **header}).encode()
    text = said if isinstance(said, str) else json.dumps(said)
    signed = f"{b64(header)}.{b64(text.encode())}"
    return f"{signed}.{b64((sign or rs256(kid))(signed.encode()))}"


def rs256(kid: str) -> Sign:
    private = rsa_key(kid).private_key
    assert private is not None
    return lambda signed: private.sign(signed, padding.PKCS1v15(), SHA256())


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@contextmanager
def issuer_running() -> Iterator[Issuer]:
    port = free_port()
    issuer = Issuer(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(_app(issuer), port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    give_up_at = time.monotonic() + START_SECONDS_MAX
    while not server.started and time.monotonic() < give_up_at:
        time.sleep(0.005)
    try:
        yield issuer
    finally:
        issuer.answers.set()
        server.should_exit = True
        thread.join()


def _app(issuer: Issuer) -> Starlette:
    async def describe(_: Request) -> Response:
        return JSONResponse(issuer.metadata or metadata(issuer.url))

    # Not a coroutine: it may wait, in a thread.
    def publish(_: Request) -> Response:
        issuer.key_requests += 1
        issuer.answers.wait(START_SECONDS_MAX)
        return issuer.trouble() if issuer.trouble else JSONResponse({"keys": issuer.keys})

    async def stray(_: Request) -> Response:
        issuer.stray_requests += 1
        return JSONResponse({"keys": issuer.keys})

    return Starlette(
        routes=[
            Route("/common/v2.0/.well-known/openid-configuration", describe),
            Route(KEYS_PATH, publish),
            Route("/{path:path}", stray),
        ]
    )
