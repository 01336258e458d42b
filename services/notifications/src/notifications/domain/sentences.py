"""What rewards says, in the reader's language; how the risk check counts is not for mails."""

from typing import Final

from sentences.arithmetic import ARITHMETIC
from sentences.payouts import PAYOUTS
from sentences.reading import Catalogue, Sentence
from sentences.rewards import REWARDS

_VERDICT: Final = Sentence(
    ARITHMETIC["line_verdict"].wire,
    "Risk check of revision {revision}: {state}.",
    "Risikoprüfung der Fassung {revision}: {state}.",
)
CATALOGUE: Final = Catalogue(REWARDS, {**ARITHMETIC, "line_verdict": _VERDICT}, PAYOUTS)
