import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from neo.cli.chat.markdown import MarkdownPages, without_controls

PAGE = """# Title

A paragraph
of two lines

- one

- two
  - nested

  of two

1. first
2. second

Heading
===

```python
def f():

    return 1
```
| a | b |
|---|---|
| 1 | 2 |

> quote
lazy

last
"""


def blocks_of(text: str) -> list[str]:
    tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse(text)
    return [token.type for token in tokens if token.level == 0 and token.nesting >= 0]


@pytest.mark.parametrize("step", [1, 3, 11])
def test_what_is_settled_is_what_the_whole_page_has(step: int) -> None:
    pages, growing, settled = MarkdownPages(), "", list[str]()
    for at in range(0, len(PAGE), step):
        growing += PAGE[at : at + step]
        done, growing = pages.split(growing)
        settled.append(done)

    assert "".join(settled) + growing == PAGE
    assert [block for text in [*settled, growing] for block in blocks_of(text)] == blocks_of(PAGE)
    assert growing == "last\n"


def test_half_a_line_settles_nothing() -> None:
    # It looks like a paragraph, and may become the list's next item.
    assert MarkdownPages().split("1. a\n\n2") == ("", "1. a\n\n2")


def test_angle_brackets_and_addresses_are_shown() -> None:
    console = Console(width=60)
    with console.capture() as shown:
        console.print(MarkdownPages().render("Vec<T> <b>x</b> [here](http://away.example)", "none"))

    assert shown.get().strip() == "Vec<T> <b>x</b> here (http://away.example)"


def test_a_model_does_not_command_the_terminal() -> None:
    assert without_controls("a\x1b]0;title\x07b\x9b2Jc\r\nd\te") == "a]0;titleb2Jc\nd\te"
