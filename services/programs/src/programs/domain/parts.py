"""What the parts of a document are made of: strict reading, names, labels, destinations."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, WithJsonSchema
from shared_schemas.destinations import MAX_CHARACTERS, parsed

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
OutsideId = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f@]+$")
]  # somebody else's id, but never an address
Source = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$")]


def _destination(text: str) -> str:
    parsed(text)
    return text


Destination = Annotated[
    str,
    AfterValidator(_destination),
    WithJsonSchema(
        {"type": "string", "format": "uri", "pattern": "^https?://", "maxLength": MAX_CHARACTERS}
    ),
]


class Part(BaseModel):
    """A strict part of the document: an unknown field is a mistake, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")
