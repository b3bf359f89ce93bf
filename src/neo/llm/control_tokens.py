"""Keeps the control tokens of chat templates, written in a message, from being taken for such.

Many servers of open-weight models look for control tokens in everything that they are sent. A literal `<|im_start|>`
in a message would begin another one there, in whatever role it names. A zero-width joiner behind the token's first
character keeps every tokenizer from seeing it. A model may copy the joiner into its answer, so it is taken out of
there.
"""

import re

_JOINER = "\u200d"
_WIDE_BAR = "\uff5c"
_NAME = r'[^\s<>|"\u200d]{1,64}'
_TOKENS = {
    "<": [
        rf"\|{_NAME}\|>",  # <|im_start|>
        rf"{_WIDE_BAR}{_NAME}{_WIDE_BAR}>",  # The same with DeepSeek's wide bars.
        r"\|[a-z_]{1,32}>",  # <|turn>
        r"[a-z_]{1,32}\|>",  # <turn|>
        r"(?:start|end)_of_turn>",
    ],
    r"\[": [
        r"\|(?:system|tool|assistant|user|endofturn)\|\]",
        r"/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS)\]",
        r"(?:TOOL_RESULTS|TOOL_CALLS)\]",
        r"e~\[",
    ],
    r"\]": [r"~b\]", r"~!b\["],
}
_BEGINNING = re.compile("|".join(f"{first}(?={'|'.join(rests)})" for first, rests in _TOKENS.items()))
# A text with none of these has no token. Looking for them is a hundred times faster.
_SIGNS = ("|>", "<|", f"{_WIDE_BAR}>", "_of_turn>", "[|", "INST]", "PROMPT]", "TOOL", "~")

_COPIED = re.compile(rf"(?<=[<\[\]]){_JOINER}")


def marked(text: str) -> str:
    """The text with a joiner in each control token."""
    if not any(sign in text for sign in _SIGNS):
        return text
    return _BEGINNING.sub(lambda first: first[0] + _JOINER, text)


class Unmarked:
    """A text in deltas, without the joiners in copied tokens."""

    def __init__(self) -> None:
        self._last = ""

    def add(self, text: str) -> str:
        if _JOINER in text:
            text = _COPIED.sub("", self._last + text)[len(self._last) :]
        self._last = text[-1:] or self._last
        return text


def unmarked(text: str) -> str:
    return Unmarked().add(text)
