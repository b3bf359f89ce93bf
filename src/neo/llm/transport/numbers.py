"""The numbers in a refusal: the model's window, the prompt's length, the longest answer."""

import re

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
# An error's own number: JSON in a text, and MiniMax's at the end of each.
_CODES = re.compile(
    r"\\?\"(?:status_|error_)?(?:code|status)\\?\": ?\\?\"?\d+|\((?!1024|2048)[12]\d{3}\)\s*$"
)
# What it is exceeded by is no limit.
_NUMBER = r"(?:(?! by )[^0-9]){0,24}?(\d{2,8})\b"
_WINDOW = [
    re.compile(pattern)
    for pattern in (
        rf"\bn_ctx{_NUMBER}",
        rf"max_num_tokens{_NUMBER}|(?:exceeded|window): \d+ > (\d+)",
        r"max(?:imum)? context(?: length of \S+ is|:)? (\d+)|max tokens of (\d+) exceeded",
        rf"maximum length is{_NUMBER}|maximum allowed length{_NUMBER}|max_kv_size{_NUMBER}",
        r"current question is (\d+)",
        # Anthropic, in both of its forms.
        r"\(\d+ > (\d+)\)|\d+ \+ \d+ > (\d+)|\d+ tokens > (\d+) maximum",
        rf"(\d+) maximum context|length is only{_NUMBER}",
        rf"max(?:imum)? (?:\w+ )?(?:context|model|prompt|input|sequence)[ _]length{_NUMBER}",
        rf"(\d+) is the max|supports up to{_NUMBER}",
        rf"(?:max_model_len|max_seq_len|max_context|token size|tokens limit){_NUMBER}",
        rf"context[ _](?:size|length|window|limit){_NUMBER}",
        rf"must be <={_NUMBER}|must have less than{_NUMBER}|tokens allowed{_NUMBER}",
        rf"(?:max(?:imum)? input tokens|max size|cannot exceed|token limit)\b{_NUMBER}",
        rf"(?:configured )?limit(?: of| is)?\b{_NUMBER}",
        r"\[\d+, ?(\d+)\]",
    )
]
_PROMPT = [
    re.compile(pattern)
    for pattern in (
        rf"n_prompt_tokens{_NUMBER}",
        r"(\d+)(?: tokens)? in the (?:messages|prompt)|(\d+) tokens from the input",
        r"resulted in (\d+) tokens|(?:has|passed) (\d+) input tokens|given: (\d+)",
        r"too long: (\d+)|limit: (\d+) \+|(?:request|prompt(?: \d+)?) contains (\d+)|keep the first (\d+)",
        r"n_keep \((\d+)|prompt length \((\d+)|total length (\d+)|token count of (\d+)|prompt tokens: (\d+)",
        r"\((?:length )?(\d+)(?: tokens)?\)[^.]{0,40}(?:exceed|longer)",
        r"\((\d+) > \d+\)|current length is (\d+)|request input token count: (\d+)",
        r"(?:token count is|input length|prompt is|number of input tokens) (\d+)",
    )
]
_ANSWER = [
    re.compile(pattern)
    for pattern in (
        r"\[\d+, ?(\d+)\]",
        rf"at most{_NUMBER}|between \d+ and{_NUMBER}|> (\d+), which is the maximum",
        rf"(?:less than or equal to|not less or equal to|<=|≤|limit of|up to){_NUMBER}",
        rf"(?:cannot exceed|cannot be greater than|exceeds limit|range \d+ to){_NUMBER}",
        rf"maximum{_NUMBER}",
    )
]
# The first number that is too large.
_TOO_LARGE = re.compile(r"to (\d+) \(exclusive\)|(?:less|lower|smaller) than[ '\"`]+(\d+)")


def window(words: str) -> int | None:
    return _number(_WINDOW, words)


def prompt_tokens(words: str) -> int | None:
    return _number(_PROMPT, words)


def answer_limit(words: str) -> int | None:
    too_large = _number([_TOO_LARGE], words)
    return _number(_ANSWER, words) if too_large is None else too_large - 1


def _number(patterns: list[re.Pattern[str]], words: str) -> int | None:
    said = _THOUSANDS.sub("", _CODES.sub("", words))
    for pattern in patterns:
        if (found := pattern.search(said)) is not None:
            return int(next(number for number in found.groups() if number))
    return None
