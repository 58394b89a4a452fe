"""Picture -> fit -> quantize -> bitstream -> bytes, and the rate control that holds them together.

The fit asks for its budget while it prunes; the answer comes from the real encoder, run on the Gaussians as they are at that moment. What
is still too much at the end is trimmed, so that the file never exceeds its target.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from splatc import bitstream
from splatc.bitstream import Header, Metadata
from splatc.bitstream.predict import expected_colours
from splatc.errors import DeviceError, UsageError
from splatc.fit.clock import Clock
from splatc.fit.device import choose
from splatc.fit.lattice import Picture, reduced
from splatc.fit.parameters import from_gaussians
from splatc.fit.schedule import Schedule, schedule
from splatc.fit.seeding import seed
from splatc.fit.trainer import Task, fit
from splatc.gaussians import Blend, FloatArray, Gaussians
from splatc.image_io import Image
from splatc.pixels.hidden import without_hidden_colours
from splatc.quantize import QuantizedGaussians, Quantizer, quantize

if TYPE_CHECKING:
    from splatc.cuda.device import Device
    from splatc.render.choice import Tell

FIRST_GUESS = 36.0
"""Bits per Gaussian, before there is anything to encode."""
SEEDING_SAMPLES = 16.0
"""Seeds are drawn from the picture reduced to no fewer samples per Gaussian."""
MANY = 10_000
"""Gaussians whose packing takes so long that it is not done at every cut."""
FEW_LESS = 0.7
"""As long as more than this share of them is left."""
FAR_TOO_MANY = 1.3
"""Times the Gaussians that the file can hold: later cuts will look more closely. Counts where a GPU waits for the packing."""
PROMISED = 100_000
"""Gaussians up to which a fit on a GPU has its rate term: what neighbours promise takes the CPU 3 us for each, ten times."""
SAMPLED = 30_000
"""Gaussians that are packed in place of all, in squares all over the picture, where a GPU waits for it."""
SAMPLES_COST = 1.02
"""What each costs there over what it costs among all: it has fewer neighbours. A third of 115 000 seeds with random shapes and colours."""
ALWAYS = 64
"""So many Gaussians may be seeded on however few pixels."""
FIT_SHARE = 0.85
"""Of a limit of time, the fit with all before it; the rest is for trimming, and for the check of what was written."""
MARGIN = 1.01
"""Pruning aims this far above the target, because the Gaussians become cheaper to code as the fit goes on; the rest is trimmed."""


@dataclass(frozen=True)
class Target:
    """What the file must not exceed: a number of bytes, or of Gaussians."""

    kind: Literal["bytes", "count"]
    value: int


@dataclass(frozen=True)
class EncodeOptions:
    """What a user can ask of the encoder."""

    target: Target
    blend: Blend | None = None
    """None takes the one that measures better at equal bytes."""
    tune: Literal["psnr", "ssim"] = "psnr"
    effort: int = 5
    seed: int = 0
    max_time: float | None = None
    """Seconds after which the file should be there; the fit then makes fewer steps, and the result depends on the machine."""
    device: Device | None = None
    """The GPU that fits, for tune "psnr" (fit/device.py chooses it); None fits on the CPU. Each has its own random numbers."""


Progress = Callable[[int, int, str], None]


def encode_image(image: Image, options: EncodeOptions, progress: Progress | None = None) -> bytes:
    """The ``.splat2d`` file of a picture.

    ``progress`` is told (step, steps, what is being done). Raises UsageError for a target that no file of this picture can meet,
    LimitError for a picture beyond the limits of the format, DeviceError if the GPU fails.
    """
    return encode_with(image, options, None, Quantizer(), progress)


def encode_on(wanted: str, image: Image, options: EncodeOptions, tell: Tell, progress: Progress | None = None) -> bytes:
    """encode_image on the device ``wanted``, "auto", "cpu" or "cuda"; where "auto" has a GPU that fails, the CPU does all of it again.

    ``tell`` hears what fits, and why (fit/device.py). Raises DeviceError for "cuda" as well where there is no GPU that works.
    """
    options = replace(options, device=choose(wanted, options.tune, tell))
    try:
        return encode_image(image, options, progress)
    except DeviceError as error:
        if wanted == "cuda" or options.device is None:
            raise
        tell(f"fitted by the CPU: {error}", True)
        return encode_image(image, replace(options, device=None), progress)


def encode_with(
    image: Image,
    options: EncodeOptions,
    plan: Schedule | None,
    quantizer: Quantizer,
    progress: Progress | None = None,
) -> bytes:
    """encode_image with any schedule (None: that of the effort) and any steps, for whoever looks for better ones."""
    started = time.monotonic()
    image = replace(image, pixels=without_hidden_colours(image.pixels))
    picture = Picture(image.pixels)
    mean = picture.mean()
    header = Header(
        width=image.width,
        height=image.height,
        channels=image.channels,
        background=tuple(np.rint(mean * 255).astype(int).tolist()),
        blend=Blend.NORMALIZED if options.blend is None else options.blend,
        depth=image.bit_depth,
        quantizer=quantizer,
    )
    background = np.array(header.background, np.float32) / np.float32(255)
    task = Task(picture, header.blend, background, quantizer, options.tune)
    if options.device is not None and options.tune == "psnr":
        from splatc.fit.cuda.engine import CudaEngine

        task = replace(task, engine=CudaEngine(options.device, picture, header.blend, background))
    rate = RateControl(header, options.target, image.metadata, hurried=task.engine is not None)
    if plan is None:
        reduction = task.reduction(rate.first_count(), Schedule(0))
        plan = schedule(options.effort, image.width * image.height / reduction**2)
    # More than one a pixel say nothing more of the picture; nobody's machine shall have to fit them.
    count = min(math.ceil(plan.oversampling * rate.first_count()), max(ALWAYS, image.width * image.height))
    small = picture.reduction(SEEDING_SAMPLES * count)
    seeds = enlarged(seed(reduced(image.pixels, small), count, np.random.default_rng(options.seed)), small)
    clock = Clock(
        plan.steps,
        seconds=None if options.max_time is None else FIT_SHARE * options.max_time - (time.monotonic() - started),
        progress=None if progress is None else lambda step, steps: progress(step, steps, "fitting"),
    )
    expected = None if rate.hurried and rate.first_count() > PROMISED else rate.expected
    gaussians, steps = fit(task, seeds, rate.budget, plan, seed=options.seed, clock=clock, expected=expected)
    cost = task.removal_costs(from_gaussians(gaussians), task.reduction(len(gaussians), plan))
    rate.header = replace(header, quantizer=steps)
    return rate.trim(quantize_for(rate.header, gaussians), cost)


def enlarged(gaussians: Gaussians, factor: int) -> Gaussians:
    """Gaussians of a reduced picture on the picture itself."""
    return replace(gaussians, mean=gaussians.mean * np.float32(factor), scale=gaussians.scale * np.float32(factor))


class RateControl:
    """Knows the target and what Gaussians cost in a real file."""

    def __init__(self, header: Header, target: Target, metadata: Metadata, *, hurried: bool = False) -> None:
        self.hurried = hurried
        """Packs fewer Gaussians than MANY, too, only where the number matters."""
        self.header = header
        self.metadata = metadata
        self._packed: tuple[Quantizer, int, float] | None = None
        """Steps, number and bits of the Gaussians that were packed last."""
        self.target = target
        none = np.zeros(0, np.int32)
        empty = QuantizedGaussians(none, none, none, none, none, none, none, np.zeros((0, header.channels), np.int32))
        self.overhead = len(self.pack(empty))
        if target.kind == "bytes" and target.value <= self.overhead:
            bare = len(bitstream.encode(header, empty))
            if bare < target.value:
                raise UsageError(
                    f"no file of {target.value} bytes can hold this picture with its colour profile, EXIF and XMP, which take "
                    f"{self.overhead - bare} bytes: leave them out (--strip), or allow more than {self.overhead} bytes"
                )
            raise UsageError(
                f"no file of {target.value} bytes can hold this picture: an empty one takes {self.overhead}; "
                f"the highest ratio is about {header.cr_denominator // (self.overhead + 8)}"
            )

    def first_count(self) -> int:
        """How many Gaussians the file will hold, before anything is known of them."""
        if self.target.kind == "count":
            return self.target.value
        return max(1, int((self.target.value - self.overhead) * 8 / FIRST_GUESS))

    def budget(self, gaussians: Gaussians, quantizer: Quantizer) -> int:
        """How many Gaussians like these the file may hold, with a little to spare for the trim."""
        self.header = replace(self.header, quantizer=quantizer)
        if self.target.kind == "count":
            return self.target.value
        now = len(gaussians)
        bits_now = self._bits_each(gaussians)
        available = MARGIN * 8 * (self.target.value - self.overhead)
        count = available / bits_now
        for _ in range(4):
            # The fewer there are in the same area, the more each position costs: log2(area / count).
            count = available / max(1.0, bits_now + math.log2(now / count))
        return max(1, min(now, round(count)))

    def expected(self, gaussians: Gaussians, quantizer: Quantizer) -> FloatArray:
        """(N, C) the colours, in the coded space, that neighbours promise."""
        return expected_colours(quantizer, quantize_for(replace(self.header, quantizer=quantizer), gaussians))

    def _bits_each(self, gaussians: Gaussians) -> float:
        """Bits per Gaussian in a real file; of many Gaussians, what was found when there were a few more will do."""
        now = len(gaussians)
        if self._packed is not None and (self.hurried or now > MANY):
            quantizer, count, bits = self._packed
            if quantizer == self.header.quantizer and count * FEW_LESS < now <= count:
                bits += math.log2(count / now)
                if now > MANY or now * bits > FAR_TOO_MANY * 8 * (self.target.value - self.overhead):
                    return bits
        some = gaussians
        if self.hurried and now > 2 * SAMPLED:
            some = in_squares(gaussians, self.header.width, self.header.height, SAMPLED)
        bits = 8 * (len(self.pack(quantize_for(self.header, some))) - self.overhead) / len(some)
        bits /= 1.0 if some is gaussians else SAMPLES_COST
        self._packed = (self.header.quantizer, now, bits)
        return bits

    def pack(self, quantized: QuantizedGaussians) -> bytes:
        """The file with these Gaussians."""
        return bitstream.encode(self.header, quantized, self.metadata)

    def trim(self, quantized: QuantizedGaussians, cost: FloatArray) -> bytes:
        """The file with as many Gaussians as fit, the dearest to remove first."""
        ranking = np.argsort(-cost, kind="stable")
        count = len(ranking)
        if self.target.kind == "count":
            return self.pack(quantized.take(ranking[: self.target.value]))
        data = self.pack(quantized)
        while len(data) > self.target.value:
            bits = 8 * (len(data) - self.overhead) / count
            # A little less than what is too much, and again; or a little more, where a GPU has waited long enough.
            share = 1.15 if self.hurried else 0.9
            count -= max(1, int(share * 8 * (len(data) - self.target.value) / bits))
            data = self.pack(quantized.take(ranking[:count]))
        return data


def in_squares(gaussians: Gaussians, width: int, height: int, count: int) -> Gaussians:
    """Some ``count`` of the Gaussians, or more: all that lie in some squares, which are spread over the picture."""
    period = max(1, len(gaussians) // count)
    x, y = (
        np.floor(gaussians.mean[:, axis] * (16 / side)).astype(np.int64) for axis, side in ((0, width), (1, height))
    )
    chosen = np.flatnonzero((x + 7 * y) % period == 0)
    if len(chosen) < count // 2:  # they do not lie as one would think
        return gaussians
    return Gaussians(*(part[chosen] for part in vars(gaussians).values()))


def quantize_for(header: Header, gaussians: Gaussians) -> QuantizedGaussians:
    """The integers of Gaussians in a file with this header."""
    return quantize(header.quantizer, gaussians, header.width, header.height)
