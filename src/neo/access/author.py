from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from neo.access.principal import CallerKind, Principal


@dataclass(frozen=True, slots=True)
class Author:
    """Who asked, and with which credential, as it is stored: it outlives the request, the credential and the account.

    `tenant_id` is the account's own tenant, which differs from the row's where the platform acted for another one. An
    end user has no account, only the session token.
    """

    kind: CallerKind
    id: UUID | None
    tenant_id: UUID
    credential_id: UUID | None

    @classmethod
    def of(cls, caller: Principal) -> "Author":
        # The account of an end user's principal is whoever opened the session, and they did not ask.
        account_id = None if caller.kind is CallerKind.END_USER else caller.account_id
        return cls(caller.kind, account_id, caller.home_tenant_id, caller.credential_id)

    def columns(self) -> dict[str, Any]:
        return {
            "author_kind": self.kind.value,
            "author_id": self.id,
            "author_tenant_id": self.tenant_id,
            "credential_id": self.credential_id,
        }


class Authored:
    """The columns of a row that says who asked for it; all are null in rows from before they were recorded."""

    author_kind: Mapped[str | None] = mapped_column()
    author_id: Mapped[UUID | None] = mapped_column()
    author_tenant_id: Mapped[UUID | None] = mapped_column()
    credential_id: Mapped[UUID | None] = mapped_column()

    @property
    def author(self) -> Author | None:
        if self.author_kind is None or self.author_tenant_id is None:
            return None
        return Author(CallerKind(self.author_kind), self.author_id, self.author_tenant_id, self.credential_id)
