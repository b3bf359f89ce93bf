"""The keys of a model in the operator's file, and what each may hold. A `ValueError` completes the sentence of it."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, get_args
from urllib.parse import urlsplit

from neo.llm.chosen import AnswerLimit, Price, SystemRole
from neo.llm.model_families import family, family_names
from neo.llm.model_list.near import near
from neo.llm.model_list.references import FORM, is_reference
from neo.llm.providers import DialectName, Provider

# A prompt of a thousand tokens is a few messages; no window is larger than a billion.
_TOKENS_MIN = 1_024
_TOKENS_MAX = 1_000_000_000
# The dearest models cost some hundreds of dollars; a dollar is up to a million of another currency. What is more, or
# finer, is a mistake, and could make costs of a million digits.
_PRICE_MAX = 1_000_000_000
_PRICE_PLACES_MAX = 12
# A turn takes ten minutes at most.
_SECONDS_MAX = 600
_WORD_CHARACTERS_MAX = 200
_PRICES = ("input", "cached", "output")

Check = Callable[[Any], Any]


def _one_of(*known: str) -> Check:
    def check(value: Any) -> str:
        if value not in known:
            hint = near(value, known)
            raise ValueError(f"must be one of {', '.join(known)}.{hint}")
        return str(value)

    return check


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false.")  # noqa: TRY004 - it completes a sentence.
    return value


def _tokens(value: Any, *, at_least: int = 1) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not at_least <= value <= _TOKENS_MAX:
        raise ValueError(f"must be a whole number of tokens from {at_least:,} to {_TOKENS_MAX:,}.")
    return value


def _window(value: Any) -> int:
    return _tokens(value, at_least=_TOKENS_MIN)


def _seconds(value: Any) -> float:
    if not _is_number(value) or not 0 < value <= _SECONDS_MAX:
        raise ValueError(f"must be a number of seconds, more than 0 and at most {_SECONDS_MAX}.")
    return float(value)


def _word(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError("must be a text of one line.")
    if len(value) > _WORD_CHARACTERS_MAX:
        raise ValueError(f"must have at most {_WORD_CHARACTERS_MAX} characters.")
    return value.strip()


def _url(value: Any) -> str:
    text = _word(value)
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise ValueError("must be an address that begins with http:// or https://.")
    if "@" in parts.netloc:
        raise ValueError("must hold no password: `key` refers to it.")
    if parts.query or parts.fragment:
        raise ValueError("must end with its path; a version of Azure's API is `azure_api_version`.")
    return text.rstrip("/")


def _key(value: Any) -> str:
    # Whatever stands here instead may be the key itself, so it is not repeated.
    if not isinstance(value, str) or not is_reference(value):
        raise ValueError(f"must be {FORM}.")
    return value


def _family(value: Any) -> str:
    name = _word(value)
    if family(name) is None:
        hint = near(name, family_names())
        raise ValueError(f"is not a family that Neo knows: leave it out, and give `context_tokens`.{hint}")
    return name


def _price(value: Any) -> Price:
    if not isinstance(value, Mapping) or not {"input", "output"} <= set(value) <= set(_PRICES):
        raise ValueError("must be { input = ..., output = ... }, perhaps with `cached`: of a million tokens.")
    if not all(
        _is_number(one) and 0 <= one <= _PRICE_MAX and _places(one) <= _PRICE_PLACES_MAX
        for one in value.values()
    ):
        raise ValueError(
            f"must have numbers from 0 to {_PRICE_MAX:,}, with at most {_PRICE_PLACES_MAX} places behind the point."
        )
    return Price(**{name: Decimal(one) for name, one in value.items()})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and Decimal(value).is_finite()


def _places(value: int | Decimal) -> int:
    exponent = Decimal(value).as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


KEYS: dict[str, Check] = {
    "provider": _one_of(*Provider),
    "dialect": _one_of(*DialectName),
    "url": _url,
    "key": _key,
    "region": _word,
    "azure_api_version": _word,
    "model": _word,
    "family": _family,
    "context_tokens": _window,
    "answer_tokens": _tokens,
    "sees_images": _flag,
    "reasons": _flag,
    "takes_tools": _flag,
    "system_role": _one_of(*get_args(SystemRole)),
    "stream_options": _flag,
    "answer_limit": _one_of(*get_args(AnswerLimit)),
    "thinking_seconds": _seconds,
    "continues": _flag,
    "price": _price,
}
# What a provider's settings say.
_OF_PROVIDER = ("dialect", "url", "key", "region", "azure_api_version", "continues")
# What only one dialect has.
_OF_DIALECT = {"continues": DialectName.RESPONSES, "answer_limit": DialectName.CHAT_COMPLETIONS}


def checked(told: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What the keys hold, and a sentence for each mistake."""
    found: dict[str, Any] = {}
    mistakes = []
    for key, value in told.items():
        if key not in KEYS:
            mistakes.append(f"`{key[:_WORD_CHARACTERS_MAX]}` is not a key.{near(key, KEYS)}")
            continue
        try:
            found[key] = KEYS[key](value)
        except ValueError as error:
            mistakes.append(f"`{key}` {error}")
    return found, [*mistakes, *_together(told, found)]


def _together(told: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with keys that are good one by one."""
    if "model" not in told:
        yield "`model` is missing: what the provider calls it."
    if "provider" in told:
        for key in _OF_PROVIDER:
            if key in told:
                yield f"`{key}` does not go with `provider`, whose settings say it."
    else:
        for key in ("dialect", "url"):
            if key not in told:
                yield f"`{key}` is missing; or name a `provider` that is set up."
    dialect = Provider(found["provider"]).dialect if "provider" in found else found.get("dialect")
    for key, only in _OF_DIALECT.items():
        if key in found and dialect and dialect != only:
            yield f"`{key}` goes with the dialect {only} only."
    window, answer = found.get("context_tokens"), found.get("answer_tokens")
    if window and answer and answer >= window:
        yield "`answer_tokens` must leave room for a prompt in `context_tokens`."
