"""What the database is told when it is asked whether a call may be dispatched."""

from dataclasses import dataclass

import orjson

from neo.access import MINTING_ROLES, TALKING_ROLES


@dataclass(frozen=True, slots=True)
class DispatchRules:
    """Most calls within an hour that may write; 0 is no bound. Those of sessions of no company are counted as one's."""

    writes_hour_company: int = 0
    writes_hour_company_advanced: int = 0
    writes_hour_connection: int = 0

    def as_json(self) -> str:
        return orjson.dumps(
            {
                "writes_hour_company": self.writes_hour_company,
                "writes_hour_company_advanced": self.writes_hour_company_advanced,
                "writes_hour_connection": self.writes_hour_connection,
                # Who may talk and mint is one table, and not the database's.
                "talking_roles": TALKING_ROLES,
                "minting_roles": MINTING_ROLES,
            }
        ).decode()
