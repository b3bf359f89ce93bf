"""Why an answer ended, in the words of all the servers that speak chat completions."""

from typing import Literal, TypeAlias

from neo.llm.deltas import FinishReason

# The provider gave up: what it has said is no answer.
BROKEN: Literal["broken"] = "broken"
Finish: TypeAlias = FinishReason | Literal["broken"]

_WORDS: dict[Finish, str] = {
    "stop": "stop stopped stop_sequence eos eos_token end end_turn complete completed finished done",
    "length": "length max_tokens max_length max_new_tokens max_output_tokens max_completion_tokens model_length"
    " token_limit context_length model_context_window_exceeded",
    "content-filter": "content_filter content_filtered filter safety sensitive recitation refusal blocklist spii"
    " prohibited_content guardrail_intervened",
    "tool-calls": "tool_calls tool_call tool_use function_call function_calls",
    BROKEN: "abort aborted error errored failed failure fail cancel cancelled canceled interrupted disconnected timeout"
    " insufficient_system_resource network_error internal_error server_error engine_error overloaded"
    " malformed_function_call preempted",
}
_REASONS = {word: reason for reason, words in _WORDS.items() for word in words.split()}


def finish_of(word: object) -> Finish:
    if not isinstance(word, str):
        return "other"
    return _REASONS.get(word.strip().lower().replace("-", "_"), "other")
