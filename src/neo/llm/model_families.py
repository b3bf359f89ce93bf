"""What is known of models by their names: how much they read and write, how they reason, and what they refuse.

A name is compared in lower case, without what gateways and packagers write around it: `openai/gpt-4o` is `gpt-4o`,
`us.anthropic.claude-3-haiku` is `claude-3-haiku`. What the operator says of a model overrides all of this.
"""

import re
from dataclasses import dataclass, replace
from fnmatch import translate
from functools import lru_cache
from typing import Any, Literal

from neo.llm.chosen import AnswerLimit, ChosenModel, ReasoningEffort, SystemRole, ToolSchemas
from neo.llm.providers import Provider

# Agents may name models as they like, so what was looked up is kept for some of them only.
_NAMES_KEPT = 1_024

_LEVELS = tuple(ReasoningEffort)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    context_tokens: int | None = None
    """How much it reads and writes in all; None: not known."""
    answer_tokens: int | None = None
    """The longest answer that it may be asked for; None: longer than Neo asks for."""
    reasons: bool = False
    efforts: tuple[ReasoningEffort, ...] = ()
    """The reasoning efforts that it accepts, lowest first. Empty: it is sent none, for it would refuse the call."""
    recalls: bool = False
    """Whether it accepts its reasoning of earlier turns when it continues a response."""
    thinking: Literal["budget", "adaptive"] | None = None
    """How Anthropic's models are asked to think: for a number of tokens, or as they see fit."""
    thinking_off: Literal["disabled", "between_tools", "never"] | None = None
    """What keeps them from thinking; None: they do not think unless asked to."""
    sees_images: bool = True
    """False only where it is sure: the provider of any other model says so itself."""
    tool_schemas: ToolSchemas = "full"
    system_role: SystemRole = "system"
    answer_limit: AnswerLimit = "max_tokens"

    def effort(self, wanted: str, *, takes_max: bool) -> ReasoningEffort:
        """The nearest accepted effort: the lowest that is not below `wanted`, or else the highest."""
        accepted = [effort for effort in self.efforts if takes_max or effort is not ReasoningEffort.MAX]
        if wanted == ReasoningEffort.NONE:
            return accepted[0]
        level = _LEVELS.index(ReasoningEffort(wanted))
        reasoning = [effort for effort in accepted if effort is not ReasoningEffort.NONE]
        return next((effort for effort in reasoning if _LEVELS.index(effort) >= level), reasoning[-1])


def _efforts(first: str, last: str, *, without: str = "") -> tuple[ReasoningEffort, ...]:
    levels = _LEVELS[_LEVELS.index(ReasoningEffort(first)) : _LEVELS.index(ReasoningEffort(last)) + 1]
    return tuple(level for level in levels if level != without)


_ANY = _efforts("none", "max", without="minimal")
_ALWAYS = _efforts("low", "max")
_OPTIONAL = _efforts("none", "xhigh")
_PRO = _efforts("medium", "xhigh")
_CHAT: dict[str, Any] = {
    "context_tokens": 128_000,
    "answer_tokens": 16_384,
    "reasons": True,
    "efforts": _efforts("medium", "medium"),
}
_OLD_O: dict[str, Any] = {
    "context_tokens": 128_000,
    "efforts": (),
    "sees_images": False,
    "system_role": "none",
}
_BLIND: dict[str, Any] = {"sees_images": False}

