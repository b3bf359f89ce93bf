"""The company that a session is bound to, in the arguments of its calls: Neo writes it there, and no model another."""

from collections.abc import Mapping
from typing import Any

from neo.toolbox import OfferedTool


def other_company(tool: OfferedTool, arguments: Mapping[str, Any]) -> str | None:
    """Why a call with these arguments is for another company than its session, or for none where one is needed."""
    name, company = tool.company_argument, tool.company
    if company is None:
        return "It needs a company, and this conversation is bound to none." if tool.needs_company else None
    if name is None or name not in arguments or str(arguments[name]).strip() == company:
        return None
    return f"This conversation is bound to one company, and {name!r} names another. Leave it out."


def with_company(tool: OfferedTool, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with the session's company, where the tool is told it by one of them."""
    name = _filled(tool)
    return arguments if name is None else {**arguments, name: _written(tool, name)}


def told_schema(tool: OfferedTool, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without the argument that Neo writes."""
    name = _filled(tool)
    return schema if name is None else without(schema, name)


def without(schema: dict[str, Any], name: str) -> dict[str, Any]:
    schema = dict(schema)
    if isinstance(properties := schema.get("properties"), dict):
        schema["properties"] = {key: one for key, one in properties.items() if key != name}
    if isinstance(required := schema.get("required"), list):
        schema["required"] = [key for key in required if key != name]
    return schema


def _filled(tool: OfferedTool) -> str | None:
    return None if tool.company is None else tool.company_argument


def _written(tool: OfferedTool, name: str) -> Any:
    properties = tool.input_schema.get("properties")
    declared = properties.get(name) if isinstance(properties, dict) else None
    is_number = isinstance(declared, dict) and declared.get("type") == "integer"
    company = tool.company or ""
    return int(company) if is_number and company.isdecimal() else company
