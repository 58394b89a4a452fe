"""What `speed_bench.py` measures: rows of the table, each a list of encodings, with the targets beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.large_items import MOSAIC, PRESETS

KODAK = ("kodim01", "kodim03", "kodim05", "kodim13", "kodim19", "kodim23")
BUSY = 3
"""Processes of the row "busy"."""


@dataclass(frozen=True)
class Row:
    """A row of the table; one that encodes does so with each of `variants`."""

    title: str
    pictures: str = ""
    """"kodak": each of them; "together": all of them by one command; "one": the picture of a single one; "large", "mosaic"; empty: none."""
    variants: Sequence[str] = ()
    """Options of ``splatc encode``."""
    must: str = ""
    aim: str = ""
    quality: str = ""
    """What is asked of it."""
    how: str = "encode"
    """"encode", "psnr", "threads", "busy", "batch", "first" or "install": see speed_measure."""
    cases: Sequence[str] = ("",)
    """What is compared within the row: numbers of threads, circumstances."""
    old: bool = True
    """Whether the commit is measured as well."""
    similarity: bool = False
    """Whether its quality is MS-SSIM."""


ROWS = {
    "kodak": Row(
        "Kodak, default effort", "kodak", ("--cr 100", "--cr 50", "--cr 500"), "0.25", "0.15", "mean >= -0.03 dB"
    ),
    "e1": Row(
        "Kodak, `-e 1`",
        "kodak",
        ("-e 1 --cr 100", "-e 1 --cr 50", "-e 1 --cr 500"),
        "0.25",
        "0.16",
        "mean >= +0.2 dB",
    ),
    "uhr": Row("7287 x 4220", "large", ("--cr 500",), "0.4", "0.25", ">= -0.03 dB"),
    "mosaic": Row("16384 x 16384 mosaic", "mosaic", ("--cr 3000",), "0.4, 2.3 GB", "0.25", ">= -0.03 dB"),
    "ssim": Row("Kodak, `--tune ssim`", "kodak", ("--tune ssim --cr 100",), "0.35", "0.25", "mean >= -0.0005 MS-SSIM"),
    "psnr": Row(
        "Kodak, `--psnr`",
        "kodak",
        ("--psnr 32", "--psnr 35", "--psnr 38"),
        "2 fits, worst 3",
        "1.5, worst 2",
        "files <= +3 %",
        how="psnr",
    ),
    "threads": Row(
        "fit, 2 threads against 1",
        "one large",
        ("--cr 100", "--cr 500"),
        "1.7 / 1.9",
        "",
        "same bytes",
        how="threads",
        cases=("1", "2"),
        old=False,
    ),
    "busy": Row(
        "beside three busy processes, `-e 1`",
        "one",
        ("-e 1 --cr 100",),
        "its share",
        how="busy",
        cases=("alone", "beside"),
    ),
    "batch": Row(
        "batch, pictures an hour",
        "together",
        ("-e 1 --cr 100", "--cr 100"),
        quality="same bytes",
        how="batch",
        cases=("all threads in one", "a thread each"),
        old=False,
    ),
    "install": Row("plain install", must="150 MB", aim="130 MB", how="install"),
    "first": Row(
        "first encode over a warm one, `-e 1`",
        "one",
        ("-e 1 --cr 100",),
        "0.3 s",
        "0 s",
        how="first",
        cases=("first", "warm"),
    ),
}


@dataclass(frozen=True)
class Pictures:
    """Where the pictures are."""

    folder: Path
    """Holds ``kodak/NAME.png`` and ``uhr/``."""
    kodak: Sequence[str] = KODAK
    one: str = "kodim03"
    large: str = PRESETS["7k"].file
    mosaic: Path = field(default_factory=Path)
    """Where the mosaic lies; it is made when it is needed."""

    def of(self, kind: str, variant: int) -> list[Path]:
        """Those of a kind of rows. A row of "one large" has one of its variants for each."""
        one, large = self.folder / "kodak" / f"{self.one}.png", self.folder / "uhr" / self.large
        return {
            "": [],
            "kodak": [self.folder / "kodak" / f"{name}.png" for name in self.kodak],
            "together": [self.folder / "kodak" / f"{name}.png" for name in self.kodak[:1]],
            "one": [one],
            "large": [large],
            "one large": [[one, large][variant]] if variant < 2 else [],
            "mosaic": [self.mosaic],
        }[kind]


@dataclass(frozen=True)
class Job:
    """Something to run once or several times with each installation."""

    row: str
    picture: Path | None
    variant: str
    case: str
    more: tuple[Path, ...] = ()
    """The other pictures of a batch."""

    @property
    def key(self) -> str:
        name = "" if self.picture is None else self.picture.name
        name += f" and {len(self.more)} more" if self.more else ""
        return "|".join((self.row, name, self.variant, self.case))


def jobs(names: Sequence[str], pictures: Pictures, extra: Sequence[str]) -> list[Job]:
    """All jobs of some rows in the order in which they are run; `extra` options follow those of the row."""
    found = []
    for name in names:
        row = ROWS[name]
        others = tuple(pictures.of("kodak", 0)[1:]) if row.pictures == "together" else ()
        if not row.pictures:
            found.append(Job(name, None, "", ""))
        for number, variant in enumerate(row.variants):
            options = " ".join([variant, *extra])
            for picture in pictures.of(row.pictures, number):
                found += [Job(name, picture, options, case, others) for case in row.cases]
    return found


MOSAIC_NAME = f"mosaic_{MOSAIC}.tif"
