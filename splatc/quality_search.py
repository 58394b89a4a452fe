"""The smallest file that reaches a PSNR: fits of several sizes, each told what the ones before it came to.

A fit takes a size and comes to a quality, so the size is searched for. The PSNR of a picture is nearly a line over the logarithm of the
bytes that its Gaussians take: some trial fits at the lowest effort tell where on it the target lies and how steep it is there, fits at the
wanted effort then step along it, between what was too small and what was more than enough. What counts is what the decoder draws of the
file itself, so no file below the target ever leaves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from splatc import metrics
from splatc.bitstream import read_header
from splatc.bitstream.limits import MAX_GAUSSIANS
from splatc.decoder import decode_bytes
from splatc.encoder import EncodeOptions, Progress, empty_file, encode_on, work_of
from splatc.errors import TimeUpError, UsageError
from splatc.fit import memory
from splatc.fit.schedule import Schedule, schedule
from splatc.flat import flat_file
from splatc.pixels import Image, Samples
from splatc.rate_control import FIRST_GUESS, Target
from splatc.request import USUAL_SLOPE

if TYPE_CHECKING:
    from splatc.fit.engines.choice import Wanted
    from splatc.render.choice import Tell

TOLERANCE = 0.1
"""dB above the target that end the search."""
TRIALS, WHOLE = 3, 4
"""Fits at effort 1, and at the effort that was asked for; more of these only as long as none of them has reached the target."""
TRIAL_EFFORT = 1
NEAR = 0.3
"""dB: a trial so near to where it was meant to be is the last one."""
LEAST_SLOPE, MOST_SLOPE = 1.0, 6.0
APART = 0.2
"""Octaves: the slope between two fits that are nearer to each other is mostly chance."""
GAIN = 0.2
"""dB that twice the steps of a fit bring."""
LONGEST_STEP = 2.0
"""Octaves: the line is not that straight, and large fits are slow."""
LEAST_STEP = 0.05
"""Octaves by which a fit is larger than one that was to be the last and fell short; then twice that, and so on."""
NARROW = 0.005
"""Of the bytes: nothing is worth a fit between sizes that are so close."""
LEAST_START = 32
"""Bytes that the Gaussians of the first fit may take, at least."""
SMALLEST_LIMIT = 1024
"""Bytes that the Gaussians of any picture may take, if its raw pixels are fewer."""
LARGEST = int(MAX_GAUSSIANS * FIRST_GUESS / 8 / Schedule(0).oversampling)
"""Bytes whose seeds are still as many as a file may hold."""
USED, SEEDED = 0.9, 0.8
"""A file that uses less than this share of its limit, and has Gaussians for that share of the pixels, has all that a fit seeds: a higher
limit changes nothing."""
QUICK = 50_000
"""Bytes, about a minute's work."""
HOPE = 1.5
"""dB, and twice the slope or STEEP: what is further off at the largest size is not tried there."""
STEEP = 4.0
TRIAL_SHARE = 0.1
"""Of a limit of time, for each trial; whole fits share what is left."""
CUT = 0.7
"""A fit that takes more than this share of its time was cut short by it."""
SHORT_OF_TIME = 0.4
"""dB that a fit aims too high if it may be the last one in time, and none has reached the target."""


@dataclass(frozen=True)
class Point:
    """What a fit came to."""

    octaves: float
    """log2 of the bytes that its Gaussians might take."""
    psnr: float
    effort: int


def encode_to_psnr(
    wanted: Wanted, image: Image, options: EncodeOptions, psnr: float, tell: Tell, progress: Progress | None = None
) -> bytes:
    """The smallest ``.splat2d`` file found that decodes to at least ``psnr`` dB, as metrics.psnr has it of what is shown.

    ``options.target``, in bytes, is where the search begins; ``options.max_time`` holds for all of it: when that is over, the smallest file
    that reaches the target counts. ``wanted``, ``tell`` and ``progress`` as in encode_on; ``tell`` also hears what each fit came to.

    Raises UsageError if the PSNR cannot be reached, TimeUpError if the time was too short for it, and what encode_on raises.
    """
    return _Search(wanted, image, options, psnr, tell, progress).run()


def quality(shown: Samples, data: bytes) -> float:
    """PSNR in dB of a file, beside what is shown of its picture (metrics.shown)."""
    return metrics.psnr(shown, metrics.shown(decode_bytes(data).pixels))


