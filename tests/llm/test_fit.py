"""The prompt fits the model, and what is left out is the oldest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo.llm import Image, Prompt, PromptTooLong, Said, estimate_tokens, fit
from neo.llm.fit import TOKENS_PER_IMAGE

said = st.builds(Said, role=st.sampled_from(["user", "assistant"]), text=st.text(max_size=40))


def cost(prompt: Prompt) -> int:
    texts = [prompt.message, *([prompt.instructions] if prompt.instructions else [])]
    return sum(8 + estimate_tokens(text) for text in [*texts, *(one.text for one in prompt.transcript)])


@given(
    prompt=st.builds(
        Prompt,
        instructions=st.text(max_size=20),
        transcript=st.lists(said, max_size=12),
        message=st.text(max_size=20),
    ),
    tokens_max=st.integers(0, 400),
    answer_tokens=st.integers(0, 50),
)
def test_what_is_kept_fits_is_newest_and_begins_with_a_whole_exchange(
    prompt: Prompt, tokens_max: int, answer_tokens: int
) -> None:
    try:
        fitted = fit(prompt, tokens_max, answer_tokens)
    except PromptTooLong:
        bare = Prompt(prompt.instructions, (), prompt.message)
        assert cost(bare) + answer_tokens > tokens_max
        return

    kept = list(fitted.prompt.transcript)
    assert cost(fitted.prompt) + answer_tokens <= tokens_max
    assert kept == list(prompt.transcript)[fitted.omitted :]
    if fitted.omitted:
        assert not kept or kept[0].role == "user"


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
