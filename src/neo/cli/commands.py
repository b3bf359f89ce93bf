import typer

from neo.cli import (
    api,
    audit,
    bots,
    document,
    keys,
    migrate,
    scripted_mcp,
    settings,
    technicians,
    tenants,
    worker,
)
from neo.cli.chat import command as chat
from neo.cli.dev_issuer import command as dev_issuer
from neo.cli.doctor import command as doctor
from neo.cli.models import command as models
from neo.cli.secrets import command as secrets
from neo.cli.serve import command as serve

app = typer.Typer(
    name="neo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A self-hosted, multi-tenant chat-agent API. `neo serve` runs everything; `neo chat` talks to it.",
)
app.command("serve")(serve.serve)
app.command("api")(api.api)
app.command("worker")(worker.worker)
app.command("chat")(chat.chat)
app.add_typer(keys.app, name="keys")
app.add_typer(tenants.app, name="tenants")
app.add_typer(technicians.app, name="technicians")
app.add_typer(audit.app, name="audit")
app.add_typer(bots.app, name="bots")
app.add_typer(secrets.app, name="secrets")
app.add_typer(models.app, name="models")
app.command("doctor")(doctor.doctor)
app.command("migrate")(migrate.migrate)
app.command("settings")(settings.settings)
app.command("openapi")(document.openapi)
app.add_typer(dev_issuer.app, name="dev-issuer")
app.command("scripted-mcp")(scripted_mcp.scripted_mcp)
