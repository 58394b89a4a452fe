"""The colour profile in the segments of a JPEG file (ICC.1:2022, annex B.4).

A segment says which of how many it is. Files are found in which one stands there twice, or in which all say that they are the first: what
fits the length that the profile itself states is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

_NAME = b"ICC_PROFILE\0"
_HEAD = 128  # bytes of a profile's header; the first four are its length, "acsp" stands at 36


def joined(segments: Sequence[tuple[str, bytes]]) -> tuple[bytes, str]:
    """The profile, empty if there is none that is whole; and a sentence about one that is not.

    `segments`: name and content of each APPn, as Pillow lists them.
    """
    parts = [data[len(_NAME) :] for name, data in segments if name == "APP2" and data.startswith(_NAME)]
    parts = [part for part in parts if len(part) > 2]
    if not parts:
        return b"", ""
    numbered: dict[int, bytes] = {}
    for part in parts:
        numbered.setdefault(part[0], part[2:])
    total = max(part[1] for part in parts)
    by_number = b"".join(numbered[number] for number in sorted(numbered))
    if sorted(numbered) == list(range(1, total + 1)) and (_is_whole(by_number) or len(parts) == total):
        return by_number, ""  # a damaged one among them is found when it is used
    for profile in (by_number, b"".join(part[2:] for part in parts), numbered.get(1, b"")):
        if _is_whole(profile):
            return profile, ""
    return b"", f"the colour profile is left out: {len(numbered)} of its {total} segments are there"


def _is_whole(profile: bytes) -> bool:
    return len(profile) >= _HEAD and profile[36:40] == b"acsp" and int.from_bytes(profile[:4], "big") == len(profile)
