"""What came of a participant's influence on a person: one open referral for each program.

A referral opens when somebody identified was touched, at a lead, a typed code or a conversion;
never for the bare clicks of an anonymous browser.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace
from shared_schemas import ids
from shared_schemas.states import ReferralStage
from shared_schemas.words import Group, TouchKind

from .book import Book, latest
from .judging import standing_link
from .values import Heard, Identifier, Record, Touch, is_known
from .wording import opening_words


class Pair(NamedTuple):
    """Whose influence, in which program."""

    program_id: str
    participant_id: str


class Referral(Struct, frozen=True, kw_only=True):
    """One referral's whole state. It is its person's who has `identifier`."""

    referral_id: str
    revision: int
    program_id: str
    participant_id: str
    identifier: Identifier
    group: Group
    market_id: str
    stage: ReferralStage
    origin: TouchKind
    opened_at: datetime
    last_at: datetime  # of its touches
    changed_at: datetime
    reason: str = ""
    record_ids: tuple[str, ...] = ()
    sale_ids: tuple[str, ...] = ()
    other_ids: tuple[str, ...] = ()
    silent: bool = False  # closed because nothing more was heard; later touches open another

    @property
    def pair(self) -> Pair:
        """Whose it is, in which program."""
        return Pair(self.program_id, self.participant_id)

    @property
    def is_open(self) -> bool:
        """Whether it may still advance."""
        return self.stage is not ReferralStage.CLOSED


class Gain(Struct, frozen=True):
    """A conversion that is credited to a pair, and the first touch that counts for it.

    The touch may be another person's, whom the conversion names too; `identifier` is its own.
    """

    conversion_id: str
    identifier: Identifier
    is_sale: bool
    first: Touch
    market_id: str
    group: Group


class PersonView(Struct, frozen=True, kw_only=True):
    """All that decides one person's referrals; `decided` conversions give `gains` anew."""

    members: Set[Identifier]
    touches: Sequence[Touch]
    records: Sequence[Record] = ()
    refusals: Set[Identifier] = frozenset()
    existing: Sequence[Referral] = ()
    gains: Mapping[Pair, Sequence[Gain]] = field(default_factory=dict)
    decided: Set[str] = frozenset()


class Moment(Struct, frozen=True):
    """Why and when referrals are looked at again; `heard` names what opens a reopened one."""

    now: datetime
    reason: str
    heard: Heard


class _Influence(Struct):
    """All touches of one pair on one person."""

    first: Touch
    last_at: datetime
    market_id: str
    opens: bool = False
    has_lead: bool = False


def fold(person: PersonView, book: Book, moment: Moment) -> list[Referral]:
    """Every referral of the person that changed; with its next revision, if others can see it."""
    influences = _influences(person, book)
    survivors, merged_away = _survivors(person.existing)
    changed = [_closed(old, moment, reason) for old, reason in merged_away]
    absorbed: dict[Pair, list[Referral]] = {}
    for gone, _ in merged_away:
        absorbed.setdefault(gone.pair, []).append(gone)
    wanted = {pair for pair, influence in influences.items() if influence.opens}
    wanted |= person.gains.keys()
    for pair in sorted(wanted | survivors.keys()):
        old, influence = survivors.get(pair), influences.get(pair)
        conversions = _conversions(person, old, pair, absorbed.get(pair, []))
        if pair in wanted or any(conversions):
            base = old or _opened(pair, person, influence, book, moment)
            changed += _revised(old, _advanced(base, person, influence, conversions), moment)
        elif old is not None:
            changed.append(_closed(old, moment, "what it rested on was taken away"))
    return changed


def _revised(old: Referral | None, new: Referral, moment: Moment) -> list[Referral]:
    """The new state, if it is one; the time of its last touch is nobody else's business."""
    if old is None:
        return [new]
    if replace(new, last_at=old.last_at) == old:
        return [new] if new != old else []
    return [replace(new, revision=old.revision + 1, changed_at=moment.now, reason=moment.reason)]


def gone_silent(referral: Referral, window: timedelta, now: datetime) -> Referral | None:
    """The referral closed, if nothing came of it within the window of its last touch."""
    if referral.stage is not ReferralStage.OPENED or now < silent_at(referral, window):
        return None
    closed = _closed(
        referral, Moment(now, "", Heard(now, "", "")), "nothing came of it within the window"
    )
    return replace(closed, silent=True)


def silent_at(referral: Referral, window: timedelta) -> datetime:
    """When an opened referral closes unless something comes of it."""
    return referral.last_at + window


