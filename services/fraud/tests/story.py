"""A story whose facts touch each other in every way, and what must come of it."""

import json
from typing import Any

from service_kit.testing import Given, Harness
from shared_schemas.words import ConsentState

from .builders import (
    consent,
    credited,
    link,
    participant,
    program,
    report,
    share,
    touch,
    unasked,
    unattributed,
)

LIMITED = 2


def bought(name: str, minutes: float, customer: str, **given: Any) -> list[Given]:
    """A click from the office, its report and its credit."""
    shares = (share(touches=(f"t-{name}",), version=LIMITED),)
    facts = {"customer_id": customer, "referee_id": customer, "shares": shares}
    return [
        touch(f"t-{name}", minutes, "office"),
        report(name, minutes, customer=customer, visitor=f"v-{name}"),
        credited(name, minutes, **facts | given),
    ]


def story(tag: str) -> list[Given]:
    """Facts that touch each other in every way; `tag` keeps two stories apart."""

    def own(name: str) -> str:
        return f"{name}-{tag}"

    shares = (share(own("ann"), touches=(f"t-{own('c4')}",), version=LIMITED),)
    mine = {"shares": shares}
    return [
        *bought(own("c1"), 1, own("bob"), shares=one_share(own("ann"), own("c1"))),
        *bought(own("c2"), 2, own("bo"), shares=one_share(own("ann"), own("c2"))),
        *bought(own("c3"), 3, own("carl"), shares=one_share(own("ann"), own("c3"))),
        *bought(own("c4"), 4, own("dora"), **mine),
        credited(own("c4"), 4, told_minutes=9, revision=2, customer_id=own("dora"), **mine),
        *bought(own("c5"), 5, own("eve"), shares=one_share(own("ann"), own("c5"))),
        unattributed(own("c5"), 5, revision=2, customer_id=own("eve")),
        link(6, customer=own("bob"), email=own("b@")),
        link(7, customer=own("bo"), email=own("b@")),
        link(8, customer=own("carl"), visitor=own("v")),
        link(9, customer=own("ann"), visitor=own("v")),
        link(10, customer=own("ann"), visitor=own("v"), unlink=True),
        link(11, customer=own("ann"), visitor=own("v")),
        link(12, customer=own("dora"), visitor=own("w"), consent=unasked()),
        link(13, customer=own("ann"), visitor=own("w"), consent=unasked()),
        consent(own("w"), ConsentState.DENIED, 14),
        link(15, customer=own("bob"), email=own("ann@"), unlink=True),
        link(14, customer=own("bob"), email=own("ann@")),
    ]


def one_share(participant_id: str, name: str) -> tuple[Any, ...]:
    """The whole of a conversion, earned by its one touch."""
    return (share(participant_id, touches=(f"t-{name}",), version=LIMITED),)


EXPECTED = {
    "c1": ("cleared", 1, {}),
    "c2": ("held", 1, {"duplicate_customer": 60}),
    "c3": ("rejected", 1, {"self_referral": 100, "velocity": 60}),
    "c4": ("held", 2, {"velocity": 60}),
}


async def standing(harness: Harness, tag: str) -> dict[str, Any]:
    """What stands for each credited conversion: outcome, credit revision, what counts."""
    rows = await harness.fetch(
        """
        SELECT DISTINCT ON (v.conversion_id)
               v.conversion_id, v.state, v.credit_revision, v.contributions::text AS contributions
          FROM verdicts AS v
          JOIN conversions AS c ON c.conversion_id = v.conversion_id AND c.program_ids <> '{}'
         WHERE v.conversion_id LIKE '%-' || $1
         ORDER BY v.conversion_id, v.verdict_revision DESC
        """,
        tag,
    )
    return {
        row["conversion_id"].removesuffix(f"-{tag}"): (
            row["state"],
            row["credit_revision"],
            {
                one["name"]: one["points"]
                for one in json.loads(row["contributions"])
                if one["points"]
            },
        )
        for row in rows
    }


async def know(harness: Harness, tag: str) -> None:
    """Let the service know the story's program and participant."""
    ann = participant(f"ann-{tag}", customer_id=f"ann-{tag}", email=f"ann@-{tag}")
    await harness.hear_table(program(version=LIMITED, velocity_limit=2), ann)
