"""Who asked, as far as whoever reads it may know."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Author, CallerKind, Principal
from neo.sessions.models import ChatSession

# Each kind of author has its names in a table of its own. A service account is called as the key that it used.
NAMES = text("""
SELECT 'service_account' AS kind, id, name FROM api_keys WHERE tenant_id = :tenant_id AND id = ANY(:ids)
UNION ALL
SELECT 'technician', user_id, coalesce(name, email) FROM technicians
WHERE tenant_id = :tenant_id AND user_id = ANY(:ids)
UNION ALL
SELECT 'end_user', jti, coalesce(nullif(end_user, ''), nullif(end_user_email, '')) FROM session_tokens
WHERE tenant_id = :tenant_id AND jti = ANY(:ids)
""")


@dataclass(frozen=True)
class ShownAuthor:
    kind: CallerKind
    id: UUID | None
    name: str | None


class AuthorStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def shown_to(
        self, caller: Principal, session: ChatSession, authors: Iterable[Author | None]
    ) -> dict[Author, ShownAuthor]:
        """The authors of one session's messages. Accounts have an id and a name for callers of their own tenant only,
        who are no end users; an end user is named to whoever reads the session.
        """
        known = {author for author in authors if author is not None}
        names = await self._names([author for author in known if _is_named_to(caller, author)])
        relayed_for = session.end_user or session.end_user_email
        return {
            author: ShownAuthor(
                author.kind,
                author.id if _is_colleague(caller, author) else None,
                relayed_for if author.kind is CallerKind.PLATFORM else names.get(author),
            )
            for author in known
        }

    async def _names(self, authors: list[Author]) -> dict[Author, str | None]:
        ids = [_named_by(author) for author in authors]
        if not ids:
            return {}
        rows = await self._db.execute(NAMES, {"tenant_id": self._tenant_id, "ids": ids})
        names = {(row.kind, row.id): row.name for row in rows}
        return {author: names.get((author.kind, _named_by(author))) for author in authors}


def _is_named_to(caller: Principal, author: Author) -> bool:
    return author.kind is CallerKind.END_USER or _is_colleague(caller, author)


def _is_colleague(caller: Principal, author: Author) -> bool:
    """Whether the author's account belongs to the caller's own tenant. An end user belongs to none."""
    return caller.kind is not CallerKind.END_USER and caller.home_tenant_id == author.tenant_id


def _named_by(author: Author) -> UUID | None:
    return author.id if author.kind is CallerKind.TECHNICIAN else author.credential_id
