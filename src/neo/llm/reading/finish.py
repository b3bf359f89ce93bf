"""Why an answer ended, in the words of all servers: gateways pass the words of one API on in another."""

from typing import Literal, TypeAlias

from neo.llm.deltas import FinishReason

# The provider gave up: what it has said is no answer.
BROKEN: Literal["broken"] = "broken"
Finish: TypeAlias = FinishReason | Literal["broken"]

# Null, as some servers write it, and the states of an answer that has not ended.
_GOES_ON = ("null", "none", "nil", "undefined", "in_progress", "queued")
_WORDS: dict[Finish, str] = {
    "stop": "stop stopped stop_sequence eos eos_token end end_turn complete completed finished done compaction",
    "length": "length max_tokens max_len max_length max_new_tokens max_output_tokens max_completion_tokens model_length"
    " token_limit context_length model_context_window_exceeded error_limit",
    "content-filter": "spii",
    "tool-calls": "tool_calls tool_call tool_use function_call function_calls",
    BROKEN: "insufficient_system_resource",
}
# Any other word that has one of these among its parts, such as `image_safety` and `engine_overloaded`.
_PARTS: dict[Finish, str] = {
    BROKEN: "abort aborted error errored fail failed failure cancel cancelled canceled interrupted disconnect"
    " disconnected timeout overloaded malformed unexpected shutdown preempted",
    "content-filter": "filter filtered safety sensitive recitation refusal refused blocklist prohibited guardrail"
    " moderation",
}
_REASONS = {word: reason for reason, words in _WORDS.items() for word in words.split()}
_REASONS_OF_PARTS = {part: reason for reason, parts in _PARTS.items() for part in parts.split()}


def finish_of(given: object) -> Finish | None:
    """Why it ended, from a word or an object whose type is the word; None: it goes on."""
    if not given:
        return None
    word = given.get("type") if isinstance(given, dict) else given
    return _finish_of_word(word) if isinstance(word, str) else "other"


def _finish_of_word(word: str) -> Finish | None:
    word = word.strip().lower().replace("-", "_").removeprefix("finish_").removeprefix("reason_")
    if not word or word in _GOES_ON:
        return None
    if word in _REASONS:
        return _REASONS[word]
    reasons = {_REASONS_OF_PARTS.get(part, "other") for part in word.split("_")}
    return next((reason for reason in _PARTS if reason in reasons), "other")


def thoughts_are_answer(finish: Finish | None, *, has_called: bool) -> bool:
    """Whether thoughts without an end were the answer. Those that a limit or a call cut off were none."""
    return finish not in ("length", BROKEN) and not has_called
