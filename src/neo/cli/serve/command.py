"""`neo serve`: engines, API and worker on one machine, until Ctrl-C."""

import asyncio
import contextlib
import os
import shlex
import signal
import time
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from neo.cli.serve.database import prepare_database
from neo.cli.serve.screen import FirstTenant, Screen
from neo.engines.choose import (
    MODEL_VARIABLES,
    choose_engines,
    models_file,
    server_environment,
    with_blob_folder,
    with_given,
)
from neo.engines.errors import EngineDidNotStart
from neo.engines.ports import refuse_taken_port
from neo.engines.processes.supervise import Supervisor, Watcher
from neo.engines.server import server_argv, server_part
from neo.engines.stack import Engine, Plan, planned, running

# A start that takes longer than this fails, and says which parts are not up.
HEALTHY_SECONDS = 60.0
DEFAULT_PORT, DEFAULT_DATA = 8600, Path(".neo")
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """The options of `neo serve`."""

    host: str
    port: int
    data: Path
    is_json: bool = False
    has_scripted_mcp: bool = False
    # The server's command line; tests start a stand-in instead.
    argv: tuple[str, ...] = ()
    environment: Mapping[str, str]


def serve(
    port: Annotated[int, typer.Option(help="Port of the API.", envvar="NEO_PORT")] = DEFAULT_PORT,
    host: Annotated[
        str, typer.Option(help="Address that the API listens on.", envvar="NEO_HOST")
    ] = "127.0.0.1",
    data: Annotated[Path, typer.Option(help="Data folder.", envvar="NEO_DATA_DIR")] = DEFAULT_DATA,
    *,
    is_json: Annotated[bool, typer.Option("--json", help="One JSON line when healthy, for scripts.")] = False,
    has_scripted_mcp: Annotated[
        bool,
        typer.Option(
            "--scripted-mcp", help="Start an MCP server to try tools with, and let agents reach it."
        ),
    ] = False,
) -> None:
    """Run everything on this machine: engines, API and worker. Ctrl-C stops it all.

    PostgreSQL, Valkey and Temporal are started here unless NEO_DATABASE_URL, NEO_REDIS_URL and
    NEO_TEMPORAL_ADDRESS point elsewhere. Without NEO_MODEL_FAST a small local model answers.
    """
    _configure_logs_if_asked(os.environ)
    options = ServeOptions(
        host=host,
        port=port,
        data=data,
        is_json=is_json,
        has_scripted_mcp=has_scripted_mcp,
        environment=dict(os.environ),
    )
    asyncio.run(serve_until_stopped(options))


async def serve_until_stopped(options: ServeOptions) -> None:
    """Start everything, say so, and stop it in order on the first signal."""
    options = replace(options, environment=_accepted(options))
    refuse_taken_port(options.host, options.port)
    engines = choose_engines(options.environment, has_scripted_mcp=options.has_scripted_mcp)
    screen = Screen(is_json=options.is_json)
    with planned(options.data, engines) as engines_plan, _stop_signals() as stop:
        plan, environment = _with_server(engines_plan, options, engines)
        watcher = Watcher(came_up=screen.came_up)
        async with running(plan, watcher=watcher, stop_now=stop.now) as supervisor:
            tenant = await _unless(stop.asked, _become_healthy(supervisor, plan, environment, screen))
            if tenant is not None:
                screen.healthy(plan, tenant, supervisor.pids, _models(environment), _chat(options))
                await stop.asked.wait()
            screen.stopping()


def _accepted(options: ServeOptions) -> Mapping[str, str]:
    """The environment, with secrets in place of their files.

    What is refused here the server would refuse too: when the engines are already running, and again at each new start.
    """
    environment = options.environment
    if not any(variable.startswith("NEO_") for variable in environment):
        return environment
    # A tenth of a second of imports, which a start without settings does without.
    from neo.settings import SettingsInvalid, read_settings, with_secrets  # noqa: PLC0415

    if read_settings().server.is_strict and options.has_scripted_mcp:
        raise SettingsInvalid("The scripted MCP server is for development: leave `--scripted-mcp` out.")
    return with_secrets(environment)


