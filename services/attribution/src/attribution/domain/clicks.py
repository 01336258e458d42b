"""Whose click it was, and what a person's sightings add up to.

A click belongs to the visitor that it names, else to the canonically first who was met with its
token. The owner's share view adds no touch; anybody else's is a touch of its own. A click that was
never heard is rebuilt from a conversion's token: it is the same touch.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import UTC, date, datetime

from shared_schemas import ids
from shared_schemas.words import TouchKind

from .values import Counted, Form, Identifier, Sighting, Touch, value_of

_KINDS: Mapping[Form, TouchKind] = {
    Form.CLICK: TouchKind.CLICK,
    Form.SHARE: TouchKind.SHARE_VIEW,
    Form.TOKEN: TouchKind.SHARE_VIEW,
    Form.CODE: TouchKind.CODE,
    Form.LEAD: TouchKind.LEAD,
}


def journey(sightings: Iterable[Sighting], members: Set[Identifier]) -> list[Touch]:
    """The touches of the person who is `members`, in order of time.

    `sightings` are the members' own and all others of the same clicks.
    """
    of_click: dict[str, list[Sighting]] = defaultdict(list)
    touches: list[Touch] = []
    for sighting in sightings:
        if sighting.click_id is not None:
            of_click[sighting.click_id].append(sighting)
        elif sighting.identifier in members:
            touches.append(_touch(sighting, sighting.sighting_id, sighting.at))
    for click_id, seen in of_click.items():
        touches += _of_click(click_id, seen, members)
    return sorted(touches, key=lambda touch: (touch.at, touch.touch_id))


def _of_click(click_id: str, seen: Sequence[Sighting], members: Set[Identifier]) -> Iterable[Touch]:
    owner = _owner(seen)
    click = _click(seen)
    touches = []
    if owner is not None and owner.identifier in members:
        touches.append(_click_touch(click_id, click, owner, seen))
    owned_by = owner.identifier if owner else None
    for sighting in seen:
        theirs = sighting.identifier in members and sighting.identifier != owned_by
        if theirs and sighting.form is Form.SHARE:
            touches.append(_touch(sighting, sighting.sighting_id, sighting.at))
    tokens = [s for s in seen if s.form is Form.TOKEN and s.identifier in members]
    for sighting in sorted(tokens, key=lambda s: (s.at, s.sighting_id)):
        # A conversion's token is news only if the person had not met the click by then.
        if all(touch.at > sighting.at for touch in touches):
            view_id = ids.share_view_id(click_id, value_of(sighting.identifier or ""))
            touches = [touch for touch in touches if touch.touch_id != view_id]
            touches.append(_touch(sighting, view_id, sighting.at))
    return touches


def _click(seen: Iterable[Sighting]) -> Sighting | None:
    return next((sighting for sighting in seen if sighting.form is Form.CLICK), None)


def _owner(seen: Sequence[Sighting]) -> Sighting | None:
    """The sighting by which the click is somebody's."""
    click = _click(seen)
    if click is not None and click.identifier is not None:
        return click
    claims = [s for s in seen if s.form is not Form.CLICK and s.identifier is not None]
    return min(claims, key=lambda s: (s.at, s.identifier or "", s.sighting_id), default=None)


def _click_touch(
    click_id: str, click: Sighting | None, owner: Sighting, seen: Iterable[Sighting]
) -> Touch:
    told = click or owner
    assert owner.identifier is not None
    return Touch(
        touch_id=click.sighting_id if click else ids.touch_id(click_id),
        kind=TouchKind.CLICK,
        code=told.code,
        at=_clicked_at(click, owner, seen),
        identifier=owner.identifier,
        consented=owner.consented,
        heard=told.heard,
        trace_id=told.trace_id,
    )


def _clicked_at(click: Sighting | None, owner: Sighting, seen: Iterable[Sighting]) -> datetime:
    if click is not None:
        return click.at
    return min((s.clicked_at for s in seen if s.clicked_at is not None), default=owner.at)


def _touch(sighting: Sighting, touch_id: str, at: datetime) -> Touch:
    assert sighting.identifier is not None
    return Touch(
        touch_id=touch_id,
        kind=_KINDS[sighting.form],
        code=sighting.code,
        at=at,
        identifier=sighting.identifier,
        consented=sighting.consented,
        heard=sighting.heard,
        trace_id=sighting.trace_id,
    )


def absorbed(known: Mapping[str, Sighting], told: Iterable[Sighting]) -> dict[str, Sighting]:
    """The sightings that are new or are now known to have been heard earlier, by id."""
    changed: dict[str, Sighting] = {}
    for sighting in told:
        before = changed.get(sighting.sighting_id) or known.get(sighting.sighting_id)
        if before is None or sighting.heard < before.heard:
            changed[sighting.sighting_id] = sighting
    return changed


def counted(seen: Sequence[Sighting]) -> dict[str, Counted | None]:
    """Where each sighting of one click counts, by sighting id: all of them, whoever heard them."""
    click, owner = _click(seen), _owner(seen)
    places: dict[str, Counted | None] = {}
    for sighting in seen:
        if sighting is (click or owner):
            clicked_at = _clicked_at(click, sighting, seen)
            places[sighting.sighting_id] = Counted(TouchKind.CLICK, _day(clicked_at))
        elif sighting.form is not Form.SHARE or (
            owner is not None and sighting.identifier == owner.identifier
        ):
            places[sighting.sighting_id] = None
        else:
            places[sighting.sighting_id] = Counted(TouchKind.SHARE_VIEW, _day(sighting.at))
    return places


def counted_alone(sighting: Sighting) -> Counted:
    """Where a sighting without a click counts."""
    return Counted(_KINDS[sighting.form], _day(sighting.at))


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
