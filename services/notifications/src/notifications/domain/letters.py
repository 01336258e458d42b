"""Mails as text and HTML: pure, sandboxed, and escaped where it must be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment
from sentences.values import values
from sentences.voice import Speaker
from shared_schemas.events.rewards import RewardChanged

from .layout import HTML, TEXT
from .sentences import CATALOGUE
from .wording import WORDS, Words

_SETTINGS = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
_PLAIN = ImmutableSandboxedEnvironment(autoescape=False, **_SETTINGS)
_MARKUP = ImmutableSandboxedEnvironment(autoescape=True, **_SETTINGS)


@dataclass(frozen=True, slots=True)
class Link:
    """What a mail points to, and the words on it."""

    words: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One thing that happened: the sentence, why, what comes next, and where to look."""

    happened: str
    why: str = ""
    details: Sequence[str] = ()
    next: str = ""
    link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail's three parts, ready to be sent."""

    language: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads a letter, as far as its words need it."""

    language: str
    zone: str
    name: str = ""
    unsubscribe_url: str | None = None

    @property
    def voice(self) -> Speaker:
        """How amounts, times and sentences are said to them."""
        return Speaker(self.language, ZoneInfo(self.zone), values(self.language), dates="long")


@dataclass(frozen=True, slots=True)
class Told:
    """A reward's change and the page that explains it."""

    event_type: str
    reward: RewardChanged
    url: str


@dataclass(frozen=True, slots=True)
class _Body:
    opening: str
    news: Sequence[News]


def reward_letter(told: Told, reader: Reader) -> Letter:
    """The mail about one change of one reward."""
    words = WORDS[reader.language]
    phrase = words.phrases[told.event_type]
    subject = _said(phrase.subject, amount=_amount(told.reward, reader))
    return _letter(reader, subject, _Body("", [_news(told, words, reader)]))


def digest_letter(all_told: Sequence[Told], reader: Reader) -> Letter:
    """One mail about several changes, in their order."""
    words = WORDS[reader.language]
    subject = _said(words.digest_subject, count=len(all_told))
    return _letter(
        reader, subject, _Body(words.digest, [_news(told, words, reader) for told in all_told])
    )


def login_letter(url: str, expires_at: datetime, reader: Reader) -> Letter:
    """The mail with a one-time link."""
    words = WORDS[reader.language]
    until = f"{words.login_until} {reader.voice.moment(expires_at)}"
    news = News(happened=words.login, next=until, link=Link(words.login_subject, url))
    return _letter(reader, words.login_subject, _Body("", [news]))


def _news(told: Told, words: Words, reader: Reader) -> News:
    reward = told.reward
    happened = words.phrases[told.event_type].happened(reward.side)
    by = f" ({words.by} {reader.voice.moment(reward.next_at)})." if reward.next_at else "."
    return News(
        happened=_said(happened, amount=_amount(reward, reader)),
        why=_told(reward.reason, reader),
        details=[_told(line, reader) for line in reward.explanation],
        next=_told(reward.next_step, reader).removesuffix(".") + by if reward.next_step else "",
        link=Link(words.look, told.url),
    )


def _told(sentence: str, reader: Reader) -> str:
    """What rewards said, in the reader's language; somebody's own words are quoted."""
    voice = reader.voice
    return (CATALOGUE.tell(sentence, voice) or voice.quote(sentence)) if sentence else ""


def _letter(reader: Reader, subject: str, body: _Body) -> Letter:
    words = WORDS[reader.language]
    values = {
        "language": reader.language,
        "subject": subject,
        "greeting": _said(words.greeting, name=_one_line(reader.name)),
        "opening": body.opening,
        "news": body.news,
        "words": words,
        "unsubscribe_url": reader.unsubscribe_url,
    }
    return Letter(
        language=reader.language,
        subject=_one_line(subject),
        text=_template(TEXT, markup=False).render(values).strip() + "\n",
        html=_template(HTML, markup=True).render(values).strip() + "\n",
    )


def _amount(reward: RewardChanged, reader: Reader) -> str:
    return reader.voice.money(reward.amount_minor, reward.currency, reward.digits)


def _said(phrase: str, **values: object) -> str:
    return _template(phrase, markup=False).render(values)


def _one_line(text: str) -> str:
    return " ".join(text.split())


@cache
def _template(source: str, *, markup: bool) -> Template:
    return (_MARKUP if markup else _PLAIN).from_string(source)
