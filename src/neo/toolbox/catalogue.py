"""The tool types that a toolbox may have, for who builds a form."""

from neo.toolbox.schemas import ConnectionTools, ToolboxSchema, ToolType

_TYPES = {
    "MCP": ("MCP servers", "Tools of your connections of the kind MCP_HTTP."),
    "EXTERNAL_API_REQUEST": ("External APIs", "Operations of your connections of the kind HTTP_API."),
}


def tool_types() -> list[ToolType]:
    return [
        ToolType(
            type=name,
            title=title,
            description=description,
            group="Connections",
            credit_tier="STANDARD",
            audience=None,
            requires_integration=None,
            is_write=True,
            settings_schema=ConnectionTools.model_json_schema(),
        )
        for name, (title, description) in _TYPES.items()
    ]


def toolbox_schema() -> ToolboxSchema:
    nullable = {
        one.type: {"anyOf": [one.settings_schema, {"type": "null"}], "title": one.title}
        for one in tool_types()
    }
    by_type = {"type": "object", "properties": nullable, "additionalProperties": False}
    return ToolboxSchema(
        type="object", properties={"tool_settings_by_type": by_type}, additionalProperties=False
    )
