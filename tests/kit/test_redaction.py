"""What a process knows as a secret leaves it by no log line and no traceback, however it is spelt."""

import subprocess
import sys
from urllib.parse import quote

import pytest

from cli.neo_command import ended, neo, started
from neo.kit import hide, password_in, redacted
from neo.kit.redaction import CHARACTERS_MIN

CANARY = 'canary/"7f1a"@9c'
LOGS = """
import logging, structlog
from neo.kit import hide
from neo.telemetry import configure_logs
configure_logs(log_format={form!r}, level="debug")
hide([{canary!r}])
try:
    try:
        raise ValueError("Illegal header value b'Bearer " + {canary!r} + "'")
    except ValueError as error:
        raise RuntimeError(repr({{"key": {canary!r}}})) from error
except RuntimeError:
    structlog.get_logger().exception("broke", reason={canary!r})
    logging.getLogger("asyncio").exception("broke too: %s", {canary!r})
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_line_and_no_traceback_of_the_log_has_it(form: str) -> None:
    script = LOGS.format(form=form, canary=CANARY)

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stderr.count("***") >= 6
    assert "RuntimeError" in ran.stderr
    assert "7f1a" not in ran.stderr + ran.stdout


def test_it_is_hidden_as_json_and_urls_spell_it() -> None:
    hide([CANARY])

    for spelt in (CANARY, quote(CANARY, safe=""), CANARY.replace('"', '\\"'), repr(CANARY)[1:-1]):
        assert redacted(f"a {spelt} b") == "a *** b"


TENANTS = """
import structlog
from neo.telemetry import configure_logs
from neo.vault import Secret
configure_logs(log_format={form!r}, level="debug")
Secret({canary!r}), Secret("turn_failed")
try:
    raise ValueError("Illegal header value b'Bearer " + {canary!r} + "'")
except ValueError:
    structlog.get_logger().exception("turn_failed")
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_tenants_secret_is_hidden_in_tracebacks_and_blinds_no_log(form: str) -> None:
    script = TENANTS.format(form=form, canary=CANARY)

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "Bearer ***" in ran.stderr
    assert "turn_failed" in ran.stderr
    assert "7f1a" not in ran.stderr


def test_what_is_too_short_to_be_one_hides_nothing() -> None:
    hide(["x" * (CHARACTERS_MIN - 1), ""])

    assert redacted("x" * (CHARACTERS_MIN - 1)) == "x" * (CHARACTERS_MIN - 1)


def test_the_password_of_a_url_is_found() -> None:
    assert password_in("redis://:canary-7f1a@host:1") == "canary-7f1a"
    assert password_in("no url at all: a@b") is None
    assert password_in("http://[broken") is None


@pytest.mark.parametrize("variable", ["NEO_DATABASE_URL", "NEO_DATABASE_OWNER_URL", "NEO_REDIS_URL"])
async def test_a_url_that_cannot_be_read_is_refused_without_a_part_of_its_password(variable: str) -> None:
    doctor = await neo("doctor", **{variable: "postgresql+asyncpg://app:canary/7f1a@host/neo"})

    assert doctor.code == 1
    assert f"{variable} cannot be read as a URL" in doctor.out
    assert "canary" not in doctor.out + doctor.stderr
    assert "7f1a" not in doctor.out + doctor.stderr


async def test_the_last_words_of_a_command_that_breaks_have_no_secret() -> None:
    url = "postgresql+asyncpg://app:canary-7f1a@127.0.0.1:1/neo?canary-7f1a=1"
    broken = await ended(await started("migrate", NEO_DATABASE_URL=url, NEO_DATABASE_OWNER_URL=url))

    assert broken.code != 0
    assert "Traceback" in broken.stderr
    assert "***" in broken.stderr
    assert "canary" not in broken.out + broken.stderr
