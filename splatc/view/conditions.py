"""What a request makes depend on the version of a file (RFC 9110, section 13): a client that has it already, or a part of another one."""

from __future__ import annotations

import email.utils
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from http import HTTPStatus


@dataclass(frozen=True)
class Version:
    """What distinguishes a version of a file from all others."""

    tag: str
    """A strong entity tag, quoted."""
    modified: int
    """Seconds since 1970."""

    @property
    def date(self) -> str:
        """The time of the last change, as HTTP writes it."""
        return email.utils.formatdate(self.modified, usegmt=True)


def status(headers: Message, version: Version) -> HTTPStatus | None:
    """How the conditions of a request for a file end it: 304 (not modified), 412 (another version), or not at all (None)."""
    if (wanted := headers.get("If-Match")) is not None:
        if not _names(wanted, version.tag, weak=False):
            return HTTPStatus.PRECONDITION_FAILED
    elif (limit := _seconds(headers.get("If-Unmodified-Since"))) is not None and version.modified > limit:
        return HTTPStatus.PRECONDITION_FAILED
    if (known := headers.get("If-None-Match")) is not None:
        return HTTPStatus.NOT_MODIFIED if _names(known, version.tag, weak=True) else None
    if (since := _seconds(headers.get("If-Modified-Since"))) is not None and version.modified <= since:
        return HTTPStatus.NOT_MODIFIED
    return None


def range_holds(headers: Message, version: Version) -> bool:
    """Whether ranges mean this version, by the field If-Range; else all of the file is sent.

    A date counts two seconds after it: within one second there may be several versions.
    """
    field = headers.get("If-Range")
    if field is None:
        return True
    field = field.strip()
    if field.startswith(('"', "W/")):
        return field == version.tag
    return field == version.date and datetime.now(UTC).timestamp() - version.modified >= 2


def _names(field: str, tag: str, *, weak: bool) -> bool:
    """Whether a list of entity tags has this one; weak ones count for as much as others if `weak`."""
    if field.strip() == "*":
        return True
    tags = [each.strip() for each in field.split(",")]
    return tag in tags or (weak and f"W/{tag}" in tags)


def _seconds(field: str | None) -> float | None:
    """A time of HTTP, in seconds since 1970; None if it is none."""
    try:
        found = email.utils.parsedate_to_datetime(field or "")
        return found.timestamp() if found.tzinfo else found.replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None
