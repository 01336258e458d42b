"""The topic table: every topic, its owner, key, order, retention and personal-data class."""

from .event import PersonalData, Retention, Topic
from .events import attribution as a
from .events import contacts as c
from .events import crm, fraud, hub
from .events import notifications as n
from .events import parked as k
from .events import partners as pa
from .events import programs as p
from .events import rewards as r
from .events import tracking as t
from .table import TopicTable

_SERVICES_WITH_DATABASE = (
    "programs",
    "attribution",
    "fraud",
    "rewards",
    "notifications",
    "partners",
    "hub",
)

_PROGRAMS = (
    Topic(
        name="programs.programs",
        about="Program versions, pauses and markets' attribution policies.",
        key="scope",
        events=(
            p.ProgramVersionActivated,
            p.AttributionPolicyActivated,
            p.ProgramPaused,
            p.ProgramResumed,
            p.ProgramEnded,
        ),
        heard_by=("tracking", "attribution", "fraud", "rewards", "notifications", "hub"),
        retention=Retention.FOREVER,
        personal_data=PersonalData.NONE,
        table=True,
        partitions=1,
    ),
    Topic(
        name="programs.keys",
        about="API keys as keyed hashes, and the public day keys that contacts are sealed to.",
        key="key_id",
        events=(p.KeyIssued, p.KeyRevoked),
        heard_by=("tracking", "fraud", "notifications", "partners"),
        retention=Retention.COMPACTED,
        personal_data=PersonalData.NONE,
        table=True,
        partitions=1,
    ),
    Topic(
        name="programs.participants",
        about="Who refers: group, tier, market and status with their history.",
        key="participant_id",
        events=(p.ParticipantEnrolled, p.ParticipantChanged, p.ParticipantDeactivated),
        heard_by=("attribution", "fraud", "rewards", "notifications", "partners", "hub"),
        retention=Retention.COMPACTED,
        table=True,
    ),
    Topic(
        name="programs.links",
        about="Codes: where they lead, for which program and market, and whose they are.",
        key="code",
        events=(p.LinkIssued, p.LinkRevoked),
        heard_by=("tracking", "attribution", "partners", "hub"),
        retention=Retention.COMPACTED,
        table=True,
    ),
    Topic(
        name="programs.contacts",
        about="Contacts under their subjects' own keys.",
        key="subject",
        events=(c.ContactSealed, c.ContactForgotten),
        heard_by=("notifications",),
        retention=Retention.COMPACTED,
        personal_data=PersonalData.SEALED,
    ),
)

_TRACKING = (
    Topic(
        name="tracking.contacts",
        about="Contacts as they came in, sealed to the day's key.",
        key="subject",
        events=(c.ContactSubmitted,),
        heard_by=("programs",),
        retention=Retention.SHORT,
        personal_data=PersonalData.SEALED,
    ),
    Topic(
        name="tracking.touches",
        about="Clicks, share views, typed codes and submitted leads.",
        key="route",
        events=(t.ClickRecorded, t.ShareRecorded, t.CodeEntered, t.LeadSubmitted),
        heard_by=("attribution", "fraud"),
    ),
    Topic(
        name="tracking.identities",
        about="Which ids belong to one person, and what they consented to.",
        key="route",
        events=(t.IdentityLinked, t.IdentityUnlinked, t.ConsentChanged),
        heard_by=("attribution", "fraud", "notifications"),
    ),
    Topic(
        name="tracking.conversions",
        about="Immutable reports of conversions and reversals.",
        key="conversion_id",
        events=(t.ConversionRecorded, t.ConversionReversed),
        heard_by=("attribution", "fraud"),
    ),
)

_CRM = (
    Topic(
        name="crm.leads",
        about="Leads, as connectors outside report them.",
        key="record_id",
        events=(crm.LeadChanged,),
        heard_by=("attribution",),
    ),
    Topic(
        name="crm.opportunities",
        about="Opportunities, as connectors outside report them.",
        key="record_id",
        events=(crm.OpportunityChanged,),
        heard_by=("attribution",),
    ),
)

_DECISIONS = (
    Topic(
        name="attribution.referrals",
        about="Referrals and their stages.",
        key="referral_id",
        events=(a.ReferralOpened, a.ReferralAdvanced, a.ReferralClosed),
        heard_by=("hub",),
    ),
    Topic(
        name="attribution.credits",
        about="Who is credited for a conversion, with every reason; or why nobody is.",
        key="conversion_id",
        events=(a.ConversionCredited, a.ConversionUnattributed),
        heard_by=("fraud", "rewards", "hub"),
    ),
    Topic(
        name="attribution.counts",
        about="Touches of a code and day, counted anew each time.",
        key="bucket",
        events=(a.TouchesCounted,),
        heard_by=("hub",),
        retention=Retention.COMPACTED,
        personal_data=PersonalData.NONE,
    ),
    Topic(
        name="fraud.verdicts",
        about="Clear, hold or reject, for one revision of a credit.",
        key="conversion_id",
        events=(fraud.CreditCleared, fraud.CreditHeld, fraud.CreditRejected),
        heard_by=("rewards", "hub"),
    ),
)

_REWARDS = (
    Topic(
        name="rewards.rewards",
        about="Each reward's whole state at every step: the topic for other teams.",
        key="beneficiary_id",
        events=(
            r.RewardPending,
            r.RewardHeld,
            r.RewardApproved,
            r.RewardFulfilling,
            r.RewardFulfilled,
            r.RewardDeclined,
            r.RewardExpired,
            r.RewardRevised,
            r.RewardClawedBack,
        ),
        heard_by=("notifications", "partners", "hub"),
        ordered=True,
    ),
    Topic(
        name="rewards.payouts",
        about="Each payout's whole state.",
        key="payout_id",
        events=(r.PayoutRequested, r.PayoutUnknown, r.PayoutSettled, r.PayoutFailed),
        heard_by=("hub",),
        ordered=True,
    ),
)

_AROUND = (
    Topic(
        name="notifications.deliveries",
        about="What became of each message.",
        key="subject",
        events=(n.MessageSent, n.MessageUnknown, n.MessageFailed, n.PreferenceChanged),
        heard_by=("hub",),
    ),
    Topic(
        name="partners.partnerships",
        about="Partner organisations.",
        key="partner_id",
        events=(pa.PartnerOnboarded,),
        heard_by=("hub",),
        personal_data=PersonalData.NONE,
    ),
    Topic(
        name="partners.campaigns",
        about="Co-branded campaigns; their codes become links.",
        key="partner_id",
        events=(pa.CampaignLaunched,),
        heard_by=("programs",),
        personal_data=PersonalData.NONE,
    ),
    Topic(
        name="hub.logins",
        about="One-time links that people asked for.",
        key="subject",
        events=(hub.LoginRequested,),
        heard_by=("notifications",),
        retention=Retention.SHORT,
    ),
)

_PARKED = tuple(
    Topic(
        name=f"{service}.parked",
        about=f"Events that {service} set aside, and what became of them.",
        key="parked_key",
        events=(k.EventParked, k.EventReleased),
        heard_by=("hub",),
    )
    for service in _SERVICES_WITH_DATABASE
)

TOPICS = TopicTable((*_PROGRAMS, *_TRACKING, *_CRM, *_DECISIONS, *_REWARDS, *_AROUND, *_PARKED))