def _with_server(
    plan: Plan, options: ServeOptions, engines: frozenset[Engine]
) -> tuple[Plan, dict[str, str]]:
    addresses = replace(with_given(plan.addresses, options.environment), url=_url(options))
    secret_key = options.environment.get("NEO_SECRET_KEY") or plan.folder.secret()
    environment = server_environment(options.environment, addresses, secret_key, engines)
    environment = with_blob_folder(environment, plan.folder.blobs)
    argv = options.argv or server_argv(options.host, options.port)
    server = server_part(plan.folder, argv, environment, host=options.host, port=options.port)
    return Plan(plan.folder, (*plan.parts, server), addresses), environment


async def _become_healthy(
    supervisor: Supervisor, plan: Plan, environment: Mapping[str, str], screen: Screen
) -> FirstTenant:
    database = asyncio.create_task(_prepare(supervisor, plan, environment, screen))
    parts = [asyncio.create_task(supervisor.up(part.name)) for part in plan.parts]
    try:
        async with asyncio.timeout(HEALTHY_SECONDS):
            # The first failure ends the wait: it names its part, while the others would only time out.
            await asyncio.gather(database, *parts)
            return database.result()
    except TimeoutError as late:
        raise _not_healthy(supervisor) from late
    finally:
        for task in (database, *parts):
            task.cancel()


async def _prepare(
    supervisor: Supervisor, plan: Plan, environment: Mapping[str, str], screen: Screen
) -> FirstTenant:
    tenant = await prepare_database(supervisor, plan, environment)
    screen.came_up("database", time.monotonic() - supervisor.started_at)
    return tenant


def _not_healthy(supervisor: Supervisor) -> EngineDidNotStart:
    down = supervisor.down()
    if not down:
        return EngineDidNotStart(f"The migrations did not end within {HEALTHY_SECONDS:.0f} s.")
    lines = "\n".join(f"{name}'s log ends:\n{supervisor.last_lines(name)}" for name in down)
    return EngineDidNotStart(f"Not up within {HEALTHY_SECONDS:.0f} s: {', '.join(down)}.\n{lines}")


@dataclass(frozen=True)
class _Stop:
    asked: asyncio.Event
    now: asyncio.Event

    def on_signal(self) -> None:
        if self.asked.is_set():
            self.now.set()
        self.asked.set()


@contextlib.contextmanager
def _stop_signals() -> Iterator[_Stop]:
    """The first signal asks for a stop, the second for a quick one."""
    stop = _Stop(asyncio.Event(), asyncio.Event())
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop.on_signal)
    try:
        yield stop
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


async def _unless(asked: asyncio.Event, work: Coroutine[Any, Any, FirstTenant]) -> FirstTenant | None:
    """The work's result; None when a stop was asked for before the work was done."""
    working, asking = asyncio.create_task(work), asyncio.create_task(asked.wait())
    await asyncio.wait({working, asking}, return_when=asyncio.FIRST_COMPLETED)
    asking.cancel()
    if working.done():
        return working.result()
    working.cancel()
    await asyncio.wait({working})
    return None


def _models(environment: Mapping[str, str]) -> tuple[str, str]:
    """By name, what answers at FAST and at SMART. What is not named by a variable is what the file calls so."""
    file = models_file(environment)
    named = [environment.get(variable) for variable in MODEL_VARIABLES]
    fast, smart = named[0] or (file and file.fast), named[1] or (file and file.smart)
    return fast or smart or "", smart or fast or ""


def _chat(options: ServeOptions) -> str:
    """What talks to this server in another terminal."""
    port = "" if options.port == DEFAULT_PORT else f" PORT={options.port}"
    data = "" if options.data == DEFAULT_DATA else f" DATA={shlex.quote(str(options.data))}"
    return f"make chat{port}{data}"


def _url(options: ServeOptions) -> str:
    host = f"[{options.host}]" if ":" in options.host else options.host
    return f"http://{host}:{options.port}"


def _configure_logs_if_asked(environment: Mapping[str, str]) -> None:
    if not (environment.get("NEO_LOG_FORMAT") or environment.get("NEO_LOG_LEVEL")):
        return
    # Its imports would come before the first engine's start, and most runs have nothing to log here.
    from neo.telemetry import configure_logs  # noqa: PLC0415
    from neo.telemetry.logs import LEVELS  # noqa: PLC0415

    level = environment.get("NEO_LOG_LEVEL", "")
    # The server reports a wrong setting; here it must not end in a stack trace.
    configure_logs(
        log_format=environment.get("NEO_LOG_FORMAT") or "console",
        level=level if level in LEVELS else "info",
    )
