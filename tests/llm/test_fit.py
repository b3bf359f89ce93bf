"""The prompt fits the model, and what is left out is the oldest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.rounds import a_round, all_rounds
from neo.llm import Image, Prompt, PromptTooLong, Round, Said, estimate_tokens, fit
from neo.llm.fit import TOKENS_PER_IMAGE

short_text = st.text(max_size=20)
rounds = st.lists(st.builds(a_round, short_text, short_text, short_text), max_size=4)
said = st.builds(Said, st.just("user"), st.text(max_size=40)) | st.builds(
    Said, st.just("assistant"), st.text(max_size=40), rounds=rounds
)


def cost(prompt: Prompt) -> int:
    texts = [prompt.message, *([prompt.instructions] if prompt.instructions else [])]
    texts += [one.text for one in prompt.transcript]
    return sum(8 + estimate_tokens(text) for text in texts) + sum(map(round_cost, all_rounds(prompt)))


def round_cost(one: Round) -> int:
    texts = [one.text, *(call.name for call in one.calls), *(outcome.text for outcome in one.outcomes)]
    arguments = sum(estimate_tokens(call.arguments_json) for call in one.calls)
    return sum(8 + estimate_tokens(text) for text in texts) + arguments


@given(
    prompt=st.builds(
        Prompt,
        instructions=st.text(max_size=20),
        transcript=st.lists(said, max_size=12),
        message=st.text(max_size=20),
        rounds=rounds,
    ),
    tokens_max=st.integers(0, 1_000),
    answer_tokens=st.integers(0, 50),
)
def test_what_is_kept_fits_is_newest_and_begins_with_a_whole_exchange(
    prompt: Prompt, tokens_max: int, answer_tokens: int
) -> None:
    try:
        fitted = fit(prompt, tokens_max, answer_tokens)
    except PromptTooLong:
        bare = Prompt(prompt.instructions, (), prompt.message, rounds=prompt.rounds[-1:])
        assert cost(bare) + answer_tokens > tokens_max
        return

    kept = list(fitted.prompt.transcript)
    assert cost(fitted.prompt) + answer_tokens <= tokens_max
    assert [(one.role, one.text) for one in kept] == [
        (one.role, one.text) for one in list(prompt.transcript)[fitted.omitted :]
    ]
    if fitted.omitted:
        assert not kept or kept[0].role == "user"


@given(
    transcript=st.lists(said, max_size=8),
    rounds=rounds,
    tokens_max=st.integers(0, 1_000),
)
def test_rounds_are_kept_whole_and_nothing_newer_than_what_is_kept_is_left_out(
    transcript: list[Said], rounds: list[Round], tokens_max: int
) -> None:
    prompt = Prompt("", transcript, "", rounds=rounds)
    try:
        fitted = fit(prompt, tokens_max)
    except PromptTooLong:
        return

    before, after = all_rounds(prompt), all_rounds(fitted.prompt)
    assert after == before[len(before) - len(after) :]
    assert fitted.omitted_rounds == len(before) - len(after)
    assert fitted.prompt.rounds[-1:] == tuple(rounds[-1:])
    if len(fitted.prompt.rounds) < len(rounds):
        assert fitted.prompt.transcript == ()


@given(st.text())
def test_every_text_has_a_price_and_no_part_costs_more_than_the_whole(text: str) -> None:
    assert estimate_tokens(text) >= (1 if text else 0)
    assert estimate_tokens(text[: len(text) // 2]) <= estimate_tokens(text)


def test_nothing_is_left_out_of_what_fits() -> None:
    transcript = (Said("user", "one"), Said("assistant", "1"), Said("user", "two"), Said("assistant", "2"))

    fitted = fit(Prompt("Be kind.", transcript, "three"), 1_000)

    assert (fitted.prompt.transcript, fitted.omitted) == (transcript, 0)


def test_a_user_message_goes_with_its_answer() -> None:
    transcript = (
        Said("user", "x" * 300),
        Said("assistant", "short"),
        Said("user", "b"),
        Said("assistant", "c"),
    )

    fitted = fit(Prompt("", transcript, "d"), 60)

    assert fitted.prompt.transcript == transcript[2:]
    assert fitted.omitted == 2


def test_a_message_that_alone_is_too_long_is_refused() -> None:
    with pytest.raises(PromptTooLong):
        fit(Prompt("", (), "x" * 1_000), 100)


def test_a_long_transcript_is_fitted_quickly() -> None:
    transcript = [Said("user" if n % 2 == 0 else "assistant", "word " * 200) for n in range(10_000)]

    fitted = fit(Prompt("", transcript, "hello"), 128_000)

    assert 0 < len(fitted.prompt.transcript) < 1_000


def test_an_image_has_a_price_and_goes_with_its_exchange() -> None:
    seen = Said("user", "look", images=(Image("image/png", b"x"),))
    transcript = (seen, Said("assistant", "I see."))

    roomy = fit(Prompt("", transcript, "and now?"), TOKENS_PER_IMAGE + 200)
    narrow = fit(Prompt("", transcript, "and now?"), TOKENS_PER_IMAGE)

    assert (roomy.prompt.transcript, roomy.omitted) == (transcript, 0)
    assert (narrow.prompt.transcript, narrow.omitted) == ((), 2)


def test_images_that_do_not_fit_are_refused() -> None:
    images = tuple(Image("image/png", b"x", alt="word " * 100) for _ in range(6))

    with pytest.raises(PromptTooLong):
        fit(Prompt("", (), "look", images), 6 * TOKENS_PER_IMAGE + 200)


def test_the_rounds_after_the_message_are_kept_before_any_exchange() -> None:
    transcript = (Said("user", "one"), Said("assistant", "1"))
    rounds = (a_round("", "look_up", "x" * 300), a_round("", "look_up", "found"))
    prompt = Prompt("", transcript, "two", rounds=rounds)

    roomy, narrow = fit(prompt, 400), fit(prompt, 100)

    assert (roomy.prompt.transcript, roomy.prompt.rounds) == (transcript, rounds)
    assert (narrow.prompt.transcript, narrow.prompt.rounds) == ((), rounds[1:])
    assert (narrow.omitted, narrow.omitted_rounds) == (2, 1)


def test_an_exchange_loses_its_oldest_rounds_before_its_words() -> None:
    rounds = (a_round("", "look_up", "x" * 300), a_round("", "look_up", "found"))
    answer = Said("assistant", "I found it.", rounds=rounds)

    fitted = fit(Prompt("", (Said("user", "find it"), answer), "thanks"), 100)

    assert [one.text for one in fitted.prompt.transcript] == ["find it", "I found it."]
    assert fitted.prompt.transcript[1].rounds == rounds[1:]
    assert (fitted.omitted, fitted.omitted_rounds) == (0, 1)


def test_a_newest_round_that_is_too_long_is_refused() -> None:
    with pytest.raises(PromptTooLong):
        fit(Prompt("", (), "hi", rounds=(a_round("", "look_up", "x" * 1_000),)), 100)
