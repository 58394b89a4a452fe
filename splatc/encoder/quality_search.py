"""The smallest file that reaches a PSNR: a fit with an estimated number of Gaussians, and corrections of it.

Trial fits at effort 0, and at effort 1 where many are needed, estimate how many Gaussians it takes, to within a third. A fit at the wanted
effort shows by how much that was wrong, and how the error falls on the way. The correction goes on from an early part of the same fit
(quality_control.MARK) to the right number, and steers as it has learned; mostly one is enough. The decoder's picture of the finished file
is measured, so no file below the target is returned.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from splatc.bitstream import read_header
from splatc.bitstream.limits import MAX_GAUSSIANS
from splatc.decoder.budget import UNBOUNDED
from splatc.decoder.scene import decode_bytes
from splatc.encoder.flat import flat_file
from splatc.encoder.pipeline import EncodeOptions, Progress, empty_file, encode_on, seeds_of, work_of
from splatc.encoder.quality_control import SLOPE, Aim, Course, Curve
from splatc.encoder.rate_control import FIRST_GUESS, Target
from splatc.errors import TimeUpError, UsageError
from splatc.fit import memory
from splatc.fit.schedule import Schedule, schedule
from splatc.image import metrics
from splatc.image.image import Image, Samples

if TYPE_CHECKING:
    from splatc.fit.engines.choice import Wanted
    from splatc.fit.trainer import Snapshot
    from splatc.render.choice import Log

TRIALS, WHOLE = 4, 3
"""Fits at effort 0, and at the effort that was asked for; more of these only where none, or only a POOR one, has reached the target."""
SPARSE_TRIAL, DENSE_TRIAL = 0, 1
"""Efforts of a trial with few Gaussians or with many: so few steps as effort 0 makes say little of those (kodim19 with 34 000: 5.6 dB
less than at effort 5; at effort 1, 1.7 dB)."""
DENSE = 100
"""Pixels of the picture for each Gaussian: with fewer these are many."""
NEAR = 0.7
"""dB: a trial that ends so near to the target says enough."""
WASTE = 0.12
"""dB above the target that are worth a correction: finer or coarser steps, or the last trim, had to make up for them."""
ROOM = 0.95
"""Of the Gaussians that there were at the mark, so many at most can be the aim of a correction."""
LEAST_SLOPE, MOST_SLOPE = 1.0, 8.0
STEEPER = 1.1
"""A whole fit gains so much more from more Gaussians than trials say (kodim03, 19 and 23)."""
POOR = 0.5
"""dB above the target with which the search does not end yet, though it has made all its fits."""
APART = 0.2
"""Octaves: the slope between two fits that are nearer to each other is mostly chance."""
GAINS = {SPARSE_TRIAL: (1.15, 0.05, 0.19), DENSE_TRIAL: (0.6, 0.0, 0.24)}
"""dB that a fit at effort 5 has more than a trial, by its effort, of as many Gaussians: of MIDDLING PSNR with a Gaussian for each SPARSE
pixels; how much more for each dB of the trial, and for twice as many Gaussians (six photographs that are in no table: mostly within 0.5 and
0.3 dB)."""
MIDDLING, SPARSE = 27.0, 200
LEAST_GAIN, MOST_GAIN = 0.2, 4.0
BEHIND = {SPARSE_TRIAL: 105.0, DENSE_TRIAL: 170.0}
"""Of a fit with so many steps nearly all of that is missing: after effort 0, 0.6 of it is there after 250, 0.9 after 1200."""
LONGEST_STEP = 2.0
"""Octaves: the line is not that straight, and large fits are slow."""
LEAST_STEP = 0.05
"""Octaves by which a fit is larger than one that was to be the last and fell short; then twice that, and so on."""
SPARE, MOST_SPARE = 0.05, 12.8
"""dB by which a correction aims higher than one before it that fell short; then four times that, and so on, up to the most."""
BETTER, STALE = 0.01, 3
"""Of the largest fits, so many in a row that are not better by so many dB end the search. They may be the same file again and again; two
that were had still been followed by a better one (kodim03, 64 x 48, effort 0), as each aims higher than the one before."""
GROWN = 1.1
"""More Gaussians, by this factor at least, are worth another fit when the largest fits miss the target."""
LEAST_START = 8
"""Gaussians of the first fit, at least."""
SMALLEST_LIMIT = 256
"""Gaussians that any picture may take, if its raw pixels are fewer bytes than these would be."""
LARGEST = int(MAX_GAUSSIANS / Schedule(0).oversampling)
"""Gaussians whose seeds are still as many as a file may hold."""
SEEDED = 0.8
"""Of the largest number of seeds: a fit that ends with more has all that there can be."""
QUICK = 12_000
"""Gaussians, about a minute's work."""
HOPE = 1.5
"""dB, and twice the slope or STEEP: what is further off at the largest size is not tried there."""
STEEP = 4.0
FLAT, STEEP_LATER = 1.5, 7.0
"""dB an octave: a curve that begins so flat is one of noise, which gains little until there is a Gaussian for nearly every pixel, then much
(uniform noise: 1 until 6 pixels for each, 6.2 from there on)."""
TRIAL_SHARE = 0.1
"""Of a limit of time, for each trial; whole fits share what is left."""
SHORTENED = 0.7
"""A fit that takes more than this share of its time was shortened by it."""
SHORT_OF_TIME = 0.4
"""dB that a fit aims too high if it may be the last one in time, and none has reached the target."""


