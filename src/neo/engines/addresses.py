"""Where the engines answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the engines answer; an address is empty when its engine was not asked for."""

    database_url: str = ""
    database_owner_url: str = ""
    redis_url: str = ""
    temporal_address: str = ""
    local_model_url: str = ""
    scripted_model_url: str = ""
    scripted_mcp_url: str = ""
    url: str = ""
    # A live view: after a restart it has the new pid.
    pids: Mapping[str, int] = field(default_factory=dict, compare=False)
