"""What a client of one connection has: where it leads, the way there, and whether its server is known to be down."""

from dataclasses import dataclass

from neo.connections.breaker import Breaker
from neo.connections.sign_in import SignIn
from neo.connections.target import Target
from neo.egress import Bounds, Egress


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    target: Target
    egress: Egress
    sign_in: SignIn
    breaker: Breaker

    @property
    def bounds(self) -> Bounds:
        return Bounds(answer_bytes=self.target.answer_bytes)
