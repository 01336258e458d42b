"""Asks those who were told: the hub, the ledger, the partner's statement, the world outside."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from shared_schemas.money import Money

from ..platform import Running
from ..services import with_admin_key
from .outcome import Final, sums
from .receiver import Posted, Receiver
from .stage import PARTNER

Document = dict[str, Any]
_ROWS = 1_000
_LINES = ("pending", "approved", "paid", "reversed", "netted")


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Everybody who can be asked."""

    platform: Running
    receiver: Receiver
    hook_secret: str
    http: httpx.Client

    def outside(self, final: Final) -> Document:
        """What people and systems outside saw."""
        return {
            "provider": _paid_out(self.receiver),
            "webhooks": dict(Counter(hook.document["type"] for hook in _once(self.receiver))),
            "forged": self._forged(),
            "mails": len(self.platform.mail.mails),
            "campaign_paid": self._campaign_paid(),
            "statements_that_differ": self._statements(final),
            "hub_differs": self._hub(final),
        }

    def ledger_imbalance(self) -> int:
        """By how much the books of all currencies are off, in minor units; 0 when all is well."""
        check = self._ask("rewards", "/v1/ledger/check")
        imbalance: dict[str, int] = check["imbalance_minor"]
        return sum(map(abs, imbalance.values())) + len(check["broken_accounts"])

    def traces_missing(self, final: Final) -> dict[str, list[str]]:
        """The edges that the traces of some conversions lack."""
        found = {}
        for conversion_id, decided in final.conversions.items():
            trace = self.journey(conversion_id)["trace"]
            if not trace["complete"]:
                found[decided.reference] = trace["missing"] or ["no trace at all"]
        return found

    def journey(self, conversion_id: str) -> Document:
        """One conversion as the hub tells it."""
        return self._ask("hub", f"/api/conversions/{conversion_id}")

    def _forged(self) -> int:
        secret = self.platform.secrets.payout_secret
        hooks = [hook.is_signed_with(self.hook_secret) for hook in self.receiver.hooks]
        payouts = [one.is_signed_with(secret) for one in self.receiver.payouts.values()]
        return [*hooks, *payouts].count(False)

    def _campaign_paid(self) -> str:
        partners = with_admin_key(self.platform.state, "partners")
        statement = partners.get(f"/v1/partners/{PARTNER}/statement")
        assert isinstance(statement, dict)
        paid = [
            str(Money.of(line["paid_minor"], line["currency"]))
            for line in statement["by_campaign"]
            if line["campaign_id"] is not None
        ]
        return ", ".join(paid)

    def _statements(self, final: Final) -> Document:
        """The statements of the ledger that differ from the sums of reward events."""
        found: Document = {}
        for beneficiary, told in sums(final.rewards.values()).items():
            statement = self._ask("rewards", f"/v1/statements/{beneficiary}")
            ledger: Counter[str] = Counter()
            for line in statement["lines"]:
                for name in _LINES:
                    ledger[f"{name} {line['currency']}"] += line[f"{name}_minor"]
            if ledger != Counter(told):
                found[beneficiary] = {"events": told, "ledger": dict(ledger)}
        return found

    def _hub(self, final: Final) -> Document:
        """What the hub shows otherwise than the topics tell."""
        known: Mapping[str, Mapping[str, Any]] = {
            "rewards": final.rewards,
            "conversions": final.conversions,
            "payouts": final.payouts,
        }
        found = {}
        for name, told in known.items():
            rows = self._ask("hub", f"/api/{name}?limit={_ROWS}")[name]
            shown = {row["id"]: row["revision"] for row in rows}
            differing = [id_ for id_, one in told.items() if shown.get(id_) != one.revision]
            if differing:
                found[name] = differing
        return found

    def _ask(self, service: str, path: str) -> Document:
        token = self.platform.secrets.operator_token
        answer = self.http.get(
            f"{self.platform.url(service)}{path}", headers={"Authorization": f"Bearer {token}"}
        )
        answer.raise_for_status()
        document: Document = answer.json()
        return document


def _once(receiver: Receiver) -> list[Posted]:
    """Each webhook once: a repeat carries the same id."""
    return list({_id(hook): hook for hook in receiver.hooks}.values())


def _id(hook: Posted) -> str:
    return {name.lower(): value for name, value in hook.headers.items()}["webhook-id"]


def _paid_out(receiver: Receiver) -> dict[str, str]:
    totals: dict[str, Money] = {}
    for posted in receiver.payouts.values():
        asked = posted.document
        known = totals.get(asked["beneficiary_id"])
        before = known.amount_minor if known else 0
        totals[asked["beneficiary_id"]] = Money.of(
            before + asked["amount_minor"], asked["currency"]
        )
    return {beneficiary: str(money) for beneficiary, money in totals.items()}