def _influences(person: PersonView, book: Book) -> dict[Pair, _Influence]:
    """The touches that stand, by pair. A pair that went silent begins again after its end."""
    identified = any(is_known(name) for name in person.members)
    ended = {old.pair: old.last_at for old in person.existing if old.silent}
    found: dict[Pair, _Influence] = {}
    for touch in person.touches:
        link = standing_link(touch, book, person.refusals, touch.heard.at)
        if isinstance(link, str):
            continue
        pair = Pair(link.program_id, link.owner_at(touch.at))
        over = pair in ended and touch.at <= ended[pair]
        if over or pair.participant_id not in book.participants:
            continue
        influence = found.setdefault(pair, _Influence(touch, touch.at, link.market_id))
        influence.last_at = touch.at
        influence.opens |= identified or touch.kind in (TouchKind.LEAD, TouchKind.CODE)
        influence.has_lead |= touch.kind is TouchKind.LEAD
    return found


def _survivors(
    existing: Iterable[Referral],
) -> tuple[dict[Pair, Referral], list[tuple[Referral, str]]]:
    """Of the open referrals of each pair the oldest; the others are merged into it."""
    survivors: dict[Pair, Referral] = {}
    merged_away = []
    for referral in sorted(existing, key=lambda r: (r.opened_at, r.referral_id)):
        if not referral.is_open:
            continue
        survivor = survivors.setdefault(referral.pair, referral)
        if survivor is not referral:
            reason = f"the same person as in referral {survivor.referral_id}"
            merged_away.append((referral, reason))
    return survivors, merged_away


def _conversions(
    person: PersonView, old: Referral | None, pair: Pair, absorbed: Sequence[Referral]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The sales and other conversions credited to a pair: the old ones, and what was decided."""
    rows = [*absorbed, *([old] if old else [])]
    sales = {c for row in rows for c in row.sale_ids} - person.decided
    others = {c for row in rows for c in row.other_ids} - person.decided
    for gain in person.gains.get(pair, ()):
        (sales if gain.is_sale else others).add(gain.conversion_id)
    return tuple(sorted(sales)), tuple(sorted(others))


def _opened(
    pair: Pair,
    person: PersonView,
    influence: _Influence | None,
    book: Book,
    moment: Moment,
) -> Referral:
    """A new referral, named after the event that opened it."""
    gains = sorted(person.gains.get(pair, ()), key=lambda gain: gain.first.at)
    first = influence.first if influence else gains[0].first
    market_id = influence.market_id if influence else gains[0].market_id
    anchor = first.identifier if influence else gains[0].identifier
    participant = latest(book.participants.get(pair.participant_id, ()), moment.now)
    group = gains[0].group if gains or not participant else participant.group_at(first.at)
    event_id = first.heard.event_id if influence else f"{first.heard.event_id}/{anchor}"
    referral_id = ids.referral_id(*pair, first.heard.source, event_id)
    if referral_id in {old.referral_id for old in person.existing}:
        event_id = f"{moment.heard.event_id}/{anchor}"
        referral_id = ids.referral_id(*pair, moment.heard.source, event_id)
    return Referral(
        referral_id=referral_id,
        revision=1,
        program_id=pair.program_id,
        participant_id=pair.participant_id,
        identifier=anchor,
        group=group,
        market_id=market_id,
        stage=ReferralStage.OPENED,
        origin=first.kind,
        opened_at=first.at,
        last_at=first.at,
        changed_at=moment.now,
        reason=opening_words(first.kind),
    )


def _advanced(
    base: Referral,
    person: PersonView,
    influence: _Influence | None,
    conversions: tuple[tuple[str, ...], tuple[str, ...]],
) -> Referral:
    """The whole state that the facts add up to."""
    sales, others = conversions
    records = sorted(person.records, key=lambda r: (r.changed_at, r.heard))
    first = influence.first if influence else None
    return replace(
        base,
        stage=_stage(influence, records, conversions),
        origin=first.kind if first else base.origin,
        opened_at=first.at if first else base.opened_at,
        last_at=influence.last_at if influence else base.last_at,
        record_ids=tuple(sorted({record.record_id for record in records})),
        sale_ids=sales,
        other_ids=others,
    )


_LADDER = (
    ReferralStage.OPENED,
    ReferralStage.SUBMITTED,
    ReferralStage.CONTACTED,
    ReferralStage.QUALIFIED,
    ReferralStage.OPPORTUNITY,
)


def _stage(
    influence: _Influence | None,
    records: Sequence[Record],
    conversions: tuple[tuple[str, ...], tuple[str, ...]],
) -> ReferralStage:
    """A sale has won it; else the CRM's latest word, and at least what the facts show."""
    sales, others = conversions
    if sales:
        return ReferralStage.WON
    stage = records[-1].stage if records else ReferralStage.OPENED
    if stage not in _LADDER:
        return stage if stage is not ReferralStage.CLOSED else ReferralStage.LOST
    least = ReferralStage.OPENED
    if influence and influence.has_lead:
        least = ReferralStage.SUBMITTED
    if others:
        least = ReferralStage.QUALIFIED
    return max(stage, least, key=_LADDER.index)


def _closed(referral: Referral, moment: Moment, reason: str) -> Referral:
    return replace(
        referral,
        revision=referral.revision + 1,
        stage=ReferralStage.CLOSED,
        changed_at=moment.now,
        reason=reason,
    )
