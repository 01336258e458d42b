"""What a document changes, and what it may not."""

from datetime import timedelta

import pytest
from programs.domain import plan
from programs.domain.programs import decide_status
from programs.domain.terms import Refused
from shared_schemas.events.programs import (
    ProgramPaused,
    ProgramVersionActivated,
)

from .builders import (
    NOON,
    decided,
    document,
    key,
    link,
    market,
    organisation,
    participant,
    program,
    terms,
)


def test_a_new_organisation_is_one_change_a_part_in_the_order_of_dependence() -> None:
    planned = decided(document())
    assert planned.faults == ()
    assert [change.cause_id for change in planned.changes] == [
        "market/eu/1",
        "program/friends/1",
        "participant/ann/1",
        "link/ANN-1/1",
        "key/web/1",
    ]


def test_the_same_document_again_changes_nothing() -> None:
    assert decided(document(), document()).changes == ()


def test_what_a_document_leaves_out_stays() -> None:
    planned = decided(
        document(), {"participants": [participant(tier="gold", email=None, name=None)]}
    )
    (change,) = planned.changes
    after = planned.after.participants["ann"].data
    assert after.email_hash is not None
    assert [period.tier for period in after.history] == ["standard", "gold"]
    assert [d.what for d in change.differences] == ["participant ann: tier"]


def test_a_changed_program_is_a_new_version_told_in_plain_words() -> None:
    rules = [{"name": "thanks", "triggers": ["purchase", "renewal"], "flat": "15 EUR"}]
    planned = decided(document(), document(programs=[program(hold="1d", rewards=rules)]))
    (change,) = planned.changes
    assert isinstance(change.event, ProgramVersionActivated)
    assert change.event.version == 2
    assert change.event.effective_at == NOON + timedelta(hours=1)
    assert {(d.what, d.before, d.after) for d in change.differences} == {
        ("program friends: hold", "5 seconds", "1 day"),
        ("program friends: rewards[thanks].triggers", "purchase", "purchase, renewal"),
        ("program friends: rewards[thanks].flat", "12.50 EUR", "15.00 EUR"),
    }


def test_a_version_cannot_take_effect_in_the_past_of_another() -> None:
    early = program(hold="1d", effective_at=(NOON - timedelta(days=1)).isoformat())
    planned = decided(document(), {"programs": [early]})
    assert planned.changes == ()
    assert "in the past of version 1" in planned.faults[0].problem
    assert planned.faults[0].conflict


def test_a_versions_date_cannot_be_moved() -> None:
    moved = program(effective_at=(NOON + timedelta(days=9)).isoformat())
    assert "cannot be moved" in decided(document(), {"programs": [moved]}).faults[0].problem


def test_a_hold_shorter_than_the_grace_of_a_market_of_its_links_is_refused() -> None:
    planned = decided(document(programs=[program(hold="4s")]))
    assert [fault.where for fault in planned.faults] == ["program friends"]
    assert "hold (4 seconds) is shorter than the grace (5 seconds)" in planned.faults[0].problem


def test_a_longer_grace_is_refused_where_a_running_program_does_not_hold_as_long() -> None:
    planned = decided(document(), {"markets": [market(policy={"grace": "1d"})]})
    assert "program friends" in planned.faults[0].where


def test_a_longer_grace_passes_when_the_hold_is_longer_from_the_same_moment_on() -> None:
    at = (NOON + timedelta(days=1)).isoformat()
    both = {
        "markets": [market(policy={"grace": "1d"}, effective_at=at)],
        "programs": [program(hold="1d", effective_at=at)],
    }
    assert decided(document(), both).faults == ()
    late = {
        **both,
        "programs": [program(hold="1d", effective_at=(NOON + timedelta(days=2)).isoformat())],
    }
    assert decided(document(), late).faults != ()


def test_unknown_references_are_named_with_the_nearest_known_one() -> None:
    planned = decided(document(links=[link(program="freinds", participant="bob", market="us")]))
    assert {fault.where: fault.problem for fault in planned.faults} == {
        "links[0].program": "there is no program 'freinds'; did you mean 'friends'?",
        "links[0].market": "there is no market 'us'; known: eu",
        "links[0].participant": "there is no participant 'bob'; known: ann",
    }


def test_a_link_needs_a_program_of_its_owners_group() -> None:
    planned = decided(document(programs=[program(group="employee")]))
    assert "ann is a customer, but friends is for employees" in planned.faults[0].problem


def test_twice_the_same_id_in_one_document_is_refused() -> None:
    planned = decided(document(keys=[key(), key()]))
    assert planned.faults[0].where == "keys[1]"


def test_pause_resume_and_end_are_revisions_and_the_end_is_for_ever() -> None:
    state = decided(document()).after
    change = decide_status("friends", state.programs["friends"], "paused", terms(reason="stock"))
    assert change is not None
    assert isinstance(change.event, ProgramPaused)
    assert (change.event.revision, change.event.reason) == (1, "stock")
    ended = decided(document(), {"programs": [program(status="ended")]}).after
    assert decide_status("friends", ended.programs["friends"], "ended", terms()) is None
    with pytest.raises(Refused, match="ended for ever"):
        decide_status("friends", ended.programs["friends"], "active", terms())
    again = plan(
        ended, organisation(programs=[program(hold="9d")]), terms(NOON + timedelta(days=1))
    )
    assert "ended for ever" in again.faults[0].problem


def test_an_operators_pause_survives_a_document_that_does_not_speak_of_it() -> None:
    paused = decided(document(), {"programs": [program(status="paused")]}).after
    assert plan(paused, organisation(), terms(NOON + timedelta(days=1))).changes == ()
