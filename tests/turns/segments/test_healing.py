"""Sessions heal: what a provider refuses because of what was sent is sent otherwise, within few calls, and the next
turn makes one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from neo.attachments import Attachment
from neo.blobs import BlobAccess, BlobLocation, BlobStore
from neo.llm import Models, ModelSpec, ProviderSettings
from neo.sessions import ChatMessage
from neo.turns.models import ChatTurn
from support.images import image
from turns.conftest import Engines
from turns.driving import Process
from turns.segments.strict_provider import (
    Body,
    Refused,
    Rule,
    StrictProvider,
    answer_limit,
    has_images,
    has_system,
    is_blank,
    refuses,
    repeats_a_role,
    strict_provider,
    texts,
    window,
)
from turns.stage import Stage

VLLM = (
    "This model's maximum context length is {window} tokens. However, you requested {total} tokens ({prompt} in the "
    "messages, {answer} in the completion). Please reduce the length of the messages or completion."
)
NO_NUMBERS = "the request exceeds the available context size. try increasing the context size"
MODELS = ["openai:some-model", "compatible:some-model", "anthropic:claude-x"]
each_model = pytest.mark.parametrize("model", MODELS)


@dataclass
class Session:
    """A session with a model of a provider that a test brings along."""

    stage: Stage
    process: Process
    provider: StrictProvider
    calls: int = 0

    async def says(self, message: str) -> tuple[ChatTurn, int]:
        """The turn of this message, once it has ended, and how many calls it made."""
        before = len(self.provider.asked)
        task = await self.stage.claimed(asked=message)
        await self.process.drive(task)
        return await self.stage.turn(task.turn), len(self.provider.asked) - before


@asynccontextmanager
async def session(
    engines: Engines,
    model: str,
    *rules: Rule,
    answers: tuple[str, ...] = ("ok",),
    blobs: BlobStore | None = None,
) -> AsyncIterator[Session]:
    async with strict_provider(*rules, answers=answers) as provider:
        settings = ProviderSettings(
            openai_api_key="key",
            openai_base_url=f"{provider.url}/v1",
            compatible_base_url=f"{provider.url}/v1",
            anthropic_api_key="key",
            anthropic_base_url=provider.url,
        )
        spec = ModelSpec.parse(model)
        models = Models(spec, spec, settings)
        stage = await Stage.open(engines.database, engines.owner, engines.valkey, model=model)
        process = Process(engines.database, engines.valkey, models, blobs=blobs)
        yield Session(stage, process, provider)
        await process.aclose()
        await models.aclose()


@each_model
@pytest.mark.parametrize(
    "rule",
    [
        window(8_192, VLLM),
        window(8_192, NO_NUMBERS),
        refuses(
            lambda body: answer_limit(body) > 4_096,
            "max_tokens is too large: 16384. This model supports at most 4096 completion tokens.",
        ),
        refuses(lambda body: answer_limit(body) > 4_096, "max_tokens is too high"),
        refuses(
            lambda body: "reasoning" in str(body),
            "Unsupported parameter: 'reasoning_effort' is not supported.",
        ),
        refuses(lambda body: "stream_options" in body, 'json: unknown field "stream_options"'),
        refuses(
            lambda body: "max_tokens" in body and "stream_options" in body,
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead",
        ),
        refuses(has_system, "System role not supported"),
        refuses(has_system, "Conversation roles must alternate user/assistant/user/assistant/...", 500),
        refuses(has_system, "Only user and assistant roles are supported!"),
        refuses(lambda body: body.get("store") is True, "Store must be set to false"),
        refuses(lambda body: "all_turns" in str(body), "Unknown parameter: 'reasoning.context'."),
        refuses(
            lambda body: "max_tokens" in body and "stream_options" in body,
            "Unrecognized request argument supplied: max_tokens",
        ),
    ],
    ids=[
        "vllm",
        "no numbers",
        "answer limit",
        "answer limit unsaid",
        "effort",
        "stream options",
        "limit's name",
        "system role",
        "alternation",
        "two roles",
        "store",
        "earlier reasoning",
        "limit's other name",
    ],
)
async def test_the_first_word_to_a_small_model_is_answered_and_the_next_at_once(
    engines: Engines, model: str, rule: Rule
) -> None:
    async with session(engines, model, rule) as small:
        first, first_calls = await small.says("hi")
        second, second_calls = await small.says("and?")

    assert (first.status, second.status) == ("COMPLETED", "COMPLETED")
    assert first_calls <= 2
    assert second_calls == 1


@each_model
@pytest.mark.parametrize(
    "rule",
    [
        window(4_096, VLLM),
        window(4_096, NO_NUMBERS),
        # A script for which the estimate is too low.
        window(4_096, VLLM, per_character=1.0),
        window(4_096, NO_NUMBERS, per_character=1.0, with_answer=False),
    ],
    ids=["vllm", "no numbers", "dear", "dear, no numbers"],
)
async def test_a_transcript_that_outgrows_the_window_costs_a_call_now_and_then(
    engines: Engines, model: str, rule: Rule
) -> None:
    forgets = refuses(continues, "Responses are not kept here.")
    async with session(engines, model, forgets, rule, answers=("word " * 60,)) as growing:
        ended = [await growing.says("another " * 60) for _ in range(50)]

    assert {turn.status for turn, _ in ended} == {"COMPLETED"}
    assert sum(calls for _, calls in ended) <= 50 + 5
    assert (ended[-1][0].omitted_messages or 0) > 0


@each_model
async def test_words_that_nobody_knows_do_not_end_a_session(engines: Engines, model: str) -> None:
    forgets = refuses(continues, "Responses are not kept here.")
    rule = window(2_048, "Computer says no.", with_answer=False)
    async with session(engines, model, forgets, rule, answers=("word " * 60,)) as growing:
        ended = [await growing.says("another " * 60) for _ in range(20)]

    assert {turn.status for turn, _ in ended} == {"COMPLETED"}
    assert sum(calls for _, calls in ended) <= 20 + 10


@each_model
@pytest.mark.parametrize(
    "rule",
    [
        refuses(lambda body: body.get("store") is True, "Bad Request"),
        refuses(lambda body: "effort" in str(body) or "thinking" in body, "messages 参数非法。请检查文档。"),
        refuses(has_system, "Bad Request"),
        refuses(lambda body: answer_limit(body) > 4_096, "Bad Request"),
        refuses(lambda body: "look_up" in str(body) and "was called with" not in str(body), "Bad Request"),
        # Known words that no mend helps: the name of a model, say, was read as what it refuses.
        refuses(has_system, "This model doesn't support the image content block that you provided."),
    ],
    ids=["store", "effort", "system role", "answer limit", "calls", "misread"],
)
async def test_what_is_refused_in_unknown_words_is_found_and_then_remembered(
    engines: Engines, model: str, rule: Rule
) -> None:
    async with session(engines, model, rule, answers=("={}", "ok", "ok", "={}", "ok", "ok")) as odd:
        ended = [await odd.says("hi") for _ in range(4)]

    assert [turn.status for turn, _ in ended] == ["COMPLETED"] * 4
    assert sum(calls for _, calls in ended[:3]) <= 3 * (2 + 3)
    assert ended[-1][1] <= 2


@each_model
async def test_one_refusal_that_nobody_understands_changes_no_later_turn(
    engines: Engines, model: str
) -> None:
    once = iter([True])
    async with session(
        engines, model, refuses(lambda _: next(once, False), "Something went wrong")
    ) as hiccup:
        _, calls = await hiccup.says("hi")
        after, _ = await hiccup.says("and?")

    first, _, next_asked = hiccup.provider.asked
    assert (calls, after.status) == (2, "COMPLETED")
    for field in ("reasoning", "store", "thinking", "output_config", "reasoning_effort"):
        assert next_asked.get(field) == first.get(field)


@each_model
async def test_a_first_message_that_is_refused_in_unknown_words_is_asked_three_times_more(
    engines: Engines, model: str
) -> None:
    async with session(engines, model, refuses(lambda _: True, "Computer says no.")) as refusing:
        turn, calls = await refusing.says("hi")

    # Without the agent's reasoning effort, without a role for its instructions, and for a short answer.
    assert (turn.error_code, calls) == ("provider_rejected", 4)


@each_model
@pytest.mark.parametrize(
    "words",
    [
        "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        "Input should be 'system', 'user' or 'assistant'",
        # The system role is mended first, and then the calls.
        "Only user and assistant roles are supported!",
        "messages.2.content: Input should be a valid string",
    ],
)
async def test_calls_are_told_as_text_where_a_server_takes_none(
    engines: Engines, model: str, words: str
) -> None:
    rule = refuses(lambda body: "look_up" in str(body) and "was called with" not in str(body), words)
    async with session(engines, model, rule, answers=("={}", "ok")) as plain:
        first, first_calls = await plain.says("hi")
        second, second_calls = await plain.says("and?")

    assert (first.status, second.status) == ("COMPLETED", "COMPLETED")
    assert first_calls <= 4
    assert second_calls == 1


@each_model
async def test_what_came_with_a_call_goes_back_with_it_in_the_next_segment(
    engines: Engines, model: str
) -> None:
    demands = refuses(
        lambda body: (
            "look_up" in str(body) and "was called with" not in str(body) and "c2VhbGVk" not in str(body)
        ),
        "Function call is missing a thought_signature in functionCall parts.",
    )
    forgets = refuses(continues, "Responses are not kept here.")
    async with session(engines, model, forgets, demands, answers=("={}", "ok", "ok", "={}", "ok")) as strict:
        first, _ = await strict.says("hi")
        second, second_calls = await strict.says("and?")
        third, third_calls = await strict.says("and now?")

    assert [turn.status for turn in (first, second, third)] == ["COMPLETED"] * 3
    # Calls of earlier turns are told as text, which costs one call, once; those of the turn are still calls.
    assert (second_calls, third_calls) == (2, 2)
    assert "c2VhbGVk" in str(strict.provider.asked[-1])


@each_model
async def test_a_message_that_is_too_long_fails_and_the_next_is_answered(
    engines: Engines, model: str
) -> None:
    async with session(engines, model, window(4_096, VLLM)) as small:
        long, calls = await small.says("word " * 10_000)
        after, _ = await small.says("hi")
        last, last_calls = await small.says("hi")

    assert (long.status, long.error_code, calls) == ("FAILED", "prompt_too_long", 1)
    assert (after.status, last.status, last_calls) == ("COMPLETED", "COMPLETED", 1)


@each_model
@pytest.mark.parametrize("answer", ["", "\n", " \t\n", '={"of": 1}'])
async def test_a_blank_answer_does_not_end_the_session(engines: Engines, model: str, answer: str) -> None:
    rules = (
        refuses(is_blank, "messages: text content blocks must contain non-whitespace text"),
        refuses(repeats_a_role, "Conversation roles must alternate user/assistant/user/assistant/..."),
    )
    async with session(engines, model, *rules, answers=(answer, answer, answer, "ok")) as strict:
        ended = [await strict.says("hi") for _ in range(3)]

    assert [turn.status for turn, _ in ended] == ["COMPLETED"] * 3
    assert strict.provider.answered == len(strict.provider.asked)


@pytest.mark.parametrize(
    ("words", "calls_next"),
    [
        ("Response with id 'resp_1' not found.", 1),
        ("litellm.BadRequestError: OpenAIException - Response with id 'resp_1' not found", 1),
        ("Previous responses are not supported", 1),
        ("what?", 1),
    ],
)
async def test_a_response_that_is_forgotten_in_any_words_costs_one_call(
    engines: Engines, words: str, calls_next: int
) -> None:
    async with session(engines, "openai:some-model", refuses(continues, words, 404)) as forgetful:
        ended = [await forgetful.says("hi") for _ in range(4)]

    assert [turn.status for turn, _ in ended] == ["COMPLETED"] * 4
    assert [calls for _, calls in ended] == [1, 2, calls_next, calls_next]
    assert texts(forgetful.provider.asked[-1]).count("hi") == 4


@each_model
@pytest.mark.parametrize(
    "arguments", ['{"d": "a\\u0000b"}', "[" * 900 + "]" * 900, '{"a": 1e400}', '"\\ud83d"']
)
async def test_arguments_that_cannot_be_stored_as_they_are_cost_no_call(
    engines: Engines, model: str, arguments: str
) -> None:
    async with session(engines, model, answers=(f"={arguments}", "ok")) as strange:
        turn, calls = await strange.says("hi")
        after, calls_after = await strange.says("and?")

    assert (turn.status, calls) == ("COMPLETED", 2)
    assert (after.status, calls_after) == ("COMPLETED", 1)


async def test_a_record_that_cannot_be_stored_fails_the_turn_with_one_call(engines: Engines) -> None:
    async with session(engines, "openai:some-model", answers=("unstorable", "ok")) as strange:
        await refuse_to_store(engines, "unstorable")
        turn, calls = await strange.says("hi")
        after, _ = await strange.says("hi")

    assert (turn.status, turn.error_code, calls) == ("FAILED", "record_not_storable", 1)
    assert after.status == "COMPLETED"


@each_model
async def test_a_picture_is_told_to_a_text_model_as_its_caption(
    engines: Engines, model: str, tmp_path: Path
) -> None:
    blobs = BlobStore(BlobLocation.parse(f"file://{tmp_path}"), BlobAccess())
    blind = refuses(has_images, "messages[0]: unknown variant `image_url`, expected `text`")
    async with session(engines, model, blind, blobs=blobs) as blind_now:
        [seen] = await blind_now.stage.write("Look", "I see a cat.", status="COMPLETED")
        await attach(blind_now.stage, blobs, seen)
        after, calls = await blind_now.says("and?")
        again, calls_again = await blind_now.says("and now?")

        new = await blind_now.stage.claimable()
        await attach(blind_now.stage, blobs, new)
        asked = len(blind_now.provider.asked)
        await blind_now.process.drive(await blind_now.stage.claim(new))
        refused = await blind_now.stage.turn(new)

    assert (after.status, calls) == ("COMPLETED", 2)
    assert (again.status, calls_again) == ("COMPLETED", 1)
    assert any('"alt":"a cat"' in one and "not shown" in one for one in texts(blind_now.provider.asked[1]))
    assert (refused.error_code, len(blind_now.provider.asked) - asked) == ("images_not_supported", 0)


@each_model
@pytest.mark.parametrize(
    ("words", "calls_next"),
    [
        # What has helped once may have been chance.
        ("messages 参数非法。请检查文档。", 2),
        ("At most 1 image(s) may be provided in one prompt.", 1),
    ],
)
async def test_earlier_pictures_are_told_where_they_are_refused_in_a_long_session(
    engines: Engines, model: str, words: str, calls_next: int, tmp_path: Path
) -> None:
    blobs = BlobStore(BlobLocation.parse(f"file://{tmp_path}"), BlobAccess())
    one_only = refuses(lambda body: str(body).count("data:image") + str(body).count("'base64'") > 1, words)
    async with session(engines, model, one_only, blobs=blobs) as session_:
        for _ in range(6):
            await session_.stage.write("word " * 400, "word " * 400, status="COMPLETED")
        [seen] = await session_.stage.write("Look", "I see a cat.", status="COMPLETED")
        await attach(session_.stage, blobs, seen)
        new = await session_.stage.claimable()
        await attach(session_.stage, blobs, new)
        await session_.process.drive(await session_.stage.claim(new))
        turn, calls = await session_.stage.turn(new), len(session_.provider.asked)
        after, calls_after = await session_.says("and?")

    assert (turn.status, calls) == ("COMPLETED", 2)
    assert has_images(session_.provider.asked[1])
    assert (after.status, calls_after) == ("COMPLETED", calls_next)


@each_model
@pytest.mark.parametrize("words", ["Could not process image", "You uploaded an unsupported image."])
async def test_a_picture_that_is_bad_in_itself_costs_two_calls_and_blinds_nobody(
    engines: Engines, model: str, words: str, tmp_path: Path
) -> None:
    blobs = BlobStore(BlobLocation.parse(f"file://{tmp_path}"), BlobAccess())
    is_bad = [True]
    bad = refuses(lambda body: is_bad[0] and has_images(body), words)
    async with session(engines, model, bad, blobs=blobs) as picky:
        await picky.says("hi")
        failed = await look(picky, blobs)
        asked = len(picky.provider.asked)
        after, calls = await picky.says("and without?")
        is_bad[0] = False
        seen = await look(picky, blobs)
        is_bad[0] = True
        # It is in what was said before now, so the model is asked without it.
        later, later_calls = await picky.says("and now?")

    assert (failed.error_code, asked) == ("attachment_invalid", 1 + 2)
    assert (after.status, calls, seen.status) == ("COMPLETED", 1, "COMPLETED")
    assert has_images(picky.provider.asked[4])
    assert (later.status, later_calls <= 2) == ("COMPLETED", True)


@each_model
@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("No endpoints found that support image input", 404),
        ("'messages.1.content' : value must be a string", 400),
    ],
)
async def test_a_picture_that_a_model_cannot_see_fails_its_turn_alone(
    engines: Engines, model: str, words: str, status: int, tmp_path: Path
) -> None:
    blobs = BlobStore(BlobLocation.parse(f"file://{tmp_path}"), BlobAccess())
    blind = refuses(has_images, words, status)
    async with session(engines, model, blind, blobs=blobs) as blind_now:
        new = await blind_now.stage.claimable()
        await attach(blind_now.stage, blobs, new)
        await blind_now.process.drive(await blind_now.stage.claim(new))
        refused = await blind_now.stage.turn(new)
        after, calls = await blind_now.says("a cat, then")

    assert (refused.status, refused.error_code) == ("FAILED", "images_not_supported")
    assert len(blind_now.provider.asked) == 2
    assert (after.status, calls) == ("COMPLETED", 1)


async def look(session_: Session, blobs: BlobStore) -> ChatTurn:
    """A message with a picture, once its turn has ended."""
    new = await session_.stage.claimable()
    await attach(session_.stage, blobs, new)
    await session_.process.drive(await session_.stage.claim(new))
    return await session_.stage.turn(new)


async def attach(stage: Stage, blobs: BlobStore, turn: ChatTurn) -> None:
    """A picture of a cat to the turn's message, made into pixels before."""
    path = f"pixels/{turn.id}"
    await blobs.put_new(path, image(), mime="image/png")
    async with stage.database.transaction(stage.tenant_id) as db:
        message = (await db.scalars(select(ChatMessage).where(ChatMessage.id == turn.user_message_id))).one()
        message.parts = [*message.parts, {"type": "file", "mediaType": "image/png", "url": "x"}]
        db.add(
            Attachment(
                id=uuid4(),
                tenant_id=stage.tenant_id,
                session_id=stage.session_id,
                blob_path=path,
                mime="image/png",
                alt="a cat",
                message_id=turn.user_message_id,
                position=1,
                size_bytes=1,
                stored_path=path,
                stored_mime="image/png",
                stored_bytes=1,
            )
        )