def slope_near(points: Sequence[Point], aim: float) -> float:
    """dB an octave between the two fits of one effort that are nearest to a PSNR."""
    ranked = sorted(points, key=lambda point: abs(point.psnr - aim))
    for index, b in enumerate(ranked):
        for a in ranked[:index]:
            if a.effort == b.effort and abs(a.octaves - b.octaves) >= APART:
                return min(max((a.psnr - b.psnr) / (a.octaves - b.octaves), LEAST_SLOPE), MOST_SLOPE)
    return USUAL_SLOPE


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
        self, wanted: Wanted, image: Image, options: EncodeOptions, psnr: float, tell: Tell, progress: Progress | None
    ) -> None:
        self.started = time.monotonic()
        self.wanted, self.image, self.options, self.psnr = wanted, image, options, psnr
        self.tell, self.progress = tell, progress
        self.told: set[str] = set()
        self.seen = metrics.shown(image.pixels)
        self.trials = TRIALS if options.effort > TRIAL_EFFORT else 0
        self.whole = TRIALS + WHOLE - self.trials
        self.tries = 0
        self.work = 0
        """Steps of the fits that were planned before this one."""
        self.points: list[Point] = []
        self.best: bytes | None = None
        """The smallest file that reaches the target."""
        self.nearest = (-math.inf, 0)
        """The highest PSNR of all, and the bytes of its file."""
        self.slowest = {TRIAL_EFFORT: 0.0, options.effort: 0.0}
        """Seconds of a fit, by effort."""
        self.cut = False
        """A fit was cut short: it says nothing of what the picture can reach."""
        self.overhead = 0
        self.most = 0
        """Bytes that Gaussians may take."""

    def run(self) -> bytes:
        empty = empty_file(self.image, self.options)
        if self.judge(empty) >= self.psnr:
            return empty
        self.overhead = len(empty)
        self.most = min(max(self.image.pixels.nbytes, SMALLEST_LIMIT), LARGEST)
        if self.options.max_memory is not None:
            seeds = memory.most_seeds(work_of(self.image, self.options), self.options.max_memory)
            # At least one: then it is the fit that says what it would take.
            self.most = max(1, min(self.most, int(seeds / Schedule(0).oversampling * FIRST_GUESS / 8) - self.overhead))
        flat = flat_file(self.image, Target("bytes", self.overhead + self.most), self.options.blend)
        if flat is not None and self.judge(flat) >= self.psnr:
            return flat
        octaves = self.search_quickly()
        self.search(octaves)
        if self.best is None:
            self.refuse()
        return self.best

    def search_quickly(self) -> float:
        """Trial fits. Returns where the first whole fit should look, in octaves."""
        gain = GAIN * math.log2(schedule(self.options.effort).steps / schedule(TRIAL_EFFORT).steps)
        aim = self.psnr + TOLERANCE / 2 - gain
        octaves = start = math.log2(max(self.options.target.value - self.overhead, LEAST_START))
        for index in range(self.trials):
            if self.time_up() or self.size(octaves) in (self.size(point.octaves) for point in self.points):
                break
            self.work = index * schedule(TRIAL_EFFORT).steps
            point = self.attempt(octaves, TRIAL_EFFORT, TRIAL_SHARE * (self.options.max_time or 0.0))
            if self.cut:
                self.points = []
                return start
            octaves = place(self.points, aim, slope_near(self.points, aim))
            self.refuse_hopeless(gain)
            if abs(point.psnr - aim) < NEAR:
                break
        return octaves

    def search(self, octaves: float) -> None:
        """Fits at the wanted effort, until one is near enough or as many have been made as are worth it."""
        effort = self.options.effort
        fits: list[Point] = []
        while not self.time_up():
            self.work = self.trials * schedule(TRIAL_EFFORT).steps + len(fits) * schedule(effort).steps
            point = self.attempt(octaves, effort, self.left() / max(1, self.whole - len(fits)))
            fits.append(point)
            if self.psnr <= point.psnr <= self.psnr + TOLERANCE:
                return
            reached = [each.octaves for each in fits if each.psnr >= self.psnr]
            if reached and len(fits) >= self.whole:
                return
            if not reached and self.size(point.octaves) >= self.overhead + self.most:
                if self.best is not None:
                    return
                self.refuse()
            self.refuse_hopeless(0.0)
            aim = self.psnr + TOLERANCE / 2
            if self.best is None and self.left() < 2 * self.slowest[effort]:
                aim += SHORT_OF_TIME
            octaves = place(fits, aim, slope_near(self.points, aim))
            if reached:
                short = [each.octaves for each in fits if each.psnr < self.psnr and each.octaves < min(reached)]
                narrow = short and 2.0 ** (max(short) - min(reached)) > 1 - NARROW
                if narrow or self.size(octaves) in (self.size(each.octaves) for each in fits):
                    return
            else:
                beyond = len(fits) - self.whole
                least = point.octaves + LEAST_STEP * 2.0**beyond if beyond >= 0 else 0.0
                octaves = max(octaves, least, math.log2(self.size(point.octaves) - self.overhead + 1))

    def attempt(self, octaves: float, effort: int, seconds: float) -> Point:
        """Fit, within so many seconds if time is limited, and see. Its file is kept if it is the smallest that will do."""
        size = self.size(octaves)
        started = time.monotonic()
        self.tries += 1
        limit = None if self.options.max_time is None else max(0.0, seconds)
        options = replace(self.options, target=Target("bytes", size), effort=effort, max_time=limit)
        data = encode_on(self.wanted, self.image, options, self.tell_once, self.reporter(effort))
        psnr = self.judge(data)
        self.tell(f"try {self.tries}, effort {effort}: {len(data)} bytes, PSNR {psnr:.2f} dB", False)
        if psnr >= self.psnr and (self.best is None or len(data) < len(self.best)):
            self.best = data
        took = time.monotonic() - started
        self.slowest[effort] = max(self.slowest[effort], took)
        self.cut |= limit is not None and took > CUT * limit
        seeds = self.image.width * self.image.height
        if psnr < self.psnr and len(data) < USED * size and read_header(data).count > SEEDED * seeds:
            self.most = min(self.most, size - self.overhead)
        # Lines do not go through infinity, the PSNR of equal pictures.
        point = Point(math.log2(size - self.overhead), min(psnr, self.psnr + 30.0), effort)
        self.points.append(point)
        return point

    def judge(self, data: bytes) -> float:
        """The PSNR of a file; the highest is remembered."""
        psnr = quality(self.seen, data)
        self.nearest = max(self.nearest, (psnr, len(data)), key=lambda each: each[0])
        return psnr

    def size(self, octaves: float) -> int:
        """Bytes of a file, within what is possible."""
        return self.overhead + round(min(max(math.exp2(octaves), 1.0), self.most))

    def left(self) -> float:
        """Seconds."""
        limit = self.options.max_time
        return math.inf if limit is None else limit - (time.monotonic() - self.started)

    def time_up(self) -> bool:
        """Whether there is no time for a fit, or not enough for one as long as the others where it only would make the file smaller."""
        return self.left() <= (0.0 if self.best is None else self.slowest[self.options.effort])

    def refuse_hopeless(self, gain: float) -> None:
        """Raise UsageError if even the largest file will not come near the target, rather than fit it, unless that is quick."""
        if len(self.points) < 2 or self.cut or self.best is not None or self.most <= QUICK:
            return
        top = max(self.points, key=lambda point: point.octaves)
        steep = max(STEEP, 2 * slope_near(self.points, self.psnr))
        if top.psnr + gain + HOPE + steep * (math.log2(self.most) - top.octaves) < self.psnr:
            self.refuse()

    def refuse(self) -> NoReturn:
        psnr, size = self.nearest
        if self.cut or self.left() <= 0.0:
            raise TimeUpError(
                f"no file with a PSNR of {self.psnr:g} dB was found in the time allowed; the best had {psnr:.2f} dB "
                f"with {size} bytes: allow more time, or ask for less"
            )
        raise UsageError(
            f"a PSNR of {self.psnr:g} dB cannot be reached: the best of {self.tries} fits came to {psnr:.2f} dB with {size} bytes, "
            f"and {self.overhead + self.most}, the most that this picture may take, would not do: ask for less, or take a lossless format"
        )

    def tell_once(self, sentence: str, urgent: bool) -> None:
        """What fits, and why, is the same for every fit."""
        if sentence not in self.told:
            self.told.add(sentence)
            self.tell(sentence, urgent)

    def reporter(self, effort: int) -> Progress | None:
        """Progress of this fit as a part of all that may be made. It never comes to its end: that is for the last fit."""
        progress = self.progress
        if progress is None:
            return None
        trials, steps = self.trials * schedule(TRIAL_EFFORT).steps, schedule(effort).steps
        most = max(self.tries, self.trials + self.whole)
        total = max(self.work + steps, trials + self.whole * schedule(self.options.effort).steps)
        work, label = self.work, f"try {self.tries} of at most {most}"

        def report(step: int, all_steps: int, phase: str) -> None:
            progress(min(work + step * steps // all_steps, total - 1), total, f"{phase}, {label}")

        return report
