"""The lines that rewards explains an amount with: rules, shares, refunds, caps, the risk check."""

from collections.abc import Mapping
from typing import Final

from .reading import Sentence

ARITHMETIC: Final[Mapping[str, Sentence]] = {
    "line_flat_referrer": Sentence(
        "Rule {rule:name} of program {program:name}, version {version:count}, gives the referrer "
        "{worth:amount} for {trigger:word}: {amount:amount}.",
        "{trigger}: rule {rule} of program {program}, version {version}, gives whoever "
        "referred {worth}: {amount}",
        "{trigger}: Regel {rule} des Programms {program}, Fassung {version}, gibt dem "
        "Empfehlenden {worth}: {amount}",
    ),
    "line_flat_referee": Sentence(
        "Rule {rule:name} of program {program:name}, version {version:count}, gives the referee "
        "{worth:amount} for {trigger:word}: {amount:amount}.",
        "{trigger}: rule {rule} of program {program}, version {version}, gives whoever was "
        "referred {worth}: {amount}",
        "{trigger}: Regel {rule} des Programms {program}, Fassung {version}, gibt dem "
        "Empfohlenen {worth}: {amount}",
    ),
    "line_part_referrer": Sentence(
        "Rule {rule:name} of program {program:name}, version {version:count}, gives the referrer "
        "{share:share} of the credited value for {trigger:word}: {amount:amount}.",
        "{trigger}: rule {rule} of program {program}, version {version}, gives whoever "
        "referred {share} of the credited value: {amount}",
        "{trigger}: Regel {rule} des Programms {program}, Fassung {version}, gibt dem "
        "Empfehlenden {share} des zugeordneten Werts: {amount}",
    ),
    "line_part_referee": Sentence(
        "Rule {rule:name} of program {program:name}, version {version:count}, gives the referee "
        "{share:share} of the credited value for {trigger:word}: {amount:amount}.",
        "{trigger}: rule {rule} of program {program}, version {version}, gives whoever was "
        "referred {share} of the credited value: {amount}",
        "{trigger}: Regel {rule} des Programms {program}, Fassung {version}, gibt dem "
        "Empfohlenen {share} des zugeordneten Werts: {amount}",
    ),
    "line_weight": Sentence(
        "Participant {participant:name} has {share:share} of the conversion.",
        "Participant {participant} has {share} of the conversion.",
        "Teilnehmer {participant} hat {share} des Abschlusses.",
    ),
    "line_refunds": Sentence(
        "Refunds leave {share:share} of the conversion.",
        "Refunds leave {share} of the conversion.",
        "Nach Erstattungen bleiben {share} des Abschlusses.",
    ),
    "line_cap": Sentence(
        "Cap {cap:name} of program {program:name} ({period:period}, {scope:scope})",
        "limit {cap} of program {program} ({period}, {scope})",
        "Obergrenze {cap} des Programms {program} ({period}, {scope})",
    ),
    "line_cap_taken": Sentence(
        "{where:said}: all {rewards:count} rewards are taken.",
        "{where}: all {rewards} rewards are taken.",
        "{where}: Alle {rewards} Prämien sind vergeben.",
    ),
    "line_cap_left": Sentence(
        "{where:said}: {left:amount} of {whole:amount} were left.",
        "{where}: {left} of {whole} were left.",
        "{where}: Es waren noch {left} von {whole} übrig.",
    ),
    "line_netted": Sentence(
        "{amount:amount} goes against what was owed back.",
        "{amount} goes against what was owed back.",
        "{amount} werden mit Offenem verrechnet.",
    ),
    "line_reference": Sentence(
        "The provider's reference is {reference:name}.",
        "The payment provider's reference is {reference}.",
        "Die Referenz des Zahlungsdienstes ist {reference}.",
    ),
    "line_no_verdict": Sentence(
        "No verdict of the fraud check was heard.",
        "The risk check has not answered.",
        "Die Risikoprüfung hat nicht geantwortet.",
    ),
    "line_other_verdict": Sentence(
        "The last verdict is on another revision. {verdict:said}",
        "The last result of the risk check is about another revision. {verdict}",
        "Das letzte Ergebnis der Risikoprüfung betrifft eine andere Fassung. {verdict}",
    ),
    "line_verdict": Sentence(
        "The fraud check {state:word} revision {revision:count} with score {score:count} under "
        "rules {rules:name}: {findings:findings}.",
        "Risk check of revision {revision}: {state}, {score} points under rules {rules} "
        "({findings}).",
        "Risikoprüfung der Fassung {revision}: {state}, {score} Punkte nach den Regeln {rules} "
        "({findings}).",
    ),
}
VERDICTS: Final = frozenset(("line_no_verdict", "line_other_verdict", "line_verdict"))
"""The lines that tell how the risk check counts."""
