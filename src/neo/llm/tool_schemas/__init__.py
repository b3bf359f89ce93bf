"""The schemas of tools' arguments, as providers take them: `whole.py` for most, `plain.py` for those that know less."""

from neo.llm.tool_schemas.whole import taken

__all__ = ["taken"]
