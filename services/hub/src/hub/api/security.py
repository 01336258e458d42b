"""How programs are let in, as the OpenAPI document says it. Pages are not in the document."""

from typing import Final

from service_kit.http import Opened, opened_by
from service_kit.http.operations import bearer_guard
from service_kit.runtime import Runtime

from ..settings import Settings

AS_OPERATOR: Final = "operatorToken"
BEARERS: Final = {AS_OPERATOR: "The operator token."}


def to_operators(runtime: Runtime[Settings]) -> Opened:
    """A guard and its scheme: 401 without the operator token."""
    token = runtime.settings.operator_token.get_secret_value()
    return opened_by(bearer_guard(token), AS_OPERATOR)
