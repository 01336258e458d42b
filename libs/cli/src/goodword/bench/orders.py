"""What a load generator is told to do, and what it tells when it is done: both JSON."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Mode = Literal["chain", "latency", "door"]


class Order(BaseModel):
    """One load. `outcome` is the full topic on which each conversion's result arrives."""

    model_config = ConfigDict(frozen=True)

    mode: Mode
    url: str
    key: str
    tokens: list[str]
    run: str
    seconds: float
    warm_up: float
    kafka: str = ""
    outcome: str = ""
    outcome_type: str = ""
    match: Literal["conversion", "visitor"] = "conversion"
    at_once: int = 8
    in_flight_most: int = 1_500
    rate: float = 50


class Told(BaseModel):
    """What came of it. Rates are per second over the measured window."""

    model_config = ConfigDict(frozen=True)

    acknowledged_rate: float
    arrived_rate: float = 0
    drained_seconds: float | None = None
    sent: int = 0
    arrived: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    refused: int = 0
    refusal: str = ""  # the first answer that was one
