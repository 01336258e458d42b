"""A link as somebody wants it: its code, its destinations, what is added to them, its end."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator
from shared_schemas.destinations import MAX_CHARACTERS, parameter_names, with_parameters
from shared_schemas.events.programs import Language

from .amounts import Moment
from .parts import Destination, Name, Part

MAX_TARGETS = 50
MAX_PARAMETERS = 20
TOKEN_PARAMETER = "gw"  # noqa: S105 - the name of a query parameter, tracking's own
ParameterName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.~-]{1,50}$")]
ParameterText = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Target(Part):
    """Where people of one market, of one language, or of both, are led instead."""

    destination: Destination
    market: Name | None = None
    language: Language | None = None

    @model_validator(mode="after")
    def _is_for_somebody(self) -> "Target":
        if self.market is None and self.language is None:
            raise ValueError("name a `market`, a `language` or both")
        return self


class LinkTerms(Part):
    """Where a link leads. What is left out of a known link stays as it is."""

    program: Name
    market: Name
    participant: Name
    destination: Destination
    targets: Annotated[tuple[Target, ...], Field(max_length=MAX_TARGETS)] | None = Field(
        None, description="destinations of markets and languages; the most exact one counts"
    )
    parameters: Annotated[dict[ParameterName, ParameterText], Field(max_length=MAX_PARAMETERS)] | (
        None
    ) = Field(None, description="added to every destination: utm_source, a deep link's page …")
    expires_at: Moment | None = None

    @property
    def destinations(self) -> Iterator[str]:
        """Every address that the link may lead to."""
        yield self.destination
        for target in self.targets or ():
            yield target.destination

    @model_validator(mode="after")
    def _leads_somewhere_definite(self) -> "LinkTerms":
        pairs = [(target.market, target.language) for target in self.targets or ()]
        if len(set(pairs)) < len(pairs):
            raise ValueError("two targets are for the same market and language; keep one")
        given = self.parameters or {}
        if TOKEN_PARAMETER in given:
            raise ValueError(f"the parameter {TOKEN_PARAMETER!r} is the link token's own name")
        for destination in self.destinations:
            twice = sorted(parameter_names(destination) & given.keys())
            if twice:
                raise ValueError(f"a destination has the parameter {twice[0]!r} already; keep one")
            if len(with_parameters(destination, given.items())) > MAX_CHARACTERS:
                raise ValueError(
                    f"with its parameters it has more than {MAX_CHARACTERS} characters"
                )
        return self


class Link(LinkTerms):
    """A code and where it leads."""

    code: Name


class NewLink(LinkTerms):
    """A link to be issued; without a code of its own it gets a generated one."""

    code: Name | None = Field(None, description="a vanity code; a generated one when absent")

    def named(self, code: str) -> Link:
        """The link under this code."""
        return Link(code=code, **{name: getattr(self, name) for name in LinkTerms.model_fields})