@dataclass(frozen=True)
class Point:
    """What a fit came to."""

    octaves: float
    """log2 of the Gaussians that it ended with."""
    psnr: float
    """dB; after a trial, that of a whole fit of as many."""
    effort: int


def encode_to_psnr(
    wanted: Wanted, image: Image, options: EncodeOptions, psnr: float, log: Log, progress: Progress | None = None
) -> bytes:
    """The smallest ``.splat2d`` file found that decodes to at least ``psnr`` dB, as metrics.psnr has it of what is shown.

    ``options.target``, in bytes, is where the search begins; ``options.max_time`` holds for all of it: when that is over, the smallest file
    that reaches the target counts. ``wanted``, ``log`` and ``progress`` as in encode_on; ``log`` also gets the result of each fit.

    Raises UsageError if the PSNR cannot be reached, TimeUpError if the time was too short for it, and what encode_on raises.
    """
    return _Search(wanted, image, options, psnr, log, progress).run()


def quality(shown: Samples, data: bytes) -> float:
    """PSNR in dB of a file, beside what is shown of its picture (metrics.shown)."""
    return metrics.psnr(shown, metrics.shown(decode_bytes(data, budget=UNBOUNDED).pixels))


def slope_near(points: Sequence[Point], aim: float) -> float:
    """dB an octave between the two fits of one effort that are nearest to a PSNR."""
    ranked = sorted(points, key=lambda point: abs(point.psnr - aim))
    for index, b in enumerate(ranked):
        for a in ranked[:index]:
            if a.effort == b.effort and abs(a.octaves - b.octaves) >= APART:
                return min(max((a.psnr - b.psnr) / (a.octaves - b.octaves), LEAST_SLOPE), MOST_SLOPE)
    return SLOPE


def place(points: Sequence[Point], aim: float, slope: float) -> float:
    """Where a PSNR should lie, in octaves, by fits of one effort: between two of them if it can be, else along the slope."""
    high = min((point for point in points if point.psnr >= aim), key=lambda point: point.octaves, default=None)
    smaller = [point for point in points if point.psnr < aim and (high is None or point.octaves < high.octaves)]
    low = max(smaller, key=lambda point: point.octaves, default=None)
    if low is not None and high is not None:
        share = (aim - low.psnr) / (high.psnr - low.psnr)
        return low.octaves + min(max(share, 0.1), 0.9) * (high.octaves - low.octaves)
    near = low or high
    assert near is not None
    return near.octaves + min(max((aim - near.psnr) / slope, -LONGEST_STEP), LONGEST_STEP)


