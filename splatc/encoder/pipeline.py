"""Picture -> fit -> quantize -> bitstream -> bytes, under rate control (rate_control.py).

At some prunings the fit asks its budget, for which the Gaussians are packed as they are at that moment. What is still too much at the end
is trimmed, so that the file never exceeds its target.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from splatc import bitstream, core
from splatc.bitstream import Header
from splatc.bitstream.header import DRAFT_VERSION, MODELS, VERSION
from splatc.blend import Blend
from splatc.core.pool import watched
from splatc.encoder.flat import dominant_colour, flat_file
from splatc.encoder.quality_control import MARK, TRIMS, Aim, QualityControl
from splatc.encoder.rate_control import FIRST_GUESS, RateControl, Target, quantize_for
from splatc.encoder.rdo import MOST_GAUSSIANS, MOST_PIXELS, optimized
from splatc.encoder.several_fits import EACH, FITS, SEVERAL, best_of_several
from splatc.errors import DeviceError, UsageError
from splatc.fit import memory, seeding
from splatc.fit.clock import Clock
from splatc.fit.initializer import Initializer, on_reduced
from splatc.fit.schedule import FEWEST_PRUNINGS, Schedule, brief, schedule
from splatc.fit.subset import mean_colour
from splatc.fit.task import Task
from splatc.fit.trainer import Refine, Snapshot, fit
from splatc.gaussians import FloatArray, Gaussians
from splatc.image.image import Image
from splatc.image.transparent import fill_transparent
from splatc.neural.choice import knows, with_network
from splatc.quantize import empty_gaussians
from splatc.steps import Quantizer

if TYPE_CHECKING:
    from splatc.fit.engines.choice import Chosen, Wanted
    from splatc.render.choice import Log

PREDICTED = 100_000
"""Gaussians up to which a fit on a GPU has its rate term and densification: predictions take the CPU 3 us for each, ten times."""
RARELY = 4
"""Times less often that the rate term is made anew where an engine stands idle meanwhile."""
ALWAYS = 64
"""So many Gaussians may be seeded on however few pixels."""
PROMPT = 1500
"""Gaussians above which effort 0 packs less often and trims less closely: 3000 take 8 ms, as long as three steps."""
LEAST_EFFORT = 3
"""From which on the rate-distortion optimization takes less than a sixth of the time."""
RDO_SHARE = 0.93
"""Of a limit of time, after which none of its rounds begins."""
FIT_SHARE = 0.85
"""Of a limit of time, the fit with all before it; the rest is for trimming, and for the check of what was written."""


@dataclass(frozen=True)
class EncodeOptions:
    """What the encoder is asked for."""

    target: Target
    blend: Blend | None = None
    """None takes the one that measures better at equal bytes."""
    tune: Literal["psnr", "ssim"] = "psnr"
    effort: int = 5
    seed: int = 0
    max_memory: int | None = None
    """Bytes that encoding may take, by the estimate of fit/memory.py."""
    max_time: float | None = None
    """Seconds after which the file should be there; the fit then makes fewer steps, and the result depends on the machine."""
    aim: Aim | None = None
    """A PSNR to reach with as few Gaussians as will do (quality_control.py); ``target`` is then the count that is guessed."""
    engine: Chosen | None = None
    """What fits (fit/engines/choice.py); None is the compiled engine."""
    initializer: Initializer = seeding.seed
    """What seeds the fit (fit/initializer.py)."""
    draft: bool = False
    """Whether the file is one of the draft of the next version of the format (spec/draft.md), which no later splatc need read."""
    model: Literal["gaussians", "latent"] = "gaussians"
    """What the file holds; "latent" is of the draft (latent.py)."""


Progress = Callable[[int, int, str], object]
"""Called with (steps done, steps in all, what is being done); whatever it raises ends the work and reaches the caller."""


def encode_image(image: Image, options: EncodeOptions, progress: Progress | None = None) -> bytes:
    """The ``.splat2d`` file of a picture; one of one colour needs no fit (flat.py).

    ``progress`` is called after each step, and every 50 ms during long ones. Raises UsageError for a target that no file of this picture
    can meet, LimitError for a picture beyond the limits of the format, DeviceError if the GPU fails.
    """
    flat = flat_file(image, options.target, options.blend)
    if flat is not None:
        return flat
    if options.model == "latent":
        return _encode_latent(image, options, progress)
    with _repeated(progress) as repeated:
        if options.effort == SEVERAL and options.aim is None and options.target.kind == "bytes":
            return _encode_several(image, options, repeated)
        return encode_with(image, options, None, Quantizer(), repeated)


def _encode_latent(image: Image, options: EncodeOptions, progress: Progress | None) -> bytes:
    """encode_image with latents; the effort is how many sweeps refine them. Raises UsageError for what they have no choice of."""
    from splatc.encoder.latent import encode_latent
    from splatc.encoder.latent_refine import Limits

    if options.blend is not None and options.blend is not Blend.NORMALIZED:
        raise UsageError("latents are drawn with the normalized blend: leave the blend out")
    if options.tune != "psnr":
        raise UsageError("latents are chosen for PSNR: leave the tuning out")
    end = math.inf if options.max_time is None else time.monotonic() + options.max_time
    limits = Limits(options.effort, end)
    if progress is not None:
        limits = replace(limits, report=lambda step, steps: progress(step, steps, "refining"))
    return encode_latent(image, options.target, limits)


def _encode_several(image: Image, options: EncodeOptions, progress: Progress | None) -> bytes:
    """encode_image by several fits of a lower effort (several_fits.py)."""

    def encode(delta: int, max_time: float | None, number: int) -> bytes:
        def report(step: int, steps: int, phase: str) -> None:
            if progress is not None:
                progress(number * steps + step, FITS * steps, phase)

        each = replace(options, effort=EACH, seed=options.seed + number, max_time=max_time)
        return encode_with(image, each, None, Quantizer().finer(delta), None if progress is None else report)

    return best_of_several(image, options.tune == "ssim", options.max_time, encode)


@contextlib.contextmanager
def _repeated(progress: Progress | None) -> Iterator[Progress | None]:
    """``progress``, called with the same again while a call of the core lasts: a step of a large picture takes seconds."""
    if progress is None:
        yield None
        return
    latest: tuple[int, int, str] = (0, 1, "starting")

    def report(step: int, steps: int, phase: str) -> None:
        nonlocal latest
        latest = (step, steps, phase)
        progress(*latest)

    with watched(lambda: progress(*latest)):
        yield report


def encode_on(
    wanted: Wanted, image: Image, options: EncodeOptions, log: Log, progress: Progress | None = None
) -> bytes:
    """encode_image by the engine ``wanted``; where "auto" has taken a GPU that fails, the CPU does all of it again.

    ``log`` is called with what fits, and why (fit/engines/choice.py). Raises what `Wanted.check` raises as well.
    """
    wanted = wanted.at(options.effort)
    wanted.check(options.tune)
    flat = flat_file(image, options.target, options.blend)
    if flat is not None:
        log("one colour: there is nothing to fit", False)
        return flat
    options = replace(options, engine=wanted.choose(options.tune, log))
    raised: list[BaseException] = []
    try:
        return encode_image(image, options, _recorded(progress, raised))
    except DeviceError as error:
        if (wanted.engine, wanted.device) != ("auto", "auto") or any(error is each for each in raised):
            raise
        log(f"fitted by the CPU: {error}", True)
        return encode_image(image, replace(options, engine=None), progress)


def _recorded(progress: Progress | None, raised: list[BaseException]) -> Progress | None:
    """``progress``, which notes what it raises: a DeviceError of the caller's own is no word of a GPU that fails."""
    if progress is None:
        return None

    def report(step: int, steps: int, phase: str) -> None:
        try:
            progress(step, steps, phase)
        except BaseException as error:
            raised.append(error)
            raise

    return report


