"""What the deciding services say, in the reader's language; the catalogue is the hub's own."""

from typing import Final

from sentences.arithmetic import ARITHMETIC
from sentences.payouts import PAYOUTS
from sentences.reading import Catalogue
from sentences.rewards import REWARDS

from .attribution import ATTRIBUTION
from .fraud import FRAUD
from .notifications import NOTIFICATIONS

CATALOGUE: Final = Catalogue(ATTRIBUTION, FRAUD, REWARDS, ARITHMETIC, PAYOUTS, NOTIFICATIONS)
