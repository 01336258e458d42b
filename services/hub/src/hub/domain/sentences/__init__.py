"""What the deciding services say, in the reader's language; the catalogue is the hub's own."""

from typing import Final

from .arithmetic import ARITHMETIC
from .attribution import ATTRIBUTION
from .fraud import FRAUD
from .notifications import NOTIFICATIONS
from .payouts import PAYOUTS
from .reading import Catalogue
from .rewards import REWARDS

CATALOGUE: Final = Catalogue(ATTRIBUTION, FRAUD, REWARDS, ARITHMETIC, PAYOUTS, NOTIFICATIONS)
