"""When something is tried again, and when a digest goes out. Every bound has a name and a unit."""

from datetime import datetime, time, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

WEBHOOK_RETRY_SECONDS = (
    5,
    300,
    1_800,
    7_200,
    18_000,
    36_000,
    50_400,
    72_000,
    86_400,
)  # Standard Webhooks, "Deliverability and reliability"
WEBHOOK_RETRY_AFTER_MAX_SECONDS = 86_400
JITTER_MAX_SHARE = 0.1
MAIL_RETRY_FIRST_SECONDS = 2
MAIL_RETRY_MAX_SECONDS = 900
CONTACT_WAIT_FIRST_SECONDS = 2
CONTACT_WAIT_MAX_SECONDS = 600
KEYS_RETRY_SECONDS = 2
DIGEST_AT = time(8)


def webhook_retry_at(
    delivery_id: str, failures: int, now: datetime, retry_after: timedelta | None = None
) -> datetime | None:
    """When a webhook that failed so often (1 is the first time) is tried again; None: never.

    The receiver's own Retry-After counts when it asks for more patience.
    """
    if failures > len(WEBHOOK_RETRY_SECONDS):
        return None
    seconds = WEBHOOK_RETRY_SECONDS[failures - 1] * (1 + jitter(delivery_id, failures))
    asked = retry_after.total_seconds() if retry_after else 0
    return now + timedelta(seconds=max(seconds, min(asked, WEBHOOK_RETRY_AFTER_MAX_SECONDS)))


def mail_retry_at(delivery_id: str, failures: int, now: datetime) -> datetime:
    """When a mail that failed so often for a passing reason is tried again: doubling, capped."""
    doubled = MAIL_RETRY_FIRST_SECONDS * 2 ** min(failures - 1, 20)
    seconds = min(doubled, MAIL_RETRY_MAX_SECONDS) * (1 + jitter(delivery_id, failures))
    return now + timedelta(seconds=seconds)


def contact_retry_at(created_at: datetime, now: datetime) -> datetime:
    """When a missing contact is looked for again: the longer it is missing, the later.

    A contact that comes wakes its mails at once; this is only the second net.
    """
    age = (now - created_at).total_seconds()
    seconds = min(max(age, CONTACT_WAIT_FIRST_SECONDS), CONTACT_WAIT_MAX_SECONDS)
    return now + timedelta(seconds=seconds)


def keys_retry_at(now: datetime) -> datetime:
    """When keys that could not be fetched are asked for again."""
    return now + timedelta(seconds=KEYS_RETRY_SECONDS)


def jitter(delivery_id: str, n: int) -> float:
    """A share between 0 and JITTER_MAX_SHARE, the same whenever it is asked for."""
    digest = sha256(f"{delivery_id}/{n}".encode()).digest()
    return JITTER_MAX_SHARE * int.from_bytes(digest[:4], "big") / 2**32


def retry_after_of(header: str, now: datetime) -> timedelta | None:
    """A Retry-After header (RFC 9110, 10.2.3): seconds or a date; None if it is neither."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), WEBHOOK_RETRY_AFTER_MAX_SECONDS))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(moment - now, timedelta()) if moment.tzinfo else None


def next_digest_at(now: datetime, zone: str) -> datetime:
    """The next 08:00 in the market's zone, strictly after now."""
    local = now.astimezone(ZoneInfo(zone))
    today = datetime.combine(local.date(), DIGEST_AT, local.tzinfo)
    if today > now:
        return today.astimezone(now.tzinfo)
    following = datetime.combine(local.date() + timedelta(days=1), DIGEST_AT, local.tzinfo)
    return following.astimezone(now.tzinfo)
