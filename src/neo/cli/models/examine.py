"""Checks of the models: that each tier's and each listed one can be called, and which agents name one that is gone."""

import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from uuid import UUID

from neo.cli.doctor.answers import fetch
from neo.cli.doctor.findings import Finding, State, fine, problem, skipped, warning
from neo.errors import Failure

if TYPE_CHECKING:
    from neo.db import Database
    from neo.llm import ModelEntry
    from neo.settings import ModelSettings, Settings

AGENTS = "agents' models"
CORRECT = "correct it; docs/models.md has all keys"
# Neo runs the servers of these models; their health is checked without paying for an answer.
OWN_MODELS = {"local": "local_model_url", "scripted": "scripted_model_url"}
SUCCESS = 200
NAMED = "SELECT id, model FROM agents WHERE model IS NOT NULL AND deleted_at IS NULL ORDER BY id"
# So many are named; the operator finds the others by the same words in their answers.
SHOWN_MAX = 10


async def check_models(settings: "Settings", *, is_served: bool) -> list[Finding]:
    """Check that the file is right, that each key is where it refers to, and that Neo's own model servers answer."""
    from neo.llm import Tier  # noqa: PLC0415 - imports of seconds stay out of `--help`.
    from neo.resources import open_models  # noqa: PLC0415

    if is_served and not _name_a_model(settings.models):
        return [skipped("models", "The server has one that this shell's settings do not name.")]
    listed = _check_file(settings.models)
    if any(finding.state is not State.OK for finding in listed):
        return listed
    models = open_models(settings.models)
    try:
        tiers = [
            await _check_tier(tier, models.list.of_tier(tier), settings, is_served=is_served) for tier in Tier
        ]
    finally:
        await models.aclose()
    return [*listed, *tiers]


async def check_agents(owner: "Database", settings: "ModelSettings") -> list[Finding]:
    from neo.resources import open_models  # noqa: PLC0415

    if not _name_a_model(settings):
        return [skipped(AGENTS, "This shell's settings name no model.")]
    try:
        models = open_models(settings)
    except Failure:
        return [skipped(AGENTS, "The models are not set up.")]
    gone = [
        f"agent {agent_id} of tenant {tenant_id} (`{model}`)"
        async for tenant_id, agent_id, model in _named(owner)
        if not models.list.is_known(model)
    ]
    if not gone:
        return [fine(AGENTS, "Each agent's model is one that this server has.")]
    shown = ", ".join(gone[:SHOWN_MAX])
    more = f", and {len(gone) - SHOWN_MAX} more" if len(gone) > SHOWN_MAX else ""
    said = f"The model of {len(gone)} agents went away, so their turns fail: {shown}{more}."
    return [warning(AGENTS, said, "list the model again, or give these agents another")]


async def _named(owner: "Database") -> AsyncIterator[tuple[UUID, int, str]]:
    """Agents with a model of their own. Their rows are seen one tenant at a time, also by the owner's role."""
    from sqlalchemy import text  # noqa: PLC0415

    from neo.tenants import all_tenants  # noqa: PLC0415

    async with owner.without_tenant() as connection:
        tenants = await all_tenants(connection)
    for tenant in tenants:
        async with owner.transaction(tenant.id) as db:
            found = (await db.execute(text(NAMED))).all()
        for row in found:
            yield tenant.id, row.id, row.model


def _name_a_model(settings: "ModelSettings") -> bool:
    return bool(settings.model_fast or settings.model_smart or settings.models_file)


def _check_file(settings: "ModelSettings") -> list[Finding]:
    from neo.llm import ModelsFileInvalid, read_models_file, unresolved  # noqa: PLC0415
    from neo.resources import provider_settings  # noqa: PLC0415

    if settings.models_file is None:
        return []
    try:
        file = read_models_file(settings.models_file)
    except ModelsFileInvalid as failure:
        return [problem("models file", failure.message, CORRECT)]
    mistakes = unresolved(file, provider_settings(settings), os.environ)
    return [
        problem(f"model {name}", mistakes[name], CORRECT)
        if name in mistakes
        else fine(f"model {name}", "Its address is known, and its key, if it has one.")
        for name in file.entries
    ]


async def _check_tier(tier: str, entry: "ModelEntry", settings: "Settings", *, is_served: bool) -> Finding:
    name, said = f"model {tier}", f"{entry.name} is set up."
    setting = OWN_MODELS.get(entry.provider.partition("-")[0])
    if setting is None:
        return fine(name, said)
    if not is_served:
        return skipped(name, f"{said} Its server is not running.")
    url = str(getattr(settings.models, setting))
    status, _ = await fetch(f"{url.rstrip('/').removesuffix('/v1')}/health")
    if status == SUCCESS:
        return fine(name, f"{said} Its server answers.")
    return problem(name, f"{said} Its server at {url} answers {status}.", "look into the model's log")
