"""What stands in a path of an agent: its id, and the number of one of its versions."""

import re
from typing import Annotated

from fastapi import Depends

from neo.agents.errors import AgentNotFound

# As many digits as a bigint has for certain.
NUMBER = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


async def known_agent_id(agent_id: str) -> int:
    if not NUMBER.fullmatch(agent_id):
        raise AgentNotFound("No such agent.")
    return int(agent_id)


AgentId = Annotated[int, Depends(known_agent_id)]
