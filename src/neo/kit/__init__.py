"""Small tools that know nothing of Neo's business."""

from neo.kit.addresses import is_loopback, is_secure_url
from neo.kit.batcher import Batcher
from neo.kit.derived_keys import KeyPurpose, api_key_pepper, derived_key, former_session_token_key
from neo.kit.failpoint import arm_failpoints, reached
from neo.kit.fair_slots import FairSlots
from neo.kit.garbage_collector import collect_seldom, freeze_loaded
from neo.kit.guessing import guessing_bits
from neo.kit.loops import loop_in_thread, new_loop, run_in
from neo.kit.redaction import (
    HIDDEN,
    hide,
    hide_lately,
    password_in,
    print_redacted,
    redact_line,
    redacted,
    redacted_traceback,
    without,
)
from neo.kit.retry import Backoff, keep_running
from neo.kit.secret_file import SecretUnreadableError, read_secret
from neo.kit.text import as_digits, as_one_line, find_guid, is_one_line
from neo.kit.timezones import find_timezone

__all__ = [
    "HIDDEN",
    "Backoff",
    "Batcher",
    "FairSlots",
    "KeyPurpose",
    "SecretUnreadableError",
    "api_key_pepper",
    "arm_failpoints",
    "as_digits",
    "as_one_line",
    "collect_seldom",
    "derived_key",
    "find_guid",
    "find_timezone",
    "former_session_token_key",
    "freeze_loaded",
    "guessing_bits",
    "hide",
    "hide_lately",
    "is_loopback",
    "is_one_line",
    "is_secure_url",
    "keep_running",
    "loop_in_thread",
    "new_loop",
    "password_in",
    "print_redacted",
    "reached",
    "read_secret",
    "redact_line",
    "redacted",
    "redacted_traceback",
    "run_in",
    "without",
]
