"""Generated codes: no single error turns one into another."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_schemas.codes import ALPHABET, DRAWN, Form, canonical, form_of, generated, imitates

VALUES = st.lists(st.integers(0, len(ALPHABET) - 1), min_size=DRAWN, max_size=DRAWN)
CODES = VALUES.map(generated)
PLACES = (0, 1, 2, 3, 5, 6, 7, 8)  # around the hyphen


def with_character(code: str, place: int, character: str) -> str:
    return code[:place] + character + code[place + 1 :]


def exchanged(code: str, one: int, other: int) -> str:
    return with_character(with_character(code, one, code[other]), other, code[one])


@settings(deadline=None)
@given(CODES)
def test_every_substitution_of_one_character_is_detected(code: str) -> None:
    for place in PLACES:
        for character in ALPHABET.replace(code[place], ""):
            assert form_of(with_character(code, place, character)) is Form.MISTYPED


@settings(deadline=None)
@given(CODES)
def test_every_exchange_of_two_different_characters_is_detected(code: str) -> None:
    for one in PLACES:
        for other in PLACES:
            if code[one] != code[other]:
                assert form_of(exchanged(code, one, other)) is Form.MISTYPED


@given(VALUES, st.integers(0, DRAWN - 2), st.sampled_from(ALPHABET))
def test_every_twin_error_is_detected(values: list[int], place: int, other: str) -> None:
    values[place + 1] = values[place]
    code = generated(values).replace("-", "")
    if code[place] != other:
        assert canonical(code[:place] + other * 2 + code[place + 2 :]) is None


@given(CODES)
def test_a_code_is_read_in_any_case_and_grouping(code: str) -> None:
    bare = code.replace("-", "")
    for typed in (code, code.lower(), bare, f" {bare[:2]} {bare[2:]}", bare[:3] + "." + bare[3:]):
        assert canonical(typed) == code


@given(CODES)
def test_a_character_too_few_or_too_many_and_look_alikes_are_called_typing_errors(
    code: str,
) -> None:
    for typed in (code[:-1], code[1:], code + "A", "A" + code, "O" + code[1:], code[:-1] + "1"):
        assert canonical(typed) is None
        assert form_of(typed) is Form.MISTYPED


@pytest.mark.parametrize(
    "text", ["", "anna", "ANN-1", "SUMMER-2026-X", "\x00", "ü" * 8, "A" * 5_000]
)
def test_other_codes_are_nothing_of_ours(text: str) -> None:
    assert form_of(text) is Form.OTHER
    assert not imitates(text)


def test_two_draws_make_one_code_only_if_they_are_equal() -> None:
    assert generated([0] * DRAWN) == "2222-222" + ALPHABET[(1 - 0) % 31]
    assert len({generated([n, 0, 0, 0, 0, 0, 0]) for n in range(len(ALPHABET))}) == len(ALPHABET)


@pytest.mark.parametrize("values", [[], [0] * 6, [0] * 8, [31] + [0] * 6, [-1] + [0] * 6])
def test_what_was_not_drawn_makes_no_code(values: list[int]) -> None:
    with pytest.raises(ValueError, match="drawn"):
        generated(values)


@given(CODES)
def test_a_chosen_code_may_not_imitate_a_generated_one(code: str) -> None:
    assert not imitates(code)
    assert imitates(code.lower()) or code.lower() == code
    assert imitates(code.replace("-", ""))
    wrong = with_character(code, 0, ALPHABET[(ALPHABET.index(code[0]) + 1) % 31])
    assert imitates(wrong)
    assert imitates(wrong.lower())
    assert not imitates(wrong.replace("-", ""))  # a vanity code of eight characters stays free


def test_no_look_alikes_are_in_the_alphabet() -> None:
    assert len(ALPHABET) == 31
    assert not set("0O1IL") & set(ALPHABET)
