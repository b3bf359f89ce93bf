"""Checks of the other engines: Valkey and Temporal."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from neo.cli.doctor.findings import Finding, fine, problem, warning
from neo.settings import plain

if TYPE_CHECKING:
    from temporalio.client import Client

    from neo.settings import Settings
    from neo.streams import Valkey

Trouble = Callable[[str, str, str], Finding]

LOOK_AT_TEMPORAL = "look whether it is up, and whether NEO_TEMPORAL_ADDRESS is right"
KEEPS_EVERYTHING = "noeviction"


async def check_valkey(valkey: "Valkey", *, is_ours: bool) -> list[Finding]:
    facts = await valkey.info("everything")
    version = facts.get("valkey_version") or facts.get("redis_version")
    product = "Valkey" if "valkey_version" in facts else "Redis"
    # A lost stream is replayed from PostgreSQL, so an external Valkey may run without a log; the embedded one must not.
    trouble = problem if is_ours else warning
    return [
        fine("valkey", f"{product} {version} answers."),
        await _check_persistence(valkey, facts, trouble),
        _check_memory(facts, trouble),
    ]


async def _check_persistence(valkey: "Valkey", facts: Mapping[str, str], trouble: Trouble) -> Finding:
    name, advice = "valkey persistence", "set appendonly yes and appendfsync everysec"
    if facts.get("aof_enabled") != "1":
        return trouble(name, "appendonly is off: a restart makes open tails start over.", advice)
    when = await _append_fsync(valkey)
    if when == "no":
        return trouble(name, "appendfsync is no: a power cut makes open tails start over.", advice)
    return fine(name, f"The append-only file is on, and synced {when or 'by a rule that it does not name'}.")


async def _append_fsync(valkey: "Valkey") -> str | None:
    from neo.streams import StreamsUnavailable  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    try:
        found: list[bytes] = await valkey.call("CONFIG", "GET", "appendfsync")
    except StreamsUnavailable:
        # Rented servers refuse CONFIG.
        return None
    return found[1].decode() if found else None


def _check_memory(facts: Mapping[str, str], trouble: Trouble) -> Finding:
    policy = facts.get("maxmemory_policy", "unknown")
    if policy == KEEPS_EVERYTHING:
        return fine("valkey memory", "Nothing is dropped to make room.")
    said = f"maxmemory-policy is {policy}: live streams can be dropped to make room."
    return trouble("valkey memory", said, f"set maxmemory-policy {KEEPS_EVERYTHING}")


async def check_temporal(settings: "Settings") -> list[Finding]:
    from temporalio.api.workflowservice.v1 import GetSystemInfoRequest  # noqa: PLC0415
    from temporalio.client import Client  # noqa: PLC0415

    chosen = settings.temporal
    try:
        client = await Client.connect(
            chosen.temporal_address or "",
            namespace=chosen.temporal_namespace,
            tls=chosen.temporal_tls,
            api_key=plain(chosen.temporal_api_key),
        )
    except RuntimeError:
        # The error's message comes from the Rust core and has several lines.
        return [problem("temporal", f"{chosen.temporal_address} does not answer.", LOOK_AT_TEMPORAL)]
    version = (await client.workflow_service.get_system_info(GetSystemInfoRequest())).server_version
    if not await _has_namespace(client):
        step = f"temporal operator namespace create --namespace {client.namespace}"
        return [problem("temporal", f"Temporal {version} has no namespace {client.namespace}.", step)]
    said = f"Temporal {version} answers and has the namespace {client.namespace}."
    return [fine("temporal", said), await _check_worker(client, chosen.temporal_task_queue)]


async def _has_namespace(client: "Client") -> bool:
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest  # noqa: PLC0415
    from temporalio.service import RPCError, RPCStatusCode  # noqa: PLC0415

    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


async def _check_worker(client: "Client", task_queue: str) -> Finding:
    from temporalio.api.enums.v1 import TaskQueueType  # noqa: PLC0415
    from temporalio.api.taskqueue.v1 import TaskQueue  # noqa: PLC0415
    from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest  # noqa: PLC0415

    asked = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    if (await client.workflow_service.describe_task_queue(asked)).pollers:
        return fine("worker", f"Workflows are taken from {task_queue}.")
    # Turns run without it: they are claimed from PostgreSQL.
    said = f"Nobody takes workflows from {task_queue}, so that Temporal supervises no turn."
    return warning("worker", said, "start `neo worker`, or look into its log why it cannot reach Temporal")
