"""The values that rewards' sentences name: English, German. `is_` stands before a value's name."""

from collections.abc import Mapping
from typing import Final

from .reading import LANGUAGES

VALUES: Final[Mapping[str, tuple[str, str]]] = {
    "is_signed_up": ("Sign-up", "Registrierung"),
    "is_demo_requested": ("Demo request", "Demo-Anfrage"),
    "is_trial_started": ("Trial", "Testphase"),
    "is_content_downloaded": ("Download", "Download"),
    "is_purchase": ("Purchase", "Kauf"),
    "is_renewal": ("Renewal", "Verlängerung"),
    "is_opportunity_won": ("Opportunity won", "Gewonnene Verkaufschance"),
    "is_account_credit": ("account credit", "Guthaben"),
    "is_webhook": ("payment provider", "Zahlungsdienst"),
    "is_cleared": ("cleared", "unbedenklich"),
    "is_held": ("held", "angehalten"),
    "is_rejected": ("rejected", "abgelehnt"),
    "check_none": ("no findings", "keine Befunde"),
    "period_ever": ("for all time", "insgesamt"),
    "scope_everybody": ("everybody together", "alle zusammen"),
}


def values(language: str) -> Mapping[str, str]:
    """The values in a language."""
    column = LANGUAGES.index(language)
    return {name: texts[column] for name, texts in VALUES.items()}