def continues(body: Body) -> bool:
    return "previous_response_id" in body


async def refuse_to_store(engines: Engines, words: str) -> None:
    """PostgreSQL refuses messages with these words, as it refuses what is no data of a column's type."""
    async with engines.owner.without_tenant() as owner:
        await owner.execute(
            text(
                "CREATE OR REPLACE FUNCTION refuse_words() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " RAISE EXCEPTION USING ERRCODE = 'untranslatable_character'; END $$"
            )
        )
        await owner.execute(
            text(
                "CREATE OR REPLACE TRIGGER refuse_words BEFORE INSERT ON chat_messages FOR EACH ROW"
                f" WHEN (NEW.parts::text LIKE '%{words}%') EXECUTE FUNCTION refuse_words()"
            )
        )


async def test_instructions_that_are_refused_stand_in_the_first_message_of_every_call(
    engines: Engines,
) -> None:
    refused = refuses(lambda body: "instructions" in body, "Argument not supported: instructions")
    async with session(engines, "openai:some-model", refused) as told:
        ended = [await told.says("hi") for _ in range(3)]

    assert [calls for _, calls in ended] == [2, 1, 1]
    instructions = told.provider.asked[0]["instructions"]
    assert all(texts(body)[0].startswith(instructions) for body in told.provider.asked[1:])


async def test_a_kept_response_that_outgrows_its_window_is_told_anew_with_as_much_as_fits(
    engines: Engines,
) -> None:
    """The provider counts what it keeps too."""
    kept: list[int] = []

    def too_long(body: Body) -> Refused | None:
        before = kept[-1] if continues(body) else 0
        size = before + sum(map(len, texts(body))) // 4
        if size > 4_096:
            words = (
                "Your input exceeds the context window of this model. Please adjust your input and try again."
            )
            return 400, {"error": {"message": words, "code": "context_length_exceeded"}}
        kept.append(size + 80)
        return None

    async with session(engines, "openai:some-model", too_long, answers=("word " * 60,)) as growing:
        ended = [await growing.says("another " * 60) for _ in range(50)]

    assert {turn.status for turn, _ in ended} == {"COMPLETED"}
    assert sum(calls for _, calls in ended) <= 50 + 20
    told_anew = [sum(map(len, texts(body))) // 4 for body in growing.provider.asked if not continues(body)]
    # Of what was sent and taken after the first time.
    assert min(told_anew[1:]) > 4_096 // 4
