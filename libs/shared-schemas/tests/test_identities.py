"""Identities, addresses, sealed data and keys: derived, canonical, unreadable."""

from uuid import NAMESPACE_URL, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_schemas import ids
from shared_schemas.keys import KeyKind, api_key_hash, new_api_key
from shared_schemas.matching import NotAnAddress, canonical_email, email_hash
from shared_schemas.sealed import (
    CannotOpen,
    Sealed,
    new_key_pair,
    new_subject_key,
    open_with,
    open_with_private,
    seal_to_public,
    seal_with,
)


def test_identities_are_frozen() -> None:
    """These literal ids were released; a change would orphan every stored row."""
    assert ids.touch_id("click-1") == "237cb8e6-8ce4-5b2e-bcf5-6a056b4b65f6"
    assert ids.conversion_id("sale", "Order 7") == "318f1759-a692-526e-9dbd-7b45c39b9082"
    assert ids.door_event_id("site", "m-1") == "ffeeb1c9-15ea-580f-b03f-ff0bb4205beb"


@given(st.text(st.characters(exclude_characters="\x1f", exclude_categories=["Cs"]), max_size=30))
def test_an_identity_is_a_uuid_of_version_5(part: str) -> None:
    namespace = uuid5(NAMESPACE_URL, "https://goodword.example/ids")
    assert ids.derived("kind", part) == str(uuid5(namespace, f"kind\x1f{part}"))


@pytest.mark.parametrize("spelling", ["order 7", " Order  7 ", "ORDER 7", "\uff2frder 7"])
def test_one_reference_in_four_spellings_is_one_conversion(spelling: str) -> None:
    assert ids.conversion_id("sale", spelling) == ids.conversion_id("sale", "Order 7")


@given(st.text(max_size=20), st.text(max_size=20))
def test_parts_cannot_run_into_each_other(left: str, right: str) -> None:
    if "\x1f" in left + right:
        with pytest.raises(ValueError, match="control character"):
            ids.derived("kind", left, right)
    elif left or right:
        assert ids.derived("kind", left, right) != ids.derived("kind", left + right, "x")


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("Ada.Lovelace+news@GMail.com", "adalovelace@gmail.com"),
        ("ada.lovelace@googlemail.com", "adalovelace@gmail.com"),
        ("Ada+x@example.com", "ada+x@example.com"),
        ("ada+x@outlook.com", "ada@outlook.com"),
        (" ada@bücher.example ", "ada@xn--bcher-kva.example"),
        ("ada@protonmail.com", "ada@proton.me"),
    ],
)
def test_one_mailbox_has_one_spelling(written: str, canonical: str) -> None:
    assert canonical_email(written) == canonical


@pytest.mark.parametrize(
    "text", ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@localhost", "+@gmail.com"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(NotAnAddress):
        canonical_email(text)


@given(st.text(max_size=300))
def test_no_text_breaks_the_canonical_form(text: str) -> None:
    try:
        canonical = canonical_email(text)
    except NotAnAddress:
        return
    assert canonical_email(canonical) == canonical


def test_a_hash_depends_on_the_deployments_key() -> None:
    assert email_hash("one", "ada@example.com") != email_hash("two", "ada@example.com")
    with pytest.raises(ValueError, match="empty"):
        email_hash("", "ada@example.com")


def test_what_is_sealed_to_a_day_key_opens_with_its_private_half_only() -> None:
    private, public = new_key_pair()
    sealed = seal_to_public(public, "day-2026-11-22", {"email": "ada@example.com"})
    assert "ada" not in sealed.model_dump_json()
    assert open_with_private(private, sealed) == {"email": "ada@example.com"}
    with pytest.raises(CannotOpen):
        open_with_private(new_key_pair()[0], sealed)


def test_a_subjects_key_opens_what_it_sealed_and_nothing_tampered_with() -> None:
    key = new_subject_key()
    sealed = seal_with(key, "subject-ada-1", {"name": "Ada"})
    assert open_with(key, sealed) == {"name": "Ada"}
    flipped = ("B" if sealed.ciphertext[0] == "A" else "A") + sealed.ciphertext[1:]
    with pytest.raises(CannotOpen):
        open_with(key, Sealed(key_id=sealed.key_id, ciphertext=flipped))


@pytest.mark.parametrize("kind", [KeyKind.PUBLISHABLE, KeyKind.SECRET, KeyKind.ADMIN])
def test_api_keys_are_random_named_for_their_kind_and_stored_as_hashes(kind: KeyKind) -> None:
    first, second = new_api_key(kind), new_api_key(kind)
    assert first != second
    assert first.startswith("gw_")
    assert first not in api_key_hash("pepper", first)
    assert api_key_hash("pepper", first) != api_key_hash("salt", first)
