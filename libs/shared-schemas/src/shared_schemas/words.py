"""The closed vocabularies that several events share."""

from enum import StrEnum


class Group(StrEnum):
    """Who refers."""

    EMPLOYEE = "employee"
    CUSTOMER = "customer"
    PARTNER = "partner"


class Trigger(StrEnum):
    """What a referred person did that may be rewarded."""

    SIGNED_UP = "signed_up"
    DEMO_REQUESTED = "demo_requested"
    TRIAL_STARTED = "trial_started"
    CONTENT_DOWNLOADED = "content_downloaded"
    PURCHASE = "purchase"
    RENEWAL = "renewal"
    OPPORTUNITY_WON = "opportunity_won"

    @property
    def family(self) -> str:
        """Conversions of one family with one reference are the same conversion."""
        return "sale" if self in _SALES else self.value


_SALES = frozenset({Trigger.PURCHASE, Trigger.RENEWAL, Trigger.OPPORTUNITY_WON})


class ConsentMode(StrEnum):
    """What a market's law asks for before identifiers are kept."""

    OPT_IN = "opt_in"
    OPT_OUT = "opt_out"


class ConsentState(StrEnum):
    """What the person has said."""

    GRANTED = "granted"
    DENIED = "denied"
    UNKNOWN = "unknown"


class TouchKind(StrEnum):
    """How a participant's influence reached a person."""

    CLICK = "click"
    SHARE_VIEW = "share_view"
    CODE = "code"
    LEAD = "lead"


class Trust(StrEnum):
    """How far a report may be believed."""

    PUBLISHABLE = "publishable"
    SECRET = "secret"  # noqa: S105 - the name of a level of trust
    CRM = "crm"


class AttributionModel(StrEnum):
    """Who is credited among the participants of a journey."""

    LAST = "last"
    FIRST = "first"
    LINEAR = "linear"


class Side(StrEnum):
    """Whom a reward is for."""

    REFERRER = "referrer"
    REFEREE = "referee"


class RewardKind(StrEnum):
    """What a reward is."""

    CASH = "cash"
    ACCOUNT_CREDIT = "account_credit"


class Rail(StrEnum):
    """How a reward reaches its beneficiary."""

    ACCOUNT_CREDIT = "account_credit"
    WEBHOOK = "webhook"


class FlatSplit(StrEnum):
    """Whether sharers of a conversion share a flat reward or each get it whole."""

    BY_WEIGHT = "by_weight"
    EACH = "each"


class CapPer(StrEnum):
    """What a cap counts over."""

    PARTICIPANT = "participant"
    PROGRAM = "program"


class CapPeriod(StrEnum):
    """The period of a cap, in the market's zone."""

    EVER = "ever"
    MONTH = "month"


class Channel(StrEnum):
    """How a message travels."""

    EMAIL = "email"
    IN_APP = "in_app"
    WEBHOOK = "webhook"
