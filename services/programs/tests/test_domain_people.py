"""Decisions on participants, links, keys and contacts."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs.domain import Organisation, State, plan
from programs.domain.contacts import (
    Submission,
    contact_after,
    counts,
    forgotten,
    personal_of,
)
from programs.domain.keys import last_day_to_destroy, revoke_key, rotate_key
from programs.domain.links import expire_link, revoke_link
from programs.domain.participants import forget_participant
from shared_schemas.events.programs import (
    KeyIssued,
    LinkIssued,
    ParticipantDeactivated,
    ParticipantEnrolled,
)
from shared_schemas.sealed import Sealed
from shared_schemas.states import LinkState

from .builders import (
    NOON,
    decided,
    document,
    key,
    link,
    market,
    participant,
    program,
    terms,
)


def test_participants_keep_a_dated_history_and_can_be_deactivated_and_come_back() -> None:
    planned = decided(
        document(),
        {"participants": [participant(active=False)]},
        {"participants": [participant(active=True)]},
    )
    after = planned.after.participants["ann"].data
    assert [(p.from_at, p.active) for p in after.history] == [
        (NOON, True),
        (NOON + timedelta(hours=1), False),
        (NOON + timedelta(hours=2), True),
    ]
    (gone,) = decided(document(), {"participants": [participant(active=False)]}).changes
    assert isinstance(gone.event, ParticipantDeactivated)


def test_an_address_is_matched_by_hash_and_never_told() -> None:
    (change,) = decided(
        document(), {"participants": [participant(email="other@example.com")]}
    ).changes
    assert change.contact == {"email": "other@example.com", "name": "Ann Example"}
    assert "example.com" not in repr(change)
    assert isinstance(change.event, ParticipantEnrolled)
    assert b"example.com" not in change.event.to_json()


def test_two_spellings_of_a_mailbox_have_one_hash_but_are_sealed_as_written() -> None:
    planned = decided(document(), {"participants": [participant(email="ANN@Example.com")]})
    (change,) = planned.changes
    assert [d.what for d in change.differences] == ["participant ann: contact"]


def test_a_forgotten_participant_is_no_longer_matched_and_can_be_sealed_again() -> None:
    state = decided(document()).after
    change = forget_participant(state.participants["ann"], terms())
    assert change is not None
    assert isinstance(change.event, ParticipantEnrolled)
    assert change.event.email_hash is None
    assert change.contact_digest is None


def test_a_link_given_away_remembers_its_owners() -> None:
    planned = decided(
        document(),
        {"participants": [participant(id="bob", email="bob@example.com")]},
        {"links": [link(participant="bob")]},
    )
    after = planned.after.links["ANN-1"]
    assert [(p.participant_id, p.from_at) for p in after.history] == [
        ("ann", NOON),
        ("bob", NOON + timedelta(hours=2)),
    ]


@pytest.mark.parametrize(
    "wanted", [link(program="other"), link(market="us"), link(destination="https://example.org")]
)
def test_a_revoked_link_can_become_nothing_else(wanted: dict) -> None:
    state = decided(
        document(markets=[market(), market(id="us")], programs=[program(), program(id="other")])
    ).after
    change = revoke_link(state.links["ANN-1"], terms())
    assert change is not None
    assert isinstance(change.event, LinkIssued)
    gone = State(
        markets=state.markets,
        programs=state.programs,
        participants=state.participants,
        links={"ANN-1": change.event},
    )
    assert revoke_link(change.event, terms()) is None
    planned = plan(gone, Organisation.model_validate({"links": [wanted]}), terms())
    assert "for ever" in planned.faults[0].problem


def test_a_link_expires_only_at_the_end_that_it_has_now() -> None:
    ends = NOON + timedelta(days=1)
    issued = decided(document(links=[link(expires_at=ends.isoformat())])).after.links["ANN-1"]
    assert expire_link(issued, ends - timedelta(hours=1)) is None
    change = expire_link(issued, ends)
    assert change is not None
    assert isinstance(change.event, LinkIssued)
    assert change.event.state is LinkState.EXPIRED
    assert expire_link(change.event, ends) is None


def test_publishable_and_secret_keys_never_share_a_source() -> None:
    planned = decided(document(keys=[key(), key(id="shop", kind="secret")]))
    assert "never share one" in planned.faults[0].problem


def test_a_rotated_key_keeps_its_source_and_its_old_raw_key_for_the_overlap() -> None:
    state = decided(document()).after
    fresh = terms(key_hashes={"web": "1" * 64})
    first, retired = rotate_key(state.keys["web"], timedelta(days=1), fresh)
    assert isinstance(first.event, KeyIssued)
    assert isinstance(retired.event, KeyIssued)
    assert (first.event.hash, first.event.revision) == ("1" * 64, 2)
    assert (retired.event.hash, retired.event.source) == ("0" * 64, "shop/web")
    assert retired.event.expires_at == NOON + timedelta(days=1)
    assert len(rotate_key(state.keys["web"], timedelta(0), fresh)) == 1


def test_a_revoked_key_stays_revoked() -> None:
    state = decided(document()).after
    change = revoke_key(state.keys["web"], terms(reason="leaked"))
    assert change is not None
    assert change.cause_id == "key/web/2"


def test_day_keys_are_destroyed_a_window_after_their_day_is_over() -> None:
    assert last_day_to_destroy(NOON).isoformat() == "2026-10-25"


@given(st.permutations(range(6)), st.integers(0, 5))
def test_the_newest_contact_counts_in_whatever_order_they_arrive(
    order: list[int], twice: int
) -> None:
    kept = None
    for number in [*order, twice]:
        # The second half comes at one moment: ties are broken by event id.
        at = NOON + timedelta(seconds=min(number, 3))
        submission = Submission(
            subject="s", event_id=f"e{number}", submitted_at=at, language=None, personal={}
        )
        if counts(kept, submission):
            kept = contact_after(kept, submission, Sealed(key_id="k", ciphertext=f"{number}"))
    assert kept is not None
    assert kept.event_id == "e5"


def test_what_was_submitted_before_it_was_forgotten_never_comes_back() -> None:
    def submitted(hours: int) -> Submission:
        at = NOON + timedelta(hours=hours)
        return Submission(
            subject="s", event_id=f"e{hours}", submitted_at=at, language="de", personal={}
        )

    sealed = Sealed(key_id="k", ciphertext="x")
    kept = contact_after(None, submitted(0), sealed)
    gone = forgotten(kept, NOON + timedelta(hours=2))
    assert gone is not None
    assert forgotten(gone, NOON + timedelta(hours=3)) is None
    assert not counts(gone, submitted(1))
    assert counts(gone, submitted(3))
    assert contact_after(gone, submitted(3), sealed).key_id != kept.key_id


def test_a_contact_keeps_how_to_reach_somebody_and_drops_the_rest() -> None:
    kept = {"email": "b@example.com", "phone": "+4930123456", "name": "Ben", "note": "mornings"}
    assert personal_of(kept | {"iban": "x"}) == kept
    assert personal_of({"phone": "+4930123456", "email": ""}) == {"phone": "+4930123456"}