class _Search:
    """A search on its way: what was tried, and the smallest file that will do."""

    def __init__(
        self, wanted: Wanted, image: Image, options: EncodeOptions, psnr: float, log: Log, progress: Progress | None
    ) -> None:
        self.started = time.monotonic()
        self.wanted, self.image, self.options, self.psnr = wanted, image, options, psnr
        self.log, self.progress = log, progress
        self.logged: set[str] = set()
        self.seen = metrics.shown(image.pixels)
        self.trials = TRIALS if options.effort > SPARSE_TRIAL else 0
        self.whole = TRIALS + WHOLE - self.trials
        self.tries = 0
        self.work = 0
        """Steps of the fits that were planned before this one."""
        self.points: list[Point] = []
        self.rise: Curve | None = None
        """How the PSNR rises, as the last fit of the wanted effort has measured it."""
        self.marked: Snapshot | None = None
        """That fit, as it was early."""
        self.best: bytes | None = None
        """The smallest file that reaches the target."""
        self.waste = math.inf
        """dB by which the fit nearest to the target was above it, or below, before finer steps and the last trim."""
        self.reached = False
        """Whether the last fit reached the target."""
        self.nearest = (-math.inf, 0)
        """The highest PSNR of all, and the bytes of its file."""
        self.slowest = {SPARSE_TRIAL: 0.0, DENSE_TRIAL: 0.0, options.effort: 0.0}
        """Seconds of a fit, by effort."""
        self.shortened = False
        """Whether a fit was shortened by its limit of time: then its PSNR is not what the picture can reach."""
        self.most = 0
        """Gaussians that a fit may be for, as yet: as many as should take the bytes of the raw pixels."""
        self.ceiling = 0
        """Gaussians that the picture may take, if they turn out to take fewer bytes."""
        self.ceiling_is = "the most that a picture of its size may take"
        """What they are."""
        self.exhausted = False
        """Whether the largest fits were made."""
        self.last = (0.0, 0, 0)
        """PSNR, bytes and Gaussians of the last file."""

    def run(self) -> bytes:
        empty = empty_file(self.image, self.options)
        if self.judge(empty) >= self.psnr:
            return empty
        self.most, self.ceiling, self.ceiling_is = self.bounds()
        flat = flat_file(self.image, Target("count", self.most), self.options.blend)
        if flat is not None and self.judge(flat) >= self.psnr:
            return flat
        octaves = self.search_quickly(len(empty))
        self.search(octaves)
        if self.best is None:
            self.refuse()
        return self.best

    def bounds(self) -> tuple[int, int, str]:
        """Gaussians that a fit may be for at first; that the picture may take, and what these are."""
        most = min(max(int(self.image.pixels.nbytes * 8 / FIRST_GUESS), SMALLEST_LIMIT), LARGEST)
        everything = seeds_of(self.image, LARGEST)
        ceiling, what = everything, "the most that a picture of its size may take"
        if ceiling > LARGEST:
            ceiling, what = LARGEST, "the most that a fit may end with"
        if self.options.max_memory is not None:
            seeds = memory.most_seeds(work_of(self.image, self.options), self.options.max_memory)
            # At least one: then it is the fit that says what it would take.
            allowed = max(1, int(seeds / Schedule(0).oversampling))
            most = min(most, allowed)
            if seeds < everything and allowed < ceiling:
                ceiling, what = allowed, "the most that --max-memory (in Python max_memory) allows"
        return most, ceiling, what

    def raise_most(self) -> bool:
        """Allow more Gaussians, if those of the last file took fewer bytes than was guessed; says whether there are more."""
        _, size, count = self.last
        most = min(self.ceiling, int(count * self.image.pixels.nbytes / size))
        if most < GROWN * self.most:
            return False
        self.most = most
        # The rise of smaller fits, in which finer steps had to make up for Gaussians, would lead to fewer of these.
        self.rise = self.marked = None
        return True

    def search_quickly(self, overhead: int) -> float:
        """Trial fits. Returns where the first whole fit should look, in octaves."""
        count = (self.options.target.value - overhead) * 8 / FIRST_GUESS
        octaves = start = math.log2(max(count, LEAST_START))
        effort = SPARSE_TRIAL
        for index in range(self.trials):
            if self.time_up():
                break
            self.work = index * schedule(DENSE_TRIAL).steps
            point = self.attempt(octaves, effort, 0.0, TRIAL_SHARE * (self.options.max_time or 0.0))
            if self.shortened:
                self.points = []
                return start
            alike = [each for each in self.points if each.effort == effort]
            octaves = place(alike, self.psnr, slope_near(alike, self.psnr))
            self.refuse_hopeless()
            said, effort = effort, self.trial_effort(octaves)
            near = abs(point.psnr - self.psnr) < NEAR or self.count(octaves) == self.count(point.octaves)
            if near and said == effort:
                break
        return octaves

    def trial_effort(self, octaves: float) -> int:
        """At which a trial says how good a fit of so many Gaussians is."""
        dense = self.image.width * self.image.height < DENSE * math.exp2(octaves)
        return DENSE_TRIAL if dense and self.options.effort > DENSE_TRIAL else SPARSE_TRIAL

    def gain(self, octaves: float, psnr: float, effort: int) -> float:
        """dB that a fit at the wanted effort should have more than a trial of so many Gaussians."""
        gain, by_psnr, by_density = GAINS[effort]
        sparse = self.image.width * self.image.height / SPARSE
        gain += by_psnr * (psnr - MIDDLING) + by_density * (octaves - math.log2(sparse))
        steps = schedule(self.options.effort).steps
        return min(max(gain, LEAST_GAIN), MOST_GAIN) * max(0.0, 1.0 - BEHIND[effort] / steps)

    def search(self, octaves: float) -> None:
        """A fit at the wanted effort, then corrections of it, until one has reached the target without much waste."""
        effort = self.options.effort
        fits: list[Point] = []
        spare, highest, stale, raised = 0.0, -math.inf, 0, False
        while not self.time_up():
            self.work = self.trials * schedule(DENSE_TRIAL).steps + len(fits) * schedule(effort).steps
            hurry = SHORT_OF_TIME if self.best is None and self.left() < 2 * self.slowest[effort] else 0.0
            point = self.attempt(octaves, effort, spare + hurry, self.left() / max(1, self.whole - len(fits)))
            fits.append(point)
            reached = self.reached
            if self.best is not None and self.waste < self.accepted(len(fits)):
                return
            if not reached:
                if self.count(octaves) >= self.most:
                    stale = 0 if self.last[0] > highest + BETTER else stale + 1
                    highest = max(highest, self.last[0])
                    everything = point.octaves >= math.log2(SEEDED * seeds_of(self.image, self.most))
                    if (everything and not raised) or stale >= STALE:
                        if self.best is not None or self.shortened or not self.raise_most():
                            self.exhausted = True
                            return
                        octaves, spare, stale, raised = math.log2(self.most), 0.0, 0, True
                        continue
                self.refuse_hopeless()
                if len(fits) > 1:  # it knew the way, and has missed the target nevertheless
                    spare = min(max(SPARE, 4 * spare), MOST_SPARE)
            before, octaves = octaves, place(fits, self.psnr, self.slope(fits))
            if not reached:
                beyond = max(0, len(fits) - self.whole)
                least = before if len(fits) < self.whole else before + LEAST_STEP * 2.0**beyond
                octaves = min(max(octaves, least), math.log2(self.most))

    def accepted(self, fits: int) -> float:
        """dB that the nearest fit may waste after so many of them."""
        return WASTE if fits < self.whole else POOR if fits < 2 * self.whole else math.inf

    def slope(self, fits: Sequence[Point]) -> float:
        """dB an octave of whole fits near the target, by these or else by the trials."""
        if len(fits) < 2 and len(self.points) > 2:
            return min(STEEPER * slope_near(self.points, self.psnr), MOST_SLOPE)
        return slope_near(fits, self.psnr)

    def attempt(self, octaves: float, effort: int, spare: float, seconds: float) -> Point:
        """Fit, within so many seconds if time is limited, and see. Its file is kept if it is the smallest that will do."""
        count = self.count(octaves)
        started = time.monotonic()
        self.tries += 1
        limit = None if self.options.max_time is None else max(0.0, seconds)
        courses: list[Course] = []
        aim = Aim(self.psnr, self.seen, courses.append)
        if effort == self.options.effort:
            begun = self.marked if self.marked is not None and count <= ROOM * len(self.marked.table) else None
            aim = replace(aim, rise=self.rise, spare=spare, begun=begun, mark=self.keep)
        options = replace(self.options, target=Target("count", count), effort=effort, max_time=limit, aim=aim)
        data = encode_on(self.wanted, self.image, options, self.log_once, self.reporter(effort))
        psnr = self.judge(data)
        self.reached = psnr >= self.psnr
        self.log(f"try {self.tries}, effort {effort}: {len(data)} bytes, PSNR {psnr:.2f} dB", False)
        took = time.monotonic() - started
        self.slowest[effort] = max(self.slowest[effort], took)
        self.shortened |= limit is not None and took > SHORTENED * limit
        course = courses[-1] if courses else Course((), (), read_header(data).count, psnr)
        self.last = psnr, len(data), course.count
        if course.measured and effort == self.options.effort:
            self.rise = course.rise(self.rise)
        # Lines do not go through infinity, the PSNR of equal pictures.
        point = Point(math.log2(max(1, course.count)), min(course.plain, self.psnr + 30.0), effort)
        if effort != self.options.effort:
            point = replace(point, psnr=point.psnr + self.gain(point.octaves, point.psnr, effort))
        if self.reached and (self.best is None or len(data) < len(self.best)):
            self.best = data
        if self.reached and effort == self.options.effort:
            self.waste = min(self.waste, abs(point.psnr - self.psnr))
        self.points.append(point)
        return point

    def keep(self, marked: Snapshot) -> None:
        self.marked = marked

    def judge(self, data: bytes) -> float:
        """The PSNR of a file; the highest is remembered."""
        psnr = quality(self.seen, data)
        self.nearest = max(self.nearest, (psnr, len(data)), key=lambda each: each[0])
        return psnr

    def count(self, octaves: float) -> int:
        """Gaussians that a fit is for, within what is possible."""
        return round(min(max(math.exp2(octaves), 1.0), self.most))

    def left(self) -> float:
        """Seconds."""
        limit = self.options.max_time
        return math.inf if limit is None else limit - (time.monotonic() - self.started)

    def time_up(self) -> bool:
        """Whether there is no time for a fit, or not enough for one as long as the others where it only would make the file smaller."""
        return self.left() <= (0.0 if self.best is None else self.slowest[self.options.effort])

    def refuse_hopeless(self) -> None:
        """Raise UsageError if even the largest file will not come near the target, rather than fit it, unless that is quick."""
        if len(self.points) < 2 or self.shortened or self.best is not None or self.most <= QUICK:
            return
        first, second, *_ = ranked = sorted(self.points, key=lambda point: point.octaves)
        top = ranked[-1]
        flat = second.psnr - first.psnr < FLAT * (second.octaves - first.octaves)
        steep = max(STEEP_LATER if flat else STEEP, 2 * slope_near(self.points, self.psnr))
        if top.psnr + HOPE + steep * (math.log2(self.ceiling) - top.octaves) < self.psnr:
            self.refuse()

    def refuse(self) -> NoReturn:
        psnr, size = self.nearest
        if self.shortened or self.left() <= 0.0:
            raise TimeUpError(
                f"no file with a PSNR of {self.psnr:g} dB was found in the time allowed; the best had {psnr:.2f} dB "
                f"with {size} bytes: allow more time, or ask for less"
            )
        raise UsageError(
            f"a PSNR of {self.psnr:g} dB cannot be reached: the best of {self.tries} fits came to {psnr:.2f} dB with {size} bytes, and "
            f"{self.limit()}: ask for less, or take a lossless format"
        )

    def limit(self) -> str:
        """What stands against larger fits, as a part of a sentence."""
        if not self.exhausted:
            return f"{self.ceiling} Gaussians, {self.ceiling_is}, would hardly do"
        if GROWN * self.most >= self.ceiling:
            return f"about {min(self.most, self.ceiling)} Gaussians, {self.ceiling_is}, did not do"
        return f"more than some {self.most} Gaussians would take more bytes than the raw pixels"

    def log_once(self, sentence: str, warning: bool) -> None:
        """What fits, and why, is the same for every fit."""
        if sentence not in self.logged:
            self.logged.add(sentence)
            self.log(sentence, warning)

    def reporter(self, effort: int) -> Progress | None:
        """Progress of this fit as a part of all that may be made. It never comes to its end: that is for the last fit."""
        progress = self.progress
        if progress is None:
            return None
        trials, steps = self.trials * schedule(DENSE_TRIAL).steps, schedule(effort).steps
        most = max(self.tries, self.trials + self.whole)
        total = max(self.work + steps, trials + self.whole * schedule(self.options.effort).steps)
        work, label = self.work, f"try {self.tries} of at most {most}"

        def report(step: int, all_steps: int, phase: str) -> None:
            progress(min(work + step * steps // all_steps, total - 1), total, f"{phase}, {label}")

        return report
