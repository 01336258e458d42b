"""What rewards says, in the reader's language; the catalogue is that of the mails."""

from typing import Final

from .arithmetic import ARITHMETIC
from .payouts import PAYOUTS
from .reading import Catalogue
from .rewards import REWARDS

CATALOGUE: Final = Catalogue(REWARDS, ARITHMETIC, PAYOUTS)
