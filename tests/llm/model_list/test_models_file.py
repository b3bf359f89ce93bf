"""The operator's file of models: each mistake is one sentence, and no sentence tells a key."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from neo.llm import (
    DialectName,
    Models,
    ModelsFileInvalid,
    ModelSpec,
    ModelUnknown,
    Price,
    ProviderNotConfigured,
    ProviderSettings,
    Tier,
    read_models_file,
    resolved,
)

Write = Callable[[str], str]

SECRET = "sk-not-to-be-told-0123456789"
SETTINGS = ProviderSettings(openai_api_key=SECRET, openai_region="eu")
WHOLE = """
[models.support]
dialect = "chat_completions"
url = "http://vllm:8000/v1/"
key = "env:VLLM_KEY"
model = "Qwen/Qwen3-32B"
family = "qwen3"
context_tokens = 40_000
answer_tokens = 4096
sees_images = true
reasons = false
takes_tools = false
system_role = "none"
stream_options = false
answer_limit = "max_completion_tokens"
thinking_seconds = 300
region = "here"
price = { input = 0.5, cached = 0.1, output = 1.5 }
"""
SHORT = '[models.a]\ndialect = "chat_completions"\nurl = "http://here/v1"\nmodel = "{model}"\n'
BASE = SHORT.format(model="m")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> str:
        path = tmp_path / "models.toml"
        path.write_text(text)
        return str(path)

    return write


def models_of(path: str, **environment: str) -> Models:
    listed = resolved(read_models_file(path), SETTINGS, environment)
    return Models(next(iter(listed.values())), ModelSpec.parse("openai:gpt-5"), SETTINGS, listed)


def test_what_the_operator_says_holds(write: Write) -> None:
    chosen = models_of(write(WHOLE), VLLM_KEY=SECRET).choose(Tier.FAST, "support", None)

    assert (chosen.name, chosen.dialect) == ("Qwen/Qwen3-32B", DialectName.CHAT_COMPLETIONS)
    assert (chosen.address.base_url, chosen.address.api_key) == ("http://vllm:8000/v1", SECRET)
    assert (chosen.provider, chosen.region, chosen.family) == ("support", "here", "qwen3")
    assert (chosen.prompt_tokens_max, chosen.answer_tokens_max) == (40_000 - 4_096, 4_096)
    assert (chosen.sees_images, chosen.traits.reasons, chosen.traits.takes_tools) == (True, False, False)
    assert (chosen.traits.system_role, chosen.traits.stream_options) == ("none", False)
    assert chosen.traits.answer_limit == "max_completion_tokens"
    assert chosen.price == Price(input=Decimal("0.5"), cached=Decimal("0.1"), output=Decimal("1.5"))
    assert SECRET not in repr(chosen)


@pytest.mark.parametrize(
    ("model", "said", "tokens", "reasons"),
    [
        ("m", "", (112_000 - 384, 16_384), False),
        ("m", "context_tokens = 8192", (4_096, 4_096), False),
        ("chat-prod", 'family = "o3"', (200_000 - 16_384, 16_384), True),
        ("chat-prod", 'family = "deepseek-chat"', (128_000 - 8_192, 8_192), False),
        ("deepseek/deepseek-r1:free", "", (128_000 - 16_384, 16_384), True),
        ("deepseek/deepseek-r1:free", "reasons = false\nanswer_tokens = 20000", (108_000, 20_000), False),
    ],
)
def test_a_family_fills_in_what_the_operator_does_not_say(
    write: Write, model: str, said: str, tokens: tuple[int, int], *, reasons: bool
) -> None:
    chosen = models_of(write(SHORT.format(model=model) + said)).choose(Tier.FAST, "a", None)

    assert (chosen.prompt_tokens_max, chosen.answer_tokens_max) == tokens
    assert chosen.traits.reasons is reasons


def test_a_model_of_a_provider_has_its_address_and_key_and_is_recorded_under_it(write: Write) -> None:
    path = write('[models.a]\nprovider = "openai"\nmodel = "gpt-4o"\ncontext_tokens = 50_000')

    chosen = models_of(path).choose(Tier.FAST, "a", None)

    assert (chosen.provider, chosen.region, chosen.address.api_key) == ("openai", "eu", SECRET)
    assert chosen.continues
    assert chosen.prompt_tokens_max == 50_000 - 16_384


@pytest.mark.parametrize("name", ["openai:gpt-4o", "b", "A", ""])
def test_with_a_file_no_other_model_can_be_chosen(write: Write, name: str) -> None:
    models = models_of(write(BASE))

    assert models.choose(Tier.FAST, "openai:gpt-5", None).name == "gpt-5"
    with pytest.raises(ModelUnknown) as refused:
        models.list.find(name)
    assert refused.value.code == "model_unknown"
    assert refused.value.details["models"] == ["a", "openai:gpt-5"]


def test_a_key_may_be_in_a_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{SECRET}\n")

    chosen = models_of(write(f'{BASE}key = "file:{tmp_path}/key"')).choose(Tier.FAST, "a", None)

    assert chosen.address.api_key == SECRET


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("contxt_tokens = 1", "`contxt_tokens` is not a key. Did you mean `context_tokens`?"),
        (f'key = "{SECRET}"', "`key` must be `env:NAME` or `file:/path`, never the key itself."),
        ('key = "file:relative"', "`key` must be"),
        ('key = ["env:A"]', "`key` must be"),
        (
            "context_tokens = 100",
            "`context_tokens` must be a whole number of tokens from 1,024 to 1,000,000,000.",
        ),
        ("context_tokens = 1_000_000_001", "from 1,024 to 1,000,000,000."),
        ("context_tokens = true", "`context_tokens` must be"),
        ("context_tokens = 8192.5", "`context_tokens` must be"),
        ("answer_tokens = 0", "`answer_tokens` must be"),
        ("context_tokens = 4096\nanswer_tokens = 4096", "`answer_tokens` must leave room"),
        ("sees_images = 'yes'", "`sees_images` must be true or false."),
        ("system_role = 'assistant'", "`system_role` must be one of system, developer, none."),
        ("answer_limit = 'max_token'", "Did you mean `max_tokens`?"),
        ("thinking_seconds = 0", "`thinking_seconds` must be a number of seconds"),
        (
            "thinking_seconds = -1",
            "`thinking_seconds` must be a number of seconds, more than 0 and at most 600.",
        ),
        ("thinking_seconds = inf", "`thinking_seconds` must be a number of seconds"),
        ("family = 'qwen3x'", "`family` is not a family that Neo knows"),
        ("family = 'deepsek-chat'", "Did you mean `deepseek-chat`?"),
        ("price = 1", "`price` must be { input"),
        ("price = { input = 1 }", "`price` must be { input"),
        ("price = { input = 1, output = 1, reasoning = 1 }", "`price` must be { input"),
        ("price = { input = -1, output = 1 }", "`price` must have numbers from 0 to 1,000,000,000, with"),
        ("price = { input = nan, output = 1 }", "`price` must have numbers from 0 to 1,000,000,000, with"),
        ("price = { input = 1e10, output = 1 }", "`price` must have numbers"),
        ("price = { input = 1e-13, output = 1 }", "at most 12 places behind the point."),
        ("price = { input = 1, output = 1e-999999 }", "at most 12 places behind the point."),
        ("prise = { input = 1, output = 1 }", "`prise` is not a key. Did you mean `price`?"),
        ("continues = true", "`continues` goes with the dialect responses only."),
        ("region = ''", "`region` must be a text of one line."),
        ("provider = 'openai'", "`dialect` does not go with `provider`"),
    ],
)
def test_a_mistake_is_a_sentence_that_names_file_model_and_key(write: Write, said: str, problem: str) -> None:
    path = write(BASE + said)

    with pytest.raises(ModelsFileInvalid) as refused:
        read_models_file(path)

    assert refused.value.message.startswith(f"{path}: model `a`: ")
    assert problem in refused.value.message
    assert SECRET not in refused.value.message


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "has no model"),
        ("models = 5", "has no model"),
        ("[modles.a]", "`modles` is not a key. Did you mean `models`?"),
        ("[models.a", "is not TOML"),
        ("[models]\na = 5", "model `a`: it must be a table"),
        ('[models."a:b"]', "a model's name must be letters"),
        ("[models.a]", "`model` is missing"),
        ("[models.a]", "`dialect` is missing; or name a `provider`"),
        ('[models.a]\nprovider = "opnai"\nmodel = "m"', "Did you mean `openai`?"),
        (BASE.replace("chat_completions", "chat-completions"), "Did you mean `chat_completions`?"),
        (BASE.replace("http://here/v1", f"http://user:{SECRET}@here/v1"), "`url` must hold no password"),
        (BASE.replace("http://here/v1", "here:8000"), "`url` must be an address"),
        (BASE.replace("http://here/v1", "http://here/v1?api-version=1"), "`url` must end with its path"),
        # A name with a dot needs quotes, or TOML makes it two tables.
        ('[models.gpt-4.1]\nmodel = "m"', 'a name with a dot needs quotes, as in [models."gpt-4.1"].'),
        (
            BASE + BASE.replace("models.a", "models.A"),
            "model `A`: its name differs from that of `a` only by case.",
        ),
        (
            BASE.replace("chat_completions", "responses") + 'answer_limit = "max_tokens"',
            "`answer_limit` goes with the dialect chat_completions only.",
        ),
        (
            '[models.a]\nprovider = "anthropic"\nmodel = "m"\nanswer_limit = "max_tokens"',
            "`answer_limit` goes with the dialect chat_completions only.",
        ),
    ],
)
def test_a_file_that_cannot_be(write: Write, text: str, problem: str) -> None:
    with pytest.raises(ModelsFileInvalid) as refused:
        read_models_file(write(text))

    assert problem in refused.value.message
    assert SECRET not in refused.value.message


def test_a_byte_order_mark_is_no_mistake(write: Write) -> None:
    assert set(read_models_file(write(f"\ufeff{BASE}")).entries) == {"a"}


def test_all_mistakes_are_told_at_once(write: Write) -> None:
    path = write(f"{BASE}sees_image = true\n{BASE.replace('models.a', 'models.b')}reason = true")

    with pytest.raises(ModelsFileInvalid, match=r"`a`: `sees_image`.*`b`: `reason`"):
        read_models_file(path)


@pytest.mark.parametrize("file", ["missing.toml", "."])
def test_a_file_that_is_not_there(tmp_path: Path, file: str) -> None:
    with pytest.raises(ModelsFileInvalid, match="cannot be read"):
        read_models_file(str(tmp_path / file))


@pytest.mark.parametrize(
    ("said", "environment", "problem"),
    [
        ('key = "env:KEY"', {}, "`key`: `env:KEY` is not set."),
        ('key = "env:KEY"', {"KEY": " "}, "`key`: `env:KEY` is not set."),
        ('key = "env:KEY"', {"KEY": f"{SECRET}\nmore"}, "`key`: what `env:KEY` holds is no key"),
        ('key = "env:KEY"', {"KEY": f"{SECRET}é"}, "`key`: what `env:KEY` holds is no key"),
        ('key = "file:/nowhere/key"', {}, "`key`: `file:/nowhere/key` cannot be read: No such file"),
    ],
)
def test_a_reference_that_leads_to_no_key(
    write: Write, said: str, environment: dict[str, str], problem: str
) -> None:
    path = write(BASE + said)

    with pytest.raises(ModelsFileInvalid) as refused:
        models_of(path, **environment)

    assert refused.value.message.startswith(f"{path}: model `a`: {problem}")
    assert SECRET not in refused.value.message


def test_a_provider_that_is_not_set_up_is_named(write: Write) -> None:
    path = write('[models.a]\nprovider = "anthropic"\nmodel = "claude-sonnet-5"')

    with pytest.raises(ModelsFileInvalid, match=r"model `a`: `provider`: .*NEO_ANTHROPIC_API_KEY"):
        models_of(path)


def test_without_a_file_a_model_of_a_provider_that_is_set_up_is_taken() -> None:
    spec = ModelSpec.parse("openai:gpt-5")
    models = Models(spec, spec, SETTINGS)

    assert models.list.checked(" openai:gpt-4o ") == "openai:gpt-4o"
    with pytest.raises(ModelUnknown):
        models.list.checked("anthropic:claude-sonnet-5")
    with pytest.raises(ProviderNotConfigured):
        models.choose(Tier.FAST, "anthropic:claude-sonnet-5", None)
