"""Checks of what answers over HTTP."""

from typing import Any

from neo.cli.doctor.findings import Finding, fine, problem

ANSWER_SECONDS = 5.0
SUCCESS = 200


async def check_api(url: str) -> list[Finding]:
    status, body = await fetch(f"{url}/public-api/ready")
    if status != SUCCESS:
        error = body.get("error", {})
        said = f"{url} is not ready: {error.get('message', f'status {status}')}"
        return [problem("api", said, "look into the server's log")]
    down = [f"{name}: {state}" for name, state in body["data"]["parts"].items() if state != "up"]
    if down:
        return [problem("api", f"{url} is degraded: {', '.join(down)}.", "look into the server's log")]
    return [fine("api", f"{url} is ready.")]


async def fetch(url: str) -> tuple[int, dict[str, Any]]:
    import httpx2  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    async with httpx2.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
        answer = await client.get(url)
    try:
        body = answer.json()
    except ValueError:
        body = {}
    return answer.status_code, body if isinstance(body, dict) else {}