def encode_with(
    image: Image,
    options: EncodeOptions,
    plan: Schedule | None,
    quantizer: Quantizer,
    progress: Progress | None = None,
) -> bytes:
    """encode_image with any schedule (None: that of the effort) and any steps, for experiments with them."""
    from splatc.fit.engines.choice import on_cpu

    started = time.monotonic()
    memory.check(work_of(image, options), options.max_memory)
    image = replace(image, pixels=fill_transparent(image.pixels))
    dominant = dominant_colour(image.pixels)
    header = _header(image, mean_colour(image.pixels) if dominant is None else dominant, options, quantizer)
    background = np.array(header.background, np.float32) / np.float32(255)
    task = Task(image.pixels, header.blend, background, quantizer, options.tune)
    chosen = options.engine or on_cpu()
    if plan is None and options.effort == 0 and knows(task):
        chosen = with_network(chosen)
    engine = chosen.make(task)
    refine: Refine | None = None
    begun: Gaussians | Snapshot
    aim = options.aim
    if aim is None:
        rate = RateControl(header, options.target, image.metadata, hurried=chosen.waits)
        rate.hurried |= options.effort == 0 and rate.first_count() > PROMPT
    else:
        rate = quality = QualityControl(header, options.target, image.metadata, aim)
        refine = quality.refine
    count = rate.first_count()
    if aim is not None and aim.begun is not None:
        begun, plan, start = aim.begun, aim.begun.schedule, aim.begun.time
    else:
        plan = _adjusted(plan or _preset(options.effort, task, count), options, chosen, count)
        if progress is not None:
            progress(0, plan.steps, "seeding")
        begun, start = _seeds(image, count, plan, options), 0.0
    clock = Clock(
        plan.steps,
        start=start,
        seconds=None if options.max_time is None else FIT_SHARE * options.max_time - (time.monotonic() - started),
        progress=None if progress is None else lambda step, steps: progress(step, steps, "fitting"),
    )
    predict = None if _is_too_many(chosen, count) else rate.predict
    mark = None if aim is None else aim.mark
    gaussians, steps = fit(
        engine,
        task,
        begun,
        rate.budget,
        plan,
        seed=options.seed,
        clock=clock,
        predict=predict,
        refine=refine,
        mark=mark,
    )
    if progress is not None:
        progress(plan.steps, plan.steps, "packing")
    rate.header = replace(header, quantizer=steps)
    quantized = quantize_for(rate.header, gaussians)
    if len(quantized) == 0 or not _is_optimized(options, image, len(quantized)):
        return rate.trim(quantized, engine.pruning_costs(task.reduction(count, plan)))
    until = None if options.max_time is None else started + RDO_SHARE * options.max_time
    return rate.trim(
        *optimized(rate.header, task.pixels, quantized, rate.target.value, rate.measure, options.seed, until)
    )


