"""Decides on partners and campaigns, and adds statements up."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from shared_schemas.destinations import parsed
from shared_schemas.events.partners import CampaignLaunched, PartnerOnboarded
from shared_schemas.words import Group

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


def _destination(text: str) -> str:
    parsed(text)
    return text


Destination = Annotated[str, AfterValidator(_destination)]


class Refused(Exception):
    """What is there forbids it; the message says what to do instead."""


class _Wanted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NewPartner(_Wanted):
    """A partner organisation, and the participant that earns for it."""

    partner_id: Name
    name: Label
    participant_id: Name
    market_id: Name


class NewCampaign(_Wanted):
    """A co-branded campaign; each code becomes a link while it runs."""

    campaign_id: Name
    name: Label
    program_id: Name
    market_id: Name
    starts_at: Moment
    ends_at: Moment
    destination: Destination
    codes: Annotated[tuple[Name, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _makes_sense(self) -> "NewCampaign":
        if self.starts_at >= self.ends_at:
            raise ValueError("a campaign starts before it ends")
        if len(set(self.codes)) < len(self.codes):
            raise ValueError("a code is there twice; keep one")
        return self


@dataclass(frozen=True, slots=True)
class Participant:
    """What partners knows of a participant."""

    group: Group
    active: bool


def onboard(
    known: PartnerOnboarded | None,
    wanted: NewPartner,
    participant: Participant | None,
    *,
    now: datetime,
    actor: str,
) -> PartnerOnboarded | None:
    """The partner to be onboarded, None if it is there just so. Raises Refused."""
    if known is not None:
        if (
            NewPartner.model_validate(known.model_dump(include=set(NewPartner.model_fields)))
            == wanted
        ):
            return None
        raise Refused("this partner_id belongs to another partner; choose another one")
    if participant is None:
        raise Refused(f"there is no participant {wanted.participant_id}; enrol it first")
    if participant.group is not Group.PARTNER or not participant.active:
        raise Refused(f"{wanted.participant_id} is not an active participant of the group partner")
    return PartnerOnboarded(**wanted.model_dump(), revision=1, onboarded_at=now, actor=actor)


def launch(
    known: CampaignLaunched | None,
    wanted: NewCampaign,
    partner: PartnerOnboarded,
    taken: Collection[str],
    *,
    now: datetime,
    actor: str,
) -> CampaignLaunched | None:
    """The campaign to be launched, None if it runs just so. Raises Refused.

    `taken` are those of its codes that lead somewhere already, for another campaign or none.
    """
    if known is not None:
        same = NewCampaign.model_validate(known.model_dump(include=set(NewCampaign.model_fields)))
        if same == wanted and known.partner_id == partner.partner_id:
            return None
        raise Refused("this campaign_id belongs to another campaign; choose another one")
    if wanted.ends_at <= now:
        raise Refused("the campaign's end is over already")
    if taken:
        raise Refused(f"codes that are in use already: {', '.join(sorted(taken))}")
    return CampaignLaunched(
        **wanted.model_dump(),
        revision=1,
        partner_id=partner.partner_id,
        participant_id=partner.participant_id,
        launched_at=now,
        actor=actor,
    )


@dataclass(frozen=True, slots=True)
class Amounts:
    """What moved, in minor units; a month in which something went back may be negative."""

    pending_minor: int = 0
    approved_minor: int = 0
    paid_minor: int = 0
    reversed_minor: int = 0
    netted_minor: int = 0

    def __add__(self, other: "Amounts") -> "Amounts":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Amounts(*(mine + theirs for mine, theirs in pairs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A month of one currency in one campaign (None: in none, or in several at once)."""

    month: str
    currency: str
    digits: int
    campaign_id: str | None
    amounts: Amounts


def totals(lines: Iterable[Line]) -> list[Line]:
    """The lines without their campaigns: a month of one currency is one line."""
    sums: dict[tuple[str, str, int], Amounts] = {}
    for line in lines:
        place = (line.month, line.currency, line.digits)
        sums[place] = sums.get(place, Amounts()) + line.amounts
    return [
        Line(month=month, currency=currency, digits=digits, campaign_id=None, amounts=amounts)
        for (month, currency, digits), amounts in sorted(sums.items())
    ]


def decimal_text(minor: int, digits: int) -> str:
    """An amount as people write it: -1250 with two digits is -12.50."""
    sign, whole = "-" if minor < 0 else "", abs(minor)
    if digits == 0:
        return f"{sign}{whole}"
    return f"{sign}{whole // 10**digits}.{whole % 10**digits:0{digits}d}"


def as_rows(lines: Iterable[Line]) -> list[Mapping[str, str]]:
    """The lines as a table of decimal text."""
    return [
        {
            "month": line.month,
            "currency": line.currency,
            "campaign": line.campaign_id or "",
            "pending": decimal_text(line.amounts.pending_minor, line.digits),
            "approved": decimal_text(line.amounts.approved_minor, line.digits),
            "paid": decimal_text(line.amounts.paid_minor, line.digits),
            "reversed": decimal_text(line.amounts.reversed_minor, line.digits),
            "netted": decimal_text(line.amounts.netted_minor, line.digits),
        }
        for line in lines
    ]
