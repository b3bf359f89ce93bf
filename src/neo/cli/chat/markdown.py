"""Markdown for the terminal: which part of a growing text is settled, and how text is rendered."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from rich.markdown import Markdown

# A theme that follows the terminal's own palette, light or dark.
CODE_THEME = "ansi_dark"
# Control characters could move the cursor or change colours: a model's text must not control the terminal.
CONTROLS = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {ord("\n"), ord("\t")})


def without_controls(text: str) -> str:
    return text.translate(CONTROLS)


class MarkdownPages:
    def __init__(self) -> None:
        self._parser = _parser()
        self._blocks = _parser().disable("inline")

    def split(self, text: str) -> tuple[str, str]:
        """Split the text into the blocks that no further text can change, and the rest.

        A block is settled when another has begun after it. Only whole lines are asked, because half a line
        can look like the beginning of a block that it is not.
        """
        whole_lines = text[: text.rfind("\n") + 1]
        tokens = self._blocks.parse(whole_lines)
        first_lines = [token.map[0] for token in tokens if token.level == 0 and token.map]
        settled_lines = first_lines[-1] if first_lines else 0
        settled = "".join(f"{line}\n" for line in whole_lines.split("\n")[:settled_lines])
        return settled, text[len(settled) :]

    def render(self, text: str, style: str) -> "Markdown":
        from rich.markdown import Markdown  # noqa: PLC0415 - a quarter of a second that `--help` need not wait.

        # A link shows its target, because its text is the model's.
        page = Markdown("", code_theme=CODE_THEME, style=style, hyperlinks=False)
        # Rich's own parser takes `<T>` for HTML and drops it.
        page.parsed = self._parser.parse(text)
        return page


def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # noqa: PLC0415

    options: dict[str, Any] = {"html": False}
    return MarkdownIt("commonmark", options).enable(["strikethrough", "table"])