def _is_optimized(options: EncodeOptions, image: Image, count: float) -> bool:
    """Whether the integers of so many Gaussians go through the rate-distortion optimization."""
    squared = options.tune == "psnr" and options.blend in (None, Blend.NORMALIZED)
    small = image.width * image.height <= MOST_PIXELS and count <= MOST_GAUSSIANS
    return squared and small and options.target.kind == "bytes" and options.effort >= LEAST_EFFORT


def _preset(effort: int, task: Task, count: int) -> Schedule:
    if effort == 0:
        return brief(task.width, task.height, count)
    return schedule(effort, task.work(count), count)


def _adjusted(plan: Schedule, options: EncodeOptions, chosen: Chosen, count: int) -> Schedule:
    """A schedule for a PSNR, if that is the aim, and with fewer events where an engine stands idle meanwhile."""
    if options.aim is not None:
        plan = replace(plan, trims=TRIMS, fills=(), tops_up=False, marks=(MARK,))
    if chosen.waits:
        prunings, every = min(plan.prunings, FEWEST_PRUNINGS), RARELY * plan.rate_every
        plan = replace(plan, prunings=prunings, rate_every=every)
    return replace(plan, densified=0.0) if _is_too_many(chosen, count) else plan


def _is_too_many(chosen: Chosen, count: int) -> bool:
    """Whether predictions for so many Gaussians would keep the engine waiting."""
    return chosen.waits and count > PREDICTED


def _seeds(image: Image, count: int, plan: Schedule, options: EncodeOptions) -> Gaussians:
    """Where a fit begins that is to end with ``count`` Gaussians."""
    count = seeds_of(image, count, plan)
    return on_reduced(options.initializer, image.pixels, count, np.random.default_rng(options.seed))


def work_of(image: Image, options: EncodeOptions) -> memory.Workload:
    """What there is to fit, before anything is known of it: for the estimate of what that takes."""
    target = options.target
    count = target.value if target.kind == "count" else target.value * 8 / FIRST_GUESS
    return memory.Workload(
        image.width,
        image.height,
        image.channels,
        image.bit_depth,
        seeds=seeds_of(image, count),
        threads=core.threads(),
        tune=options.tune,
        optimized=_is_optimized(options, image, count),
    )


def seeds_of(image: Image, count: float, plan: Schedule = Schedule(0)) -> int:  # noqa: B008 - frozen
    """How many Gaussians a fit begins with that is to end with ``count``.

    More than one a pixel would cost time and add nothing.
    """
    return min(math.ceil(plan.oversampling * count), max(ALWAYS, image.width * image.height))


def empty_file(image: Image, options: EncodeOptions) -> bytes:
    """The smallest file of a picture: its mean colour, its metadata, and not one Gaussian. Raises LimitError."""
    image = replace(image, pixels=fill_transparent(image.pixels))
    header = _header(image, mean_colour(image.pixels), options, Quantizer())
    return bitstream.encode(header, empty_gaussians(header.channels), image.metadata)


def _header(image: Image, background: FloatArray, options: EncodeOptions, quantizer: Quantizer) -> Header:
    return Header(
        width=image.width,
        height=image.height,
        channels=image.channels,
        background=tuple(np.rint(background * 255).astype(int).tolist()),
        blend=Blend.NORMALIZED if options.blend is None else options.blend,
        depth=image.bit_depth,
        quantizer=quantizer,
        version=DRAFT_VERSION if options.draft else VERSION,
        models=MODELS if options.draft else 0,
    )
