"""Runs rewards: `python -m rewards`."""

from pathlib import Path

from service_kit.environment import load_settings
from service_kit.http import OPERATORS
from service_kit.main import main
from service_kit.service import Service
from shared_schemas.events.attribution import ConversionCredited, ConversionUnattributed
from shared_schemas.events.fraud import CreditCleared, CreditHeld, CreditRejected
from shared_schemas.events.programs import (
    AttributionPolicyActivated,
    ParticipantChanged,
    ParticipantDeactivated,
    ParticipantEnrolled,
    ProgramVersionActivated,
)
from shared_schemas.topics import TOPICS

from . import payments
from .api import routes
from .handlers import DUE, handle, hear_table
from .settings import RewardsSettings

SERVICE: Service[RewardsSettings] = Service(
    name="rewards",
    topics=TOPICS,
    hears=(
        ConversionCredited,
        ConversionUnattributed,
        CreditCleared,
        CreditHeld,
        CreditRejected,
    ),
    handle=handle,
    tables=(
        ProgramVersionActivated,
        AttributionPolicyActivated,
        ParticipantEnrolled,
        ParticipantChanged,
        ParticipantDeactivated,
    ),
    hear_table=hear_table,
    due=DUE,
    routes=routes,
    bearers=OPERATORS,
    loops={"payouts": payments.run},
    pending=payments.pending,
    migrations=Path(__file__).parents[2] / "migrations",
)

if __name__ == "__main__":
    main(SERVICE, load_settings(RewardsSettings))
