"""What one stage of the server remembers: its script, its tools, and what was asked of it."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from time import time
from typing import Any
from uuid import uuid4

from neo.engines.scripted_mcp.definitions import DEFINITIONS
from neo.engines.scripted_mcp.script import Fault, Script

# The newest of them, so that a benchmark of hours does not fill the memory.
CALLS_MAX = 10_000
STAGES_MAX = 1_000
# Other callers than these are counted together: a header from outside must not fill the memory either.
AUTHORIZATIONS_MAX = 1_000


@dataclass(slots=True)
class Call:
    """A call of a tool, as it was received."""

    number: int
    tool: str
    arguments: Any
    key: str | None
    key_from: str | None
    company: dict[str, Any]
    authorization: str | None
    traceparent: str | None
    began_at: float = field(default_factory=time)
    ended_at: float | None = None
    is_effect: bool = False
    """Whether it changed something: a repeated key changes nothing."""
    is_cancelled: bool = False


class Stage:
    def __init__(self, script: Script) -> None:
        self.first_script = script
        self.script = script
        self.tools: dict[str, dict[str, Any]] = {}
        self.calls: deque[Call] = deque(maxlen=CALLS_MAX)
        self.authorizations: Counter[str] = Counter()
        self.methods: Counter[str] = Counter()
        self.connections: set[int] = set()
        self.sessions: set[str] = set()
        self.tokens: dict[str, float] = {}
        self.keyed: dict[str, dict[str, Any]] = {}
        self.running: dict[tuple[str | None, Any], asyncio.Future[Any]] = {}
        """The calls that run, by session and id of the request: in the older protocols a message takes one back."""
        self.requests = 0
        self._faults = 0
        self._received = 0
        self._news = asyncio.Event()
        self.reset()

    def reset(self) -> None:
        self.script = self.first_script
        self.tools = {tool["name"]: dict(tool) for tool in DEFINITIONS}
        for kept in (self.calls, self.authorizations, self.methods, self.connections, self.sessions):
            kept.clear()
        self.tokens.clear()
        self.keyed.clear()
        self.requests = self._faults = self._received = 0

    def note_request(self, connection: int, authorization: str | None) -> None:
        self.requests += 1
        self.connections.add(connection)
        given = authorization or ""
        if given in self.authorizations or len(self.authorizations) < AUTHORIZATIONS_MAX:
            self.authorizations[given] += 1

    def note_call(self, call: Mapping[str, Any]) -> Call:
        self._received += 1
        noted = Call(number=self._received, **call)
        self.calls.append(noted)
        self._news.set()
        self._news = asyncio.Event()
        return noted

    def set_script(self, script: Script) -> None:
        self.script, self._faults = script, 0

    def fault(self, method: str, tool: str | None) -> Fault | None:
        """The fault that this request meets, if the script has one for it and it is not used up."""
        fault = self.script.fault
        if fault is None or not fault.meets(method, tool):
            return None
        self._faults += 1
        return fault if fault.times is None or self._faults <= fault.times else None

    async def wait_for_calls(self, number: int, seconds: float) -> None:
        """Return once so many calls were received, or after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                while self._received < number:
                    await self._news.wait()
        except TimeoutError:
            return

    def open_session(self) -> str:
        session = uuid4().hex
        self.sessions.add(session)
        return session

    def issue_token(self) -> str:
        token = f"issued-{uuid4().hex}"
        self.tokens[token] = time() + self.script.token_seconds
        return token

    def accepts(self, authorization: str | None) -> bool:
        """Whether the script lets a caller with this header in."""
        scheme, _, token = (authorization or "").partition(" ")
        if not self.script.clients and not self.script.tokens:
            return True
        is_given = token in self.script.tokens or self.tokens.get(token, 0.0) > time()
        return scheme.lower() == "bearer" and is_given

    def shown(self) -> dict[str, Any]:
        return {
            "script": asdict(self.script),
            "tools": list(self.tools.values()),
            "requests": self.requests,
            "calls": self._received,
            "connections": len(self.connections),
            "sessions": len(self.sessions),
            "methods": dict(self.methods),
            "authorizations": dict(self.authorizations),
        }

    def shown_calls(self, *, effects_only: bool) -> Iterator[dict[str, Any]]:
        return (asdict(call) for call in self.calls if call.is_effect or not effects_only)


class Stages:
    """Every name is a stage of its own, made at its first request."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._stages: dict[str, Stage] = {}

    def named(self, name: str) -> Stage:
        stage = self._stages.setdefault(name, Stage(self._script))
        while len(self._stages) > STAGES_MAX:
            self._stages.pop(next(iter(self._stages)))
        return stage
