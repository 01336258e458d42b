"""Sentences of the deciding services: read as codes with parameters, said in a reader's language.

Events carry each reason and next step as it was decided, in English. That sentence is the message
id, as in gettext: `wire` is what a service writes, with `{name:kind}` where it puts a value; the
code before it names the same sentence in every language. Nothing is decided or computed anew here,
and what no pattern fits is somebody's own words: they are quoted.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, Protocol

LANGUAGES: Final = ("en", "de")
_REMEMBERED: Final = 4_096  # texts; most say the same few things

# What a parameter looks like on the wire. Ids hold no space, so that no text takes long to read.
KINDS: Final[Mapping[str, str]] = {
    "amount": r"\d{1,18}(?:\.\d{1,4})? [A-Z]{3}",
    "count": r"-?\d{1,18}",
    "findings": r"no findings|\w+ [+-]\d+(?:, \w+ [+-]\d+)*",
    "moment": r"\d{4}-\d\d-\d\d \d\d:\d\d UTC",
    "name": r"\S{1,200}",
    "names": r"\S{1,200}(?:, \S{1,200})*",
    "period": r"ever|\d{4}-\d\d",
    "scope": r"\S{1,200}",
    "share": r"\d{1,12}(?:/[1-9]\d{0,11})?",
    "span": r"\d{1,12} (?:days|hours|minutes|seconds)",
    "word": r"[A-Za-z_-]+(?: [a-z]+)?",
    "said": r".+",  # another sentence of the catalogue
    "told": r".+",  # another sentence, else somebody's own words
    "quote": r".+",  # somebody's own words
}
_HOLE: Final = re.compile(r"\{(\w+):(\w+)\}")
_ENDS: Final = (".", "!", "?", "\N{RIGHT DOUBLE QUOTATION MARK}", "\N{LEFT DOUBLE QUOTATION MARK}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value as it stands on the wire."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence without its language: its code, and its values by name."""

    code: str
    values: "Mapping[str, Said | Parameter]"


class Voice(Protocol):
    """How a reader's language says values."""

    @property
    def language(self) -> str:
        """One of LANGUAGES."""

    def value(self, parameter: Parameter) -> str:
        """A value as the language writes it."""


@dataclass(frozen=True)
class Sentence:
    """One sentence: as a service writes it, and as readers of each language are told it."""

    wire: str
    en: str
    de: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What a text must look like to be this sentence."""
        pieces = _HOLE.split(self.wire)  # text, name, kind, text, name, kind, …, text
        holes = zip(pieces[1::3], pieces[2::3], strict=True)
        found = [f"(?P<{name}>{KINDS[kind]})" for name, kind in holes]
        texts = [re.escape(piece) for piece in pieces[::3]]
        return re.compile("".join(a + b for a, b in zip(texts, [*found, ""], strict=True)), re.S)

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """The kind of each value, by its name."""
        return dict(_HOLE.findall(self.wire))


class Catalogue:
    """The sentences that a service knows, by code. Raises ValueError if two have one code."""

    def __init__(self, *parts: Mapping[str, Sentence]) -> None:
        self.sentences: Mapping[str, Sentence] = {
            code: sentence for part in parts for code, sentence in part.items()
        }
        if len(self.sentences) < sum(map(len, parts)):
            raise ValueError("two sentences have one code")
        self._in_order = sorted(self.sentences.items(), key=lambda item: len(item[1].kinds))
        self._first: Callable[[str], Said | None] = lru_cache(_REMEMBERED)(
            lambda text: next(self._readings(text), None)
        )

    def read(self, text: str) -> Said | None:
        """The sentence that a text is, of several one with the fewest values; else None."""
        return self._first(text.strip())

    def say(self, said: Said, voice: Voice) -> str:
        """A sentence in the voice's language, to be used within another."""
        template = getattr(self.sentences[said.code], voice.language)
        values = {
            name: self.say(value, voice) if isinstance(value, Said) else voice.value(value)
            for name, value in said.values.items()
        }
        return str(template.format_map(values))

    def tell(self, text: str, voice: Voice) -> str | None:
        """A text of the wire as a whole sentence of the voice's language; None if it is none."""
        said = self.read(text)
        return _whole(self.say(said, voice)) if said else None

    def _readings(self, text: str) -> Iterator[Said]:
        for code, sentence in self._in_order:
            if match := sentence.pattern.fullmatch(text):
                values = {n: self._value(k, match[n]) for n, k in sentence.kinds.items()}
                known = {name: value for name, value in values.items() if value is not None}
                if len(known) == len(values):
                    yield Said(code, known)

    def _value(self, kind: str, text: str) -> Said | Parameter | None:
        """A value; None if it should be a sentence and is none."""
        said = self.read(text) if kind in ("said", "told") else None
        if said is None and kind != "said":
            return Parameter("quote" if kind == "told" else kind, text)
        return said


def _whole(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(_ENDS) else ".")
