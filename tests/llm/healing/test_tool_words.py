"""What servers say of a tool's schema, of tools at all, and of what goes back with calls. None of it is said of another
part of the prompt.
"""

import pytest

from neo.llm.healing.refusal import About, Refusal
from neo.llm.transport.words import said_in

GEMINI = "Invalid JSON payload received. Unknown name \"{}\" at 'tools[0].function_declarations[5].parameters{}': {}"


@pytest.mark.parametrize(
    "words",
    [
        # Gemini, its own API and through gateways.
        GEMINI.format("additionalProperties", "", "Cannot find field."),
        GEMINI.format("const", ".properties[8].value.any_of[0]", "Cannot find field."),
        GEMINI.format("type", ".properties[1].value", "Proto field is not repeating, cannot start list."),
        "* GenerateContentRequest.tools[0].function_declarations[8].parameters: only allowed for OBJECT type",
        "function_declarations[0].parameters.properties: should be non-empty for OBJECT type",
        "function declaration enum only allowed for STRING type",
        "because `f` functionDeclaration `parameters.x` schema specified other fields alongside any_of.",
        # OpenAI, DeepSeek, Groq, Moonshot, Mistral.
        "Invalid schema for function 'f': In context=('properties', 'paths'), array schema missing items.",
        "Invalid schema for function 'f': In context=(), object schema missing properties",
        "Invalid schema for function 'f': schema must be a JSON Schema of 'type: \"object\"', got 'type: null'.",
        "Invalid schema for function 'f': schema must have type 'object' and not have 'oneOf' at the top level.",
        "invalid JSON schema for tool f, tools[0].function.parameters: `/properties/a/type`: value must be one of",
        "Invalid request: tools.function.parameters is not a valid moonshot flavored json schema, details: <At path>",
        # Anthropic, Bedrock, Databricks.
        "tools.9.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level",
        "tools.0.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12",
        "tools.4.custom.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'",
        "The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the following: object.",
        # llama.cpp, LM Studio, vLLM, SGLang, Cerebras, Fireworks.
        "Failed to initialize samplers: failed to parse grammar",
        'JSON schema conversion failed:\nUnrecognized schema: {"not":{}}',
        "Error resolving ref #/$defs/a: $defs not in {}",
        "Pattern must start with '^' and end with '$'. Unrecognized schema",
        "The provided JSON schema contains features not supported by xgrammar.",
        'Grammar error: Unimplemented keys: ["minContains"]',
        "Unsupported JSON schema fields: {'maxLength'}",
        "Could not compile grammar for the tools: Invalid grammar",
    ],
)
def test_a_schema_that_is_refused_is_known(words: str) -> None:
    assert said_in(words.lower()) == Refusal(About.TOOL_SCHEMA)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        (About.TOOLS, "registry.ollama.ai/library/gemma:2b does not support tools"),
        (
            About.TOOLS,
            '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        ),
        (About.TOOLS, "Unrecognized request argument supplied: tools"),
        (About.TOOLS, "`tools` is not supported with this model"),
        (About.TOOLS, "Tools are not supported in streaming mode."),
        (About.TOOLS, "tool calling is not supported with this model"),
        (About.CARRIED, "'messages.2' : property 'reasoning_content' is unsupported"),
        (About.CARRIED, "messages.1.assistant.reasoning_content: Extra inputs are not permitted"),
        (
            About.CARRIED,
            "Invalid JSON payload received. Unknown name \"extra_content\" at 'messages[1].tool_calls[0]'",
        ),
        (
            About.CARRIED,
            "The encrypted content for item rs_1 could not be verified. invalid_encrypted_content",
        ),
        (About.CARRIED, "Encrypted content is not supported with this model. include"),
        (About.CARRIED, "Argument not supported: include"),
        (About.CARRIED, "Unknown parameter: 'include'."),
        (About.CARRIED, "messages.1.content.0: Invalid `signature` in `thinking` block"),
        (About.CARRIED, "Corrupted thought signature."),
        (About.SYSTEM_ROLE, "Argument not supported: instructions"),
        (About.STREAM_OPTIONS, "Unknown parameter: 'stream_options.include_usage'."),
        (About.ROLES, "Please use a valid role: user, model."),
        (About.UNEXPLAINED, "No endpoints found that can handle the requested parameters."),
    ],
)
def test_what_is_said_of_tools_and_of_their_calls(about: About, words: str) -> None:
    assert said_in(words.lower()) == Refusal(about)
