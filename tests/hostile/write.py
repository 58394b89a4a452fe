"""Write the hostile files and their list: ``python -m tests.hostile.write``. After a change of the format, or of a case."""

from __future__ import annotations

from pathlib import Path

from splatc.decoder.describe import describe
from splatc.errors import SplatError
from tests.hostile import cases_container, cases_draft, cases_header, cases_index, cases_latents, cases_streams
from tests.hostile.case import Case

FOLDER = Path(__file__).parent
MODULES = (cases_container, cases_header, cases_draft, cases_streams, cases_index, cases_latents)
HEADING = """# Files that must be refused

Each breaks one rule of [spec/](../../spec/README.md). `python -m tests.hostile.write` writes them, and this list; `cases_*.py` say in words
what is in them. The error is what splatc says, in part. Another decoder may say something else, but must not read the file: `corrupt` and
`unsupported` end `splatc` with exit code 3, `limit` with 4. Metadata (`metadata-*`) whose CRC is right cost no pixel: the picture of such a
file is drawn, without them and with a note (`splatc.SplatWarning` in Python).

`splatc info` looks at the structure and at metadata: it reads those marked so, whose metadata, of which it has a note, or streams are at
fault. `splatc decode` refuses these streams, and `splatc verify` every file of the list. [tests/README.md](../README.md) has the outcome
by every door.

| file | bytes | kind | error | info |
|---|---|---|---|---|
"""


def cases() -> list[Case]:
    """All of them."""
    return [case for module in MODULES for case in module.cases()]


def info_reads(case: Case) -> bool:
    """Whether `splatc info` sees nothing wrong with a file."""
    try:
        describe(case.data)
    except SplatError:
        return False
    return True


def listing() -> str:
    """README.md."""
    rows = [
        f"| {each.name} | {len(each.data)} | {each.kind} | {each.says or 'any'} | {'reads' if info_reads(each) else ''} |\n"
        for each in cases()
    ]
    return HEADING + "".join(rows)


def main() -> None:
    """Replace what is there."""
    for path in FOLDER.glob("*.splat2d"):
        path.unlink()
    for case in cases():
        (FOLDER / f"{case.name}.splat2d").write_bytes(case.data)
    (FOLDER / "README.md").write_text(listing())


if __name__ == "__main__":
    main()
