"""Compares a document with what is, and decides every change that leads from one to the other."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from shared_schemas.codes import imitates
from shared_schemas.destinations import NotADestination
from shared_schemas.words import Group

from .amounts import duration_text
from .change import Change
from .faults import Fault, nearest
from .keys import decide_key
from .links import decide_link
from .organisation import Key, Organisation, Participant, Program
from .participants import decide_participant
from .programs import decide_market, decide_status, decide_version, uncovered
from .state import Draft, State
from .terms import Refused, Terms
from .wanted import Link

_IMITATES = (
    "reads like one of our generated codes with a typing error; choose another one, or issue the"
    " link without a code"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What would change, in order; nothing may be made while there is a fault."""

    changes: tuple[Change, ...] = ()
    faults: tuple[Fault, ...] = ()
    after: State = field(default_factory=State, repr=False)


def plan(state: State, wanted: Organisation, terms: Terms, campaign_id: str | None = None) -> Plan:
    """Decide the document against the state. The same document again changes nothing."""
    planner = _Planner(state, terms, campaign_id)
    planner.decide(wanted)
    return Plan(tuple(planner.changes), tuple(planner.faults), planner.state())


class _Planner:
    """Decides part by part on a draft, so that a link may name a program of the same document."""

    def __init__(self, state: State, terms: Terms, campaign_id: str | None) -> None:
        self._now = Draft(state)
        self._terms = terms
        self._campaign_id = campaign_id
        self.changes: list[Change] = []
        self.faults: list[Fault] = []

    def state(self) -> State:
        """What will be once the changes are made."""
        return self._now.state()

    def decide(self, wanted: Organisation) -> None:
        """All parts, those that others refer to first."""
        self.faults.extend(_repeated(wanted))
        for index, market in enumerate(wanted.markets):
            with_versions = self._now.markets.get(market.id, ())
            self._try(f"markets[{index}]", decide_market, with_versions, market, self._terms)
        for index, program in enumerate(wanted.programs):
            self._program(f"programs[{index}]", program)
        for index, participant in enumerate(wanted.participants):
            self._participant(f"participants[{index}]", participant)
        for index, link in enumerate(wanted.links):
            self._link(f"links[{index}]", link)
        for index, key in enumerate(wanted.keys):
            self._key(f"keys[{index}]", key)
        self._check_holds(wanted)

    def _program(self, where: str, wanted: Program) -> None:
        for market in wanted.eligibility.markets:
            self._must_exist(f"{where}.eligibility.markets", "market", market)
        known = self._now.programs.get(wanted.id)
        self._try(where, decide_version, known, wanted, self._terms)
        program = self._now.programs.get(wanted.id)
        if program is not None and wanted.status is not None:
            status = f"{where}.status"
            self._try(status, decide_status, wanted.id, program, wanted.status, self._terms)

    def _participant(self, where: str, wanted: Participant) -> None:
        if not self._must_exist(f"{where}.market", "market", wanted.market):
            return
        known = self._now.participants.get(wanted.id)
        language = self._now.markets[wanted.market][-1].language
        self._try(where, decide_participant, known, wanted, language, self._terms)

    def _link(self, where: str, wanted: Link) -> None:
        there = [
            self._must_exist(f"{where}.program", "program", wanted.program),
            self._must_exist(f"{where}.market", "market", wanted.market),
            self._must_exist(f"{where}.participant", "participant", wanted.participant),
        ]
        there += [
            self._must_exist(f"{where}.targets", "market", target.market)
            for target in wanted.targets or ()
            if target.market is not None
        ]
        if not all(there):
            return
        known = self._now.links.get(wanted.code)
        if known is None and imitates(wanted.code):
            self.faults.append(Fault(f"{where}.code", _IMITATES))
        self._check_destinations(where, wanted)
        if known is None or known.history[-1].participant_id != wanted.participant:
            self._check_group(where, wanted)
        self._try(where, decide_link, known, wanted, self._terms, self._campaign_id)

    def _check_destinations(self, where: str, wanted: Link) -> None:
        for destination in wanted.destinations:
            try:
                self._terms.destinations.check(destination)
            except NotADestination as refused:
                self.faults.append(Fault(f"{where}.destination", str(refused)))

    def _check_group(self, where: str, wanted: Link) -> None:
        owner: Group = self._now.participants[wanted.participant].data.history[-1].group
        group = self._now.programs[wanted.program].latest.group
        if owner is not group:
            problem = f"{wanted.participant} is a {owner}, but {wanted.program} is for {group}s"
            self.faults.append(Fault(f"{where}.participant", f"{problem}; choose another program"))

    def _key(self, where: str, wanted: Key) -> None:
        if wanted.market is not None:
            self._must_exist(f"{where}.market", "market", wanted.market)
        known = self._now.keys.get(wanted.id)
        others = [key for name, key in self._now.keys.items() if name != wanted.id]
        self._try(where, decide_key, known, wanted, others, self._terms)

    def _check_holds(self, wanted: Organisation) -> None:
        since = min(chain([self._terms.now], _effective_times(wanted)))
        for program_id, market_id in sorted(self._now.pairs):
            program, market = self._now.programs.get(program_id), self._now.markets.get(market_id)
            if program is None or market is None:
                continue
            short = uncovered(program.versions, market, since)
            if short is not None:
                hold = duration_text(short[0].hold_seconds)
                grace = duration_text(short[1].grace_seconds)
                problem = (
                    f"hold ({hold}) is shorter than the grace ({grace}) of market {market_id},"
                    " in which its links run: a reward could be paid while its credit may still"
                    " be revised; lengthen the hold or shorten the grace"
                )
                self.faults.append(Fault(f"program {program_id}", problem))

    def _must_exist(self, where: str, noun: str, name: str) -> bool:
        known: Collection[str] = {
            "market": self._now.markets.keys(),
            "program": self._now.programs.keys(),
            "participant": self._now.participants.keys(),
        }[noun]
        if name in known:
            return True
        self.faults.append(Fault(where, f"there is no {noun} {name!r}{nearest(name, known)}"))
        return False

    def _try(self, where: str, decide: Callable[..., Change | None], *facts: object) -> None:
        try:
            change = decide(*facts)
        except Refused as refused:
            self.faults.append(Fault(where, str(refused), conflict=True))
            return
        if change is not None:
            self._now.take(change.event, change.contact_digest)
            self.changes.append(change)


def _effective_times(wanted: Organisation) -> Iterator[datetime]:
    markets = (market.effective_at for market in wanted.markets)
    programs = (program.effective_at for program in wanted.programs)
    yield from (moment for moment in chain(markets, programs) if moment is not None)


def _repeated(wanted: Organisation) -> Iterator[Fault]:
    groups = {
        "markets": [market.id for market in wanted.markets],
        "programs": [program.id for program in wanted.programs],
        "participants": [participant.id for participant in wanted.participants],
        "links": [link.code for link in wanted.links],
        "keys": [key.id for key in wanted.keys],
    }
    for name, ids in groups.items():
        seen: set[str] = set()
        for index, one in enumerate(ids):
            if one in seen:
                yield Fault(f"{name}[{index}]", f"{one!r} is there twice; keep one")
            seen.add(one)
