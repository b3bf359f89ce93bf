"""docs/relay.md, pasted block by block into a shell."""

import asyncio
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from support.server import Server

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "relay.md").read_text()
SECONDS = 240


@pytest.mark.timeout(SECONDS + 30)
async def test_an_operator_follows_the_relays_page(server: Server) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not on this machine, and the page's lines use it")
    blocks = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEO_")}

    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        "\necho; echo ---\n".join(blocks),
        cwd=ROOT,
        env={**clean, "API": server.url, "NEO_DATA_DIR": str(server.data)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(shell.communicate(), SECONDS)

    assert shell.returncode == 0, out.decode()[-3000:]
    said = out.decode().split("---\n")
    resolved = json.loads(said[6])["data"]
    assert (resolved["route"], resolved["end_company_id"]) == ("WHITE_LABEL", "1001")
    assert '"type":"text-delta"' in said[7]
    assert said[7].rstrip().endswith("data: [DONE]")