# Names as patterns, several separated by ` | `. All that match a name count, and a later row overrides an earlier one.
_FAMILIES: dict[str, dict[str, Any]] = {
    # OpenAI. Of the GPT-5 models this is what a prompt may have; the answer comes on top of it.
    "gpt-3.5* | gpt-35*": _BLIND | {"context_tokens": 16_385, "answer_tokens": 4_096},
    "gpt-4*": {"context_tokens": 128_000, "answer_tokens": 4_096},
    "gpt-4 | gpt-4-0613 | gpt-4-0314": _BLIND | {"context_tokens": 8_192},
    "gpt-4-32k*": _BLIND | {"context_tokens": 32_768},
    "gpt-4-1106-preview | gpt-4-0125-preview | gpt-4-turbo-preview": _BLIND,
    "gpt-4o* | chatgpt-4o* | gpt-4.5*": {"context_tokens": 128_000, "answer_tokens": 16_384},
    "gpt-4o-2024-05-13": {"answer_tokens": 4_096},
    "gpt-4.1*": {"context_tokens": 1_000_000, "answer_tokens": 32_768},
    "gpt-oss*": _BLIND | {"context_tokens": 131_072, "reasons": True, "efforts": _efforts("low", "high")},
    "o1* | o3* | o4*": {
        "context_tokens": 200_000,
        "reasons": True,
        "efforts": _efforts("low", "high"),
        "answer_limit": "max_completion_tokens",
    },
    "o1-mini*": _OLD_O | {"answer_tokens": 65_536},
    "o1-preview*": _OLD_O | {"answer_tokens": 32_768},
    "o3-mini*": _BLIND,
    "gpt-5* | gpt-6*": {"reasons": True, "answer_limit": "max_completion_tokens"},
    "gpt-5*": {"context_tokens": 272_000, "efforts": _efforts("minimal", "high")},
    "gpt-5-chat*": {"context_tokens": 128_000, "answer_tokens": 16_384, "reasons": False, "efforts": ()},
    "gpt-5-pro*": {"efforts": _efforts("high", "high")},
    "gpt-5.1* | gpt-5.2* | gpt-5.3* | gpt-5.4* | gpt-5.5*": {"efforts": _OPTIONAL},
    "gpt-5.1-codex*": {"efforts": _efforts("low", "xhigh")},
    "gpt-5.2-pro* | gpt-5.4-pro* | gpt-5.5-pro*": {"efforts": _PRO},
    "gpt-5.1-chat* | gpt-5.2-chat* | gpt-5.3-chat*": _CHAT,
    "gpt-5.4* | gpt-5.5*": {"recalls": True},
    "gpt-5.6* | gpt-6-luna* | gpt-6-sol* | gpt-6.1-terra*": {"efforts": _ANY, "recalls": True},
    "gpt-6-astra* | gpt-6.1-sol*": {"efforts": _ALWAYS, "recalls": True},
    # Anthropic.
    "claude*": {"context_tokens": 200_000, "thinking": "adaptive", "efforts": _ALWAYS},
    "claude-instant* | claude-2* | claude-3[.-]*": {"thinking": None, "efforts": ()},
    "claude-instant*": _BLIND | {"context_tokens": 100_000, "answer_tokens": 4_096},
    "claude-2*": _BLIND | {"answer_tokens": 4_096},
    "claude-3-haiku* | claude-3-sonnet* | claude-3-opus*": {"answer_tokens": 4_096},
    "claude-3-5-* | claude-3.5-*": {"answer_tokens": 8_192},
    "claude-3[.-]7* | claude-4* | claude-*-4*": {"thinking": "budget", "efforts": ()},
    "claude-opus-4[.-]5*": {"efforts": _efforts("low", "high")},
    "claude-*-4[.-][678]*": {"thinking": "adaptive", "efforts": _ALWAYS},
    "claude-*-4[.-]6*": {"efforts": _efforts("low", "max", without="xhigh")},
    "claude-opus-5* | claude-sonnet-5* | claude-haiku-5*": {"reasons": True, "thinking_off": "disabled"},
    "claude-sonnet-5[.-]5*": {"thinking_off": "between_tools"},
    "claude-opus-5[.-]5* | claude-fable-5* | claude-mythos*": {"reasons": True, "thinking_off": "never"},
    "claude-mythos-preview*": {"efforts": (), "thinking_off": None},
    # Google.
    # It knows the schemas of OpenAPI.
    "gemini*": {"context_tokens": 1_000_000, "reasons": True, "tool_schemas": "plain"},
    "gemini-1* | gemini-2.0*": {"answer_tokens": 8_192, "reasons": False},
    # Its templates know no system role.
    "gemma*": _BLIND | {"context_tokens": 8_192, "system_role": "none"},
    "gemma3* | gemma-3*": {"context_tokens": 131_072, "sees_images": True},
    "gemma3:1b* | gemma-3-1b* | gemma3n* | gemma-3n*": {"context_tokens": 32_768},
    "gemma3:1b* | gemma-3-1b*": _BLIND,
    # Open models: the window that they were trained for. Their servers are often started with less.
    "llama-2* | llama2*": _BLIND | {"context_tokens": 4_096},
    "llama-3* | llama3* | llama-v3*": _BLIND | {"context_tokens": 8_192},
    "llama-3[.-][123]* | llama3[.-][123]* | llama-v3p[123]*": {"context_tokens": 131_072},
    "llama-3[.-]2-*vision* | llama3[.-]2-*vision* | llama-v3p2-*vision*": {"sees_images": True},
    "llama-4* | llama4*": {"context_tokens": 131_072},
    "qwen2 | qwen2[.:-]* | qwen-2*": _BLIND | {"context_tokens": 32_768},
    "qwen3 | qwen3[:-]* | qwen-3 | qwen-3[:-]*": _BLIND | {"context_tokens": 32_768, "reasons": True},
    "qwen3*2507* | qwen3-coder* | qwen3-next* | qwen3-max*": {"context_tokens": 262_144},
    "qwen3*instruct* | qwen3-coder*": {"reasons": False},
    "qwen*vl*": {"sees_images": True},
    "qwq*": _BLIND | {"context_tokens": 131_072, "reasons": True},
    "mistral* | mixtral* | codestral*": {"context_tokens": 32_768},
    "mistral | mistral:* | mistral-7b* | open-mistral-7b* | mixtral* | codestral*": _BLIND,
    "mistral-nemo* | open-mistral-nemo*": _BLIND | {"context_tokens": 131_072},
    "mistral-large* | mistral-medium* | ministral* | pixtral* | devstral*": {"context_tokens": 131_072},
    "mistral-small-latest | mistral-small*3.[12]* | mistral-small-250*": {"context_tokens": 131_072},
    # Its template refuses a system role.
    "mistral-7b-instruct-v0.[12]* | mixtral-8x*-v0.1*": {"system_role": "none"},
    "magistral*": {"context_tokens": 40_960, "reasons": True},
    "deepseek*": {"context_tokens": 128_000},
    "deepseek-chat* | deepseek-v3*": _BLIND | {"answer_tokens": 8_192},
    "deepseek-r1* | deepseek-reasoner*": _BLIND | {"reasons": True},
    "phi-3* | phi3*": {"context_tokens": 4_096},
    "phi-3*128k* | phi-3.5* | phi3.5*": {"context_tokens": 131_072},
    "phi-4* | phi4*": _BLIND | {"context_tokens": 16_384},
    "phi-4-mini* | phi4-mini*": {"context_tokens": 131_072},
    "phi-4-multimodal*": {"context_tokens": 131_072, "sees_images": True},
    "phi-4-reasoning* | phi4-reasoning*": {"context_tokens": 32_768},
    "glm-4.[5-9]* | kimi-k2*": {"context_tokens": 131_072},
    "glm-4.[5-9]*": {"reasons": True},
    "command-r*": _BLIND | {"context_tokens": 128_000, "answer_tokens": 4_096},
    "smollm2*": _BLIND | {"context_tokens": 8_192},
    # Whoever says so in the name.
    "*thinking* | *reasoning* | *r1-distill*": {"reasons": True},
}
_PATTERNS = tuple(
    (re.compile("|".join(map(translate, names.split(" | ")))), facts) for names, facts in _FAMILIES.items()
)
# The templates of these models begin the thoughts themselves, so that an answer has only the tag that ends them.
_BEGUN_BY_TEMPLATE = {
    re.compile(names): end
    for names, end in {
        r"exaone-deep": "</thought>",
        r"deepseek-r1|r1-distill|\bqwq|qwen3.*thinking|kimi-k2-thinking|glm-z1|minimax-m|olmo-3.*think|ernie.*thinking"
        r"|\bring-(?:lite|mini|flash|\d)|nemotron(?!.*instruct|-4|-mini)": "</think>",
    }.items()
}
_AZURE = ".azure.com"
# `us.anthropic.`, `meta.` and the like.
_VENDORS = re.compile(r"(?:[a-z]+\.)+(?=[a-z])")


