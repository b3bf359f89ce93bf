"""Checks of what answers over HTTP: the models' servers and the API."""

from typing import TYPE_CHECKING, Any

from neo.cli.doctor.findings import Finding, fine, problem, skipped

if TYPE_CHECKING:
    from neo.llm import ChosenModel
    from neo.settings import Settings

# Neo runs the servers of these models; their health is checked without paying for an answer.
OWN_MODELS = {"local": "local_model_url", "scripted": "scripted_model_url"}
ANSWER_SECONDS = 5.0
SUCCESS = 200


async def check_models(settings: "Settings", *, is_served: bool) -> list[Finding]:
    """Check that each tier's model is configured, and that the model servers which Neo runs itself answer."""
    from neo.llm import Tier  # noqa: PLC0415 - imports of seconds stay out of `--help`.
    from neo.resources import open_resources  # noqa: PLC0415

    if is_served and not (settings.models.model_fast or settings.models.model_smart):
        return [skipped("models", "The server has one that this shell's settings do not name.")]
    resources = open_resources(settings)
    try:
        chosen = {tier: resources.models.choose(tier, None, None) for tier in Tier}
        return [
            await _check_model(tier, model, settings, is_served=is_served) for tier, model in chosen.items()
        ]
    finally:
        await resources.aclose()


async def _check_model(tier: str, model: "ChosenModel", settings: "Settings", *, is_served: bool) -> Finding:
    name, said = f"model {tier}", f"{model.provider}:{model.name} is set up."
    setting = OWN_MODELS.get(model.provider.partition("-")[0])
    if setting is None:
        return fine(name, said)
    if not is_served:
        return skipped(name, f"{said} Its server is not running.")
    url = str(getattr(settings.models, setting))
    status, _ = await _get(f"{url.rstrip('/').removesuffix('/v1')}/health")
    if status == SUCCESS:
        return fine(name, f"{said} Its server answers.")
    return problem(name, f"{said} Its server at {url} answers {status}.", "look into the model's log")


async def check_api(url: str) -> list[Finding]:
    status, body = await _get(f"{url}/public-api/ready")
    if status != SUCCESS:
        error = body.get("error", {})
        said = f"{url} is not ready: {error.get('message', f'status {status}')}"
        return [problem("api", said, "look into the server's log")]
    down = [f"{name}: {state}" for name, state in body["data"]["parts"].items() if state != "up"]
    if down:
        return [problem("api", f"{url} is degraded: {', '.join(down)}.", "look into the server's log")]
    return [fine("api", f"{url} is ready.")]


async def _get(url: str) -> tuple[int, dict[str, Any]]:
    import httpx2  # noqa: PLC0415

    async with httpx2.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
        answer = await client.get(url)
    try:
        body = answer.json()
    except ValueError:
        body = {}
    return answer.status_code, body if isinstance(body, dict) else {}
