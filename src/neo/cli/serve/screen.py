"""What `neo serve` shows: progress, and once everything is up a banner or one line of JSON."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from neo.engines.choose import LOCAL_CHOICE
from neo.engines.stack import Plan

LABELS = {
    "postgres": "PostgreSQL",
    "valkey": "Valkey",
    "temporal": "Temporal",
    "model": "local model",
    "scripted": "scripted model",
    "scripted-mcp": "scripted MCP",
    "database": "migrations",
    "server": "API and worker",
}
LABEL_WIDTH = 16
# API and worker are one process, and are listed by both names.
SERVER_ROLES = ("api", "worker")


@dataclass(frozen=True)
class FirstTenant:
    """`api_key` is None when the tenant was there before: a key is shown once."""

    tenant_id: UUID
    api_key: str | None


class Screen:
    """With JSON, standard output carries the one line and nothing else."""

    def __init__(self, *, is_json: bool) -> None:
        self._is_json = is_json

    def came_up(self, name: str, seconds: float) -> None:
        self._say(f"  {LABELS.get(name, name):{LABEL_WIDTH}} up after {seconds:5.2f} s")

    def healthy(
        self, plan: Plan, tenant: FirstTenant, pids: Mapping[str, int], models: tuple[str, str], chat: str
    ) -> None:
        """`models` are those of the tiers FAST and SMART; `chat` is the command that talks to this server."""
        if self._is_json:
            print(json.dumps(_record(plan, tenant, pids)), flush=True)  # noqa: T201
        else:
            self._say(_banner(plan, tenant, models, chat))

    def stopping(self) -> None:
        self._say("Stopping: running turns may finish first. Ctrl-C again stops at once.")

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr if self._is_json else sys.stdout, flush=True)


def _record(plan: Plan, tenant: FirstTenant, pids: Mapping[str, int]) -> dict[str, object]:
    roles = {role: pids["server"] for role in SERVER_ROLES if "server" in pids}
    return {
        "url": plan.addresses.url,
        "tenant_id": str(tenant.tenant_id),
        "api_key": tenant.api_key,
        "pids": {"serve": os.getpid(), **pids, **roles},
    }


def _banner(plan: Plan, tenant: FirstTenant, models: tuple[str, str], chat: str) -> str:
    url, key = plan.addresses.url, _short(plan.folder.key)
    scripted_mcp = plan.addresses.scripted_mcp_url
    tools = f"\n  Tools      {scripted_mcp}, to try" if scripted_mcp else ""
    shown = f"{tenant.api_key}\n             (shown once; also in {key})" if tenant.api_key else f"in {key}"
    return f"""
Neo is ready at {url}

  API key    {shown}
  Models     {_model_words(*models)}
  Reference  {url}/docs
  Logs       {_short(plan.folder.logs)}{tools}

Talk to it, in another terminal:

  {chat}

or step by step:

  KEY=$(cat {key})
  SESSION=$(curl -s {url}/public-api/chat/sessions \\
    -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\
    -d '{{"managed_agent_key": "NEO_SUPPORT"}}' \\
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["data"]["id"])')
  curl -s {url}/public-api/chat/sessions/$SESSION/messages \\
    -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\
    -d '{{"message": "Hello, who are you?"}}'
  curl -N {url}/public-api/chat/sessions/$SESSION/events -H "Authorization: Bearer $KEY"

Ctrl-C stops everything.
"""


def _model_words(fast: str, smart: str) -> str:
    if (fast, smart) != (LOCAL_CHOICE, LOCAL_CHOICE):
        return f"FAST {fast}, SMART {smart}"
    return (
        "SmolLM2-135M, a very small local one, because no provider is configured.\n"
        "             For real answers set NEO_MODEL_FAST, e.g. openai:gpt-5.4-mini, and NEO_OPENAI_API_KEY."
    )


def _short(path: Path) -> Path:
    """The path as it is typed from the current folder."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
