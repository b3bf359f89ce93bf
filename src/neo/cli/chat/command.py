import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from neo.cli.chat.conversation import Conversation, one_line
from neo.cli.chat.public_api import PublicApi, Refused, ServerNotReached
from neo.cli.chat.screen import Screen, screen_for
from neo.cli.operator import DataOption
from neo.errors import Edge, Failure, Kind

DEFAULT_URL = "http://127.0.0.1:8600"
LEFT = 130  # The exit code that a shell reports for a command ended by Ctrl-C.
# The API's own limit on a body: it would refuse more.
MESSAGE_BYTES_MAX = 1024 * 1024
UNAUTHENTICATED = 401


class NoApiKey(Failure):
    """`neo chat` found no key for the server."""

    kind = Kind.UNAUTHENTICATED
    code = "no_api_key"
    remedy = "Pass `--key`; `neo keys create` makes one."
    edges = (Edge.COMMAND_LINE,)


class NothingToSay(Failure):
    """`neo chat` was given no message and no terminal."""

    kind = Kind.INVALID
    code = "nothing_to_say"
    remedy = "Pass a message, or run it on a terminal."
    edges = (Edge.COMMAND_LINE,)


def chat(
    message: Annotated[
        list[str] | None,
        typer.Argument(help="Say this, print the answer and leave. Standard input works too."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help=f"Where the API is. Default: the data folder's server, else {DEFAULT_URL}."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="API key. Default: the file `key` of the data folder.")
    ] = None,
    data: DataOption = None,
    session: Annotated[str | None, typer.Option(help="Id of a session to go on with.")] = None,
    *,
    smart: Annotated[
        bool, typer.Option("--smart", help="Take the SMART model instead of the FAST one.")
    ] = False,
) -> None:
    """Talk to a running server, through the public API only.

    Ctrl-C while an answer streams leaves its turn running; `--session` comes back to it.
    """
    from neo.settings import read_settings  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    folder = data or Path(read_settings().server.data_dir)
    place = (url or _url_of(folder)).rstrip("/")
    screen = screen_for(sys.stdout)
    api = PublicApi(place, key or _key_of(folder, place), is_local=_is_local(place), say=screen.note)
    conversation = Conversation(api, screen, session, tier="SMART" if smart else "FAST")
    come_back = "".join(f" {name} {value}" for name, value in (("--url", url), ("--data", data)) if value)
    try:
        code = _talk(conversation, screen, api, " ".join(message or []))
    except KeyboardInterrupt:
        code = LEFT
    except Failure as failure:
        code = 1
        screen.problem(one_line(failure))
    finally:
        api.close()
    if conversation.session_id is not None:
        goes_on = "The turn goes on without you. " if code == LEFT else ""
        screen.note(f"{goes_on}Come back with: neo chat{come_back} --session {conversation.session_id}")
    raise typer.Exit(code)


def _talk(conversation: Conversation, screen: Screen, api: PublicApi, text: str) -> int:
    if not text and sys.stdin.isatty():
        api.check()
        conversation.show_last()
        conversation.catch_up()
        _converse(conversation, screen)
        return 0
    text = text or _standard_input()
    if text.strip():
        return 0 if conversation.say(text) else 1
    if conversation.catch_up():
        return 0
    raise NothingToSay("There is nothing to say: pass a message, or run `neo chat` on a terminal.")


def _converse(conversation: Conversation, screen: Screen) -> None:
    screen.note("Ctrl-D leaves.")
    while (text := _asked()) is not None:
        if not text.strip():
            continue
        try:
            conversation.say(text)
        except (Refused, ServerNotReached) as failure:
            if isinstance(failure, Refused) and failure.status == UNAUTHENTICATED:
                raise
            screen.problem(one_line(failure))


def _asked() -> str | None:
    """A line from the prompt; None when the user wants to leave."""
    # Importing it gives the prompt its line editing and history.
    import readline  # noqa: F401, PLC0415

    try:
        return _unbroken(input("> " if sys.stdout.isatty() else ""))
    except (EOFError, KeyboardInterrupt):
        typer.echo()
        return None


def _standard_input() -> str:
    raw = sys.stdin.buffer.read(MESSAGE_BYTES_MAX + 1)
    if len(raw) > MESSAGE_BYTES_MAX:
        raise NothingToSay(f"Standard input is longer than {MESSAGE_BYTES_MAX} bytes: no server takes that.")
    return raw.decode("utf-8", "replace").strip()


def _unbroken(text: str) -> str:
    """Replace lone surrogates, which a terminal of another encoding produces and JSON cannot carry."""
    return text.encode("utf-8", "replace").decode()


def _url_of(folder: Path) -> str:
    from neo.engines.data_folder.running import read_running  # noqa: PLC0415 - only needed without --url.

    running = read_running(folder)
    return running.addresses.url if running and running.addresses.url else DEFAULT_URL


def _key_of(folder: Path, url: str) -> str:
    if not _is_local(url) and url != _url_of(folder):
        raise NoApiKey(f"The key of {folder} is for its own server. Pass --key for {url}.")
    try:
        return (folder / "key").read_text().strip()
    except OSError as error:
        raise NoApiKey(
            f"There is no API key in {folder / 'key'}. Start a server with `make run`, or pass --key: "
            "`neo keys create` makes one."
        ) from error


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost"
    # A server that listens on all addresses is recorded as 0.0.0.0, which is reachable on this machine.
    return address.is_loopback or address.is_unspecified