def family_names() -> list[str]:
    """A name of each family, for whoever looks for the right one."""
    names = (name.strip("*") for names in _FAMILIES for name in names.split(" | ") if "[" not in name)
    return sorted({name for name in names if name and "*" not in name})


@lru_cache(_NAMES_KEPT)
def family(name: str) -> Family | None:
    """What is known of a model of this name; None: nothing."""
    bare = _bare(name)
    found = [facts for pattern, facts in _PATTERNS if pattern.fullmatch(bare)]
    if not found:
        return None
    known = Family()
    for facts in found:
        known = replace(known, **facts)
    return known


def _bare(name: str) -> str:
    """The model's own name, without the vendor, the folder or the packager before it."""
    last = re.split(r"[/\\]", name.strip().lower())[-1]
    return _VENDORS.sub("", last, count=1).removeprefix("meta-").removesuffix(".gguf").replace("_", "-")


@lru_cache(_NAMES_KEPT)
def reasoning(chosen: ChosenModel) -> dict[str, str]:
    """The reasoning parameters of a call; empty for a model that accepts none."""
    known = family(chosen.family or chosen.name)
    if known is None or not known.efforts or not chosen.traits.takes_effort:
        return {}
    parameters: dict[str, str] = {}
    if chosen.reasoning_effort is not None:
        parameters["effort"] = known.effort(chosen.reasoning_effort, takes_max=not _is_azure(chosen)).value
    if known.recalls:
        parameters["context"] = "all_turns"
    return parameters


@lru_cache(_NAMES_KEPT)
def end_of_first_thoughts(chosen: ChosenModel) -> str | None:
    """The tag that ends the thoughts with which its answers begin; None: they begin otherwise, or with a first tag."""
    name = (chosen.family or chosen.name).lower().replace("_", "-")
    return next((end for names, end in _BEGUN_BY_TEMPLATE.items() if names.search(name)), None)


def _is_azure(chosen: ChosenModel) -> bool:
    """Azure is not known to accept the highest effort."""
    return chosen.provider == Provider.AZURE or _AZURE in chosen.address.base_url
