import pytest

from audit.chain import Chain
from support.rows import Rows


@pytest.fixture
async def chain(rows: Rows) -> Chain:
    """The audit log of a new tenant: its creation and three changes, two of them with details."""
    chain = Chain(rows, (await rows.tenant("A tenant with a chain")).id)
    await chain.add(details={"fields": ["name"]})
    await chain.add(end_user="zoe@example.com")
    await chain.add()
    return chain
