"""Trains the network of the latent codec, its analysis and its contexts end to end: R + lambda D (spec/latent.md).

    python tools/train_codecsplat.py PHOTOS/train --validate PHOTOS/val --state out/latent.pt --minutes 60

The transforms begin as those of the discrete cosine transform of a cell, sampled at the Gaussians and sharpened by as much
as these blur; so the first picture is a sane one. The Gaussians lie on fixed grids, so drawing them is a transposed
convolution with a constant kernel, normalized by what the same makes of ones: plain tensors, on any device.

One network serves all rates: each crop has a step size D of its own, its loss is R + TRADE sum of squares / D^2, and the
contexts know D. Distortion sees rounded latents (straight through), rate those with uniform noise (Balle et al. 2017;
Minnen and Singh 2020).

The same command goes on from ``--state``, which is saved every minute and on Ctrl-C (exit code 130); crops and noise follow
from the number of the step. Every ``--every`` steps and at the end it prints bits per pixel and PSNR of the validation
pictures by step size D, with the moving average of the weights. ``--out`` writes the integer network (spec/latent.md) and the
analysis; ``--minutes 0`` does nothing else. ``--compare`` measures the same latents with the floats of ``--state`` and, as whole
files, with the integers that splatc has.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.training import (
    Saved,
    check_writable,
    device,
    interrupted,
    minutes,
    pictures_in,
    positive,
    read_state,
    uninterrupted,
    write_whole,
)
from splatc.bitstream import latent_layout, latent_network, latents
from splatc.bitstream.latent_layout import CELL, CHROMA, COARSE, FINE, LATENTS, LOW, LUMA, MARGIN
from splatc.core import latent as core
from splatc.decoder.scene import decode_bytes
from splatc.encoder import latent as encoder
from splatc.encoder.latent_refine import LEAST_STEP
from splatc.image.image import Image
from splatc.neural import safetensors

TRADE = 6.0
"""Lambda times D^2: what a squared difference of one step is worth, bits."""
STEPS = 20.0, 360.0
"""D of crops: of levels of 0..255, of a latent of an orthonormal transform of three channels."""
MIDDLE = 48.0
"""D for which the contexts' bias has its first coefficient."""
BATCH, SIDE = 4, 192
"""Crops of a step, px of a side."""
REDUCED = 1, 2
"""By which the photographs are made smaller, each in turn."""
HELD_OUT = (2,)
"""Likewise, of those that are measured."""
RATES = {"analysis": 3e-4, "synthesis": 3e-4, "context": 1e-3}
"""Of Adam, at first; they fall as one over the root of the steps."""
FALLING, WARMING = 8000, 200
"""Steps after which they have fallen by the root of two, and in which they rise at first."""
AVERAGE = 0.999
"""What the moving average keeps of itself in a step."""
SHOWN = 45.0, 64.0, 90.0, 128.0, 180.0, 256.0
BEHIND = 0.12
"""Latents are rounded towards 0 by so much more where pictures are measured: the rate of a one is more than a zero's."""
COMPARED = 24, 40, 56, 72, 88, 104
"""Steps q at which floats and integers are compared."""
LEAST_SCALE = 0.04
DC_MIDDLE = 128.0 * CELL * math.sqrt(3.0)
"""Of the lowest latent of luma, which is coded as its difference to this."""

CODED = torch.tensor([[1.0, 1.224744871, 0.707106781], [1.0, 0.0, -1.414213562], [1.0, -1.224744871, 0.707106781]])
"""Y U V -> R G B (spec/quantization.md)."""
ORTHONORMAL = torch.linalg.inv(CODED) * math.sqrt(3.0)


class Codec(nn.Module):
    """Analysis, synthesis and contexts."""

    mask: Tensor
    mean_mask: Tensor
    coarse_kernel: Tensor
    fine_kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        luma, chroma = latent_layout.luma_frequencies(), latent_layout.frequencies(COARSE)
        self.analysis_luma = nn.Parameter(_analysis(luma))
        self.analysis_chroma = nn.Parameter(_analysis(chroma))
        fine = _synthesis(luma, FINE, latent_layout.FINE_LEVEL)
        fine[:, LOW:] *= 2.0  # half of the weight there is that of the coarse grid
        self.coarse_luma = nn.Parameter(_synthesis(luma[:LOW], COARSE, latent_layout.COARSE_LEVEL))
        self.coarse_chroma = nn.Parameter(_synthesis(chroma, COARSE, latent_layout.COARSE_LEVEL))
        self.fine_luma = nn.Parameter(fine)
        self.fine_chroma = nn.Parameter(_synthesis(chroma, FINE, latent_layout.FINE_LEVEL))
        self.log_gain = nn.Parameter(torch.zeros(LATENTS))
        self.context_bias = nn.Parameter(torch.zeros(LATENTS, 3))
        self.context_bias.data[:, 0] = -1.5
        self.context_scale = nn.Parameter(_first_scales())
        self.context_any = nn.Parameter(torch.zeros(LATENTS, LATENTS, 3, 3))
        self.context_mean = nn.Parameter(_first_means())
        mask = torch.from_numpy(latent_layout.causal_mask()).float()
        self.register_buffer("mask", mask)
        self.register_buffer(
            "mean_mask", mask * torch.from_numpy(latent_layout.predicted()).float()[:, None, None, None]
        )
        self.register_buffer("coarse_kernel", _kernel(latent_layout.COARSE_LEVEL, CELL // COARSE))
        self.register_buffer("fine_kernel", _kernel(latent_layout.FINE_LEVEL, CELL // FINE))

    def groups(self) -> list[dict[str, object]]:
        """The parameters by their rate."""
        found: dict[str, list[nn.Parameter]] = {name: [] for name in RATES}
        for name, parameter in self.named_parameters():
            kind = name.partition("_")[0]
            found[kind if kind in RATES else "context" if kind == "log" else "synthesis"].append(parameter)
        return [{"params": each, "lr": RATES[name], "first": RATES[name]} for name, each in found.items() if each]

    def analysed(self, pictures: Tensor, step: Tensor) -> Tensor:
        """(B, LATENTS, h, w) of pictures (B, 3, 16 h + 32, 16 w + 32) of levels 0..255, in steps, not rounded."""
        coded = torch.einsum("ij,bjhw->bihw", ORTHONORMAL.to(pictures.device), pictures)
        luma = functional.conv2d(coded[:, :1], self.analysis_luma, stride=CELL)
        chroma = functional.conv2d(coded[:, 1:].flatten(0, 1)[:, None], self.analysis_chroma, stride=CELL)
        return self._in_steps(torch.cat([luma, chroma.view(len(luma), 2 * CHROMA, *luma.shape[2:])], dim=1), step)

    def _in_steps(self, latents: Tensor, step: Tensor) -> Tensor:
        shifted = torch.cat([latents[:, :1] - DC_MIDDLE, latents[:, 1:]], dim=1)
        return shifted * torch.exp(self.log_gain)[:, None, None] / step[:, None, None, None]

    def drawn(self, latents: Tensor, step: Tensor) -> Tensor:
        """(B, 3, 16 h, 16 w) the picture of whole latents, in the coded space times the root of three."""
        values = latents / torch.exp(self.log_gain)[:, None, None] * step[:, None, None, None]
        count, _, rows, columns = values.shape
        busy = (latents[:, LOW:LUMA].detach().abs().amax(dim=1, keepdim=True) > 0.5).float()
        coded = functional.pad(values, (1, 1, 1, 1), mode="replicate")
        shifted = torch.cat([coded[:, :1] + DC_MIDDLE, coded[:, 1:]], dim=1)
        chroma = shifted[:, LUMA:].reshape(2 * count, CHROMA, rows + 2, columns + 2)
        coarse = functional.conv2d(shifted[:, :LOW], self.coarse_luma)
        fine = functional.conv2d(shifted[:, :LUMA], self.fine_luma)
        coarse_chroma = functional.conv2d(chroma, self.coarse_chroma).view(count, 2 * CHROMA, rows, columns)
        fine_chroma = functional.conv2d(chroma, self.fine_chroma).view(count, 2 * LUMA, rows, columns)
        sums = self._spread(torch.cat([coarse, coarse_chroma], dim=1), torch.ones_like(busy), COARSE)
        sums = sums + self._spread(torch.cat([fine, fine_chroma], dim=1), busy, FINE)
        return sums[:, :3] / (sums[:, 3:] + 1e-4)

    def _spread(self, colours: Tensor, shown: Tensor, side: int) -> Tensor:
        """(B, 4, H, W) sums of weight times colour and of weight, of the Gaussians of one grid of the cells that are ``shown``."""
        kernel = self.coarse_kernel if side == COARSE else self.fine_kernel
        pitch, size = CELL // side, kernel.shape[-1]
        grid = functional.pixel_shuffle(
            torch.cat([colours, torch.ones_like(colours[:, : side * side])], dim=1) * shown, side
        )
        flat = grid.flatten(0, 1)[:, None]
        spread = functional.conv_transpose2d(flat, kernel, stride=pitch, padding=(size - pitch) // 2)
        return spread.view(len(colours), 4, *spread.shape[2:])

    def expected(self, latents: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        """(B, LATENTS, h, w) mean and scale of each latent, of what is known when it is coded."""
        octave = torch.log2(step / MIDDLE)
        powers = torch.stack([torch.ones_like(octave), octave, octave * octave], dim=1)  # (B, 3)
        bias = (powers @ self.context_bias.T)[:, :, None, None]
        near, some = (latents.abs().clamp(max=most) for most in (latent_layout.LARGEST_IN_SCALE, 1))
        raw = bias + functional.conv2d(near, self.context_scale * self.mask, padding=1)
        raw = raw + functional.conv2d(some, self.context_any * self.mask, padding=1)
        mean = functional.conv2d(latents, self.context_mean * self.mean_mask, padding=1)
        return mean, 0.7 * functional.softplus(raw) + LEAST_SCALE

    def forward(self, pictures: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        """(B,) bits, and sum of squared differences, of pictures with MARGIN px around them."""
        exact = self.analysed(pictures, step)
        whole = exact + (torch.round(exact) - exact).detach()
        rate = bits(exact + torch.rand_like(exact) - 0.5, *self.expected(whole, step))
        wanted = torch.einsum(
            "ij,bjhw->bihw", ORTHONORMAL.to(pictures.device), pictures[:, :, MARGIN:-MARGIN, MARGIN:-MARGIN]
        )
        return rate.sum(dim=(1, 2, 3)), ((self.drawn(whole, step) - wanted) ** 2).sum(dim=(1, 2, 3))

    @torch.no_grad()
    def measured(self, picture: Tensor, step: float) -> tuple[float, float]:
        """Bits per pixel and PSNR of one picture (3, H, W), sides multiples of 16."""
        steps = torch.tensor([step], device=picture.device)
        exact = self.analysed(functional.pad(picture[None], (MARGIN,) * 4, mode="replicate"), steps)
        whole = torch.sign(exact) * torch.floor(exact.abs() + 0.5 - BEHIND)
        whole[:, 0] = torch.round(exact[:, 0])
        rate = bits(whole, *self.expected(whole, steps)).sum().item()
        drawn = torch.einsum("ij,bjhw->bihw", CODED.to(picture.device), self.drawn(whole, steps))[0] / math.sqrt(3.0)
        error = (drawn.clamp(0.0, 255.0).round() - picture).square().mean().item()
        return rate / picture[0].numel(), 10.0 * math.log10(255.0**2 / error)


def bits(latents: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """Of each latent under a Laplace distribution, over the unit interval around it."""
    away = (latents - mean).abs()
    near, far = torch.exp(-(away - 0.5).abs() / scale), torch.exp(-(away + 0.5) / scale)
    return -torch.log2(torch.where(away > 0.5, 0.5 * (near - far), 1.0 - 0.5 * (near + far)).clamp_min(1e-6))


def _analysis(pairs: list[tuple[int, int]]) -> Tensor:
    """(K, 1, WINDOW, WINDOW) the discrete cosine transform of the cell in the middle."""
    basis, margin = latent_layout.cosines(CELL, FINE), MARGIN
    weights = np.zeros((len(pairs), 1, latent_layout.WINDOW, latent_layout.WINDOW), np.float32)
    for number, (u, v) in enumerate(pairs):
        weights[number, 0, margin:-margin, margin:-margin] = np.outer(basis[u], basis[v])
    return torch.from_numpy(weights)


def _synthesis(pairs: list[tuple[int, int]], side: int, level: int) -> Tensor:
    """(side^2, K, 3, 3) the inverse transform at the middles of a grid, sharpened by as much as its Gaussians blur."""
    middles = (np.arange(side) + 0.5) * CELL / side
    weights = np.zeros((side * side, len(pairs), 3, 3), np.float32)
    for number, pair in enumerate(pairs):
        u, v = (
            np.cos(np.pi / CELL * each * middles)
            * math.sqrt((2.0 if each else 1.0) / CELL)
            * math.exp(0.5 * (np.pi / CELL * each * latent_layout.scale_of(level)) ** 2)
            for each in pair
        )
        weights[:, number, 1, 1] = np.outer(u, v).ravel()
    return torch.from_numpy(weights)


def _first_scales() -> Tensor:
    weights = torch.zeros(LATENTS, LATENTS, 3, 3)
    for k in range(LATENTS):
        weights[k, k, 0, :], weights[k, k, 1, 0] = 0.15, 0.2
        weights[k, max(0, k - 3) : k, 1, 1] += 0.06
    return weights


def _first_means() -> Tensor:
    """The lowest latents are about as large as their neighbours."""
    weights = torch.zeros(LATENTS, LATENTS, 3, 3)
    for k in (0, LUMA, LUMA + CHROMA):
        weights[k, k, 0, 1] = weights[k, k, 1, 0] = 0.45
    return weights


def _kernel(level: int, pitch: int) -> Tensor:
    """(1, 1, S, S) the weights of a Gaussian at the pixels around it; its middle lies between pixels, so S is even."""
    scale = latent_layout.scale_of(level)
    size = 2 * math.ceil(3.5 * scale / pitch) * pitch
    places = np.arange(size) + 0.5 - size / 2
    exponent = (places[:, None] ** 2 + places**2) / scale**2
    return torch.from_numpy(np.maximum(0.0, np.exp(-exponent / 2) - math.exp(-6.125)).astype(np.float32))[None, None]


# ---- The integer network (spec/latent.md) ----

INDEX = 1024.0 / (255.0 * math.sqrt(3.0))
"""Colour indices of a level, in the coded space times the root of three."""
COLOUR_UNIT, GAIN_UNIT, MEAN_UNIT, CONTEXT_UNIT = 1 << 10, 1 << 17, 1 << 7, 128
CALIBRATED = 32, 56, 80, 104
"""Steps q at which residuals are counted, of one picture each."""
PRIOR = 300.0
"""Residuals that the Laplace distribution counts as."""
SCALES = np.geomspace(0.045, 45.0, latent_network.TABLES)
"""Of the Laplace distributions of which the tables are made."""


def exported(codec: Codec) -> bytes:
    """The file of the network."""
    network = np.zeros(1, latent_network.NETWORK)[0]
    weights = {name: value.detach().double().cpu().numpy() for name, value in codec.named_parameters()}
    gain = np.exp(weights["log_gain"])
    colours = {
        name: weights[name] * INDEX * COLOUR_UNIT
        for name in ("coarse_luma", "fine_luma", "coarse_chroma", "fine_chroma")
    }
    largest = {name: np.abs(value).max(axis=(0, 2, 3)) / 127.0 for name, value in colours.items()}
    luma, chroma = largest["fine_luma"].copy(), np.maximum(largest["coarse_chroma"], largest["fine_chroma"])
    luma[:LOW] = np.maximum(luma[:LOW], largest["coarse_luma"])
    for name, value in colours.items():
        unit = (chroma if name.endswith("chroma") else luma)[: value.shape[1], None, None]
        network[name] = _by_source(np.rint(value / unit))
    network["gains"] = np.rint(GAIN_UNIT * np.concatenate([luma, chroma, chroma]) / gain)
    network["offset"] = round(DC_MIDDLE * luma[0])
    mask = latent_layout.causal_mask()
    network["mean"] = _by_source(_bytes(MEAN_UNIT * weights["context_mean"] * mask)[latent_layout.predicted()])
    network["scale"] = _by_source(_bytes(CONTEXT_UNIT * weights["context_scale"] * mask))
    network["any"] = _by_source(_bytes(CONTEXT_UNIT * weights["context_any"] * mask))
    octaves = np.clip(
        4.0 + np.arange(latent_network.BIAS_NODES) / 2.0 - math.log2(MIDDLE), *np.log2(np.array(STEPS) / MIDDLE)
    )
    powers = np.stack([np.ones_like(octaves), octaves, octaves**2])
    network["bias"] = np.rint(CONTEXT_UNIT * (weights["context_bias"] @ powers).T)
    between = np.sqrt(SCALES[1:] * SCALES[:-1])
    network["thresholds"] = np.rint(CONTEXT_UNIT * np.log(np.expm1((between - LEAST_SCALE) / 0.7)))
    network["frequencies"] = [laplace(scale) for scale in SCALES]
    return bytes(network.tobytes())


def analysis_of(codec: Codec, steps: int) -> bytes:
    """The file of the analysis, which encoders use: a step of 1 makes these latents."""
    gain = torch.exp(codec.log_gain.detach())
    luma = codec.analysis_luma.detach()[:, 0] * gain[:LUMA, None, None]
    u, v = (
        codec.analysis_chroma.detach()[:, 0] * gain[start : start + CHROMA, None, None]
        for start in (LUMA, LUMA + CHROMA)
    )
    middle = DC_MIDDLE * gain[:1]
    arrays = {"luma": luma, "u": u, "v": v, "middle": middle}
    return safetensors.write({name: each.cpu().numpy() for name, each in arrays.items()}, {"steps": str(steps)})


def _by_source(weights: np.ndarray) -> np.ndarray:
    """(K, D, 3, 3) -> (D, 9, K)."""
    found: np.ndarray = weights.reshape(*weights.shape[:2], 9).transpose(1, 2, 0)
    return found


def _bytes(weights: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.clip(np.rint(weights), -127, 127)
    return found


def calibrated(data: bytes, analysis: bytes, pictures: list[np.ndarray]) -> bytes:
    """The network with tables of what residuals pictures have, mixed with those of the Laplace distributions."""
    network = np.frombuffer(data, latent_network.NETWORK).copy()
    weights = safetensors.read(analysis)
    counts = np.zeros((latent_network.TABLES, latent_network.RESIDUALS))
    for number, picture in enumerate(pictures):
        exact = encoder.analysed(Image(picture), weights)
        q = CALIBRATED[number % len(CALIBRATED)]
        for tile in latents.tiles_of(picture.shape[1], picture.shape[0]):
            x0, y0, x1, y1 = tile.cells
            content = network.view(np.uint8)
            whole = encoder.thrifty(exact[:, y0:y1, x0:x1], q, encoder.THRIFT, content)
            means, tables = core.expect_latents(content, whole, q)
            residuals = np.clip(whole - means, -48, 49) + 48
            np.add.at(counts, (tables.ravel(), np.where(residuals == 97, 97, residuals).ravel()), 1.0)
    counts[:, :97] = 0.5 * (counts[:, :97] + counts[:, 96::-1])
    shares = counts + PRIOR * network[0]["frequencies"] / 65536.0
    network[0]["frequencies"] = [table_of(each) for each in shares]
    return network.tobytes()


def table_of(share: np.ndarray) -> np.ndarray:
    """(RESIDUALS,) the frequencies in proportion to shares."""
    found = 1 + np.floor(share / share.sum() * (65536 - len(share))).astype(np.int64)
    found[48] += 65536 - found.sum()
    frequencies: np.ndarray = found
    return frequencies


def laplace(scale: float) -> np.ndarray:
    """(RESIDUALS,) the frequencies of residuals under a Laplace distribution."""
    away = np.abs(np.arange(latent_network.RESIDUALS - 1) - 48.0)
    share = np.where(away > 0, np.exp(-away / scale) * math.sinh(min(0.5 / scale, 700.0)), -math.expm1(-0.5 / scale))
    share = np.append(share, 0.5 * math.exp(-48.5 / scale))
    return table_of(share)


class Training:
    """A codec, its optimizer and the moving average of its weights."""

    def __init__(self, device: str) -> None:
        torch.manual_seed(0)
        self.codec = Codec().to(device)
        self.average = Codec().to(device)
        self.average.load_state_dict(self.codec.state_dict())
        self.optimizer = torch.optim.Adam(self.codec.groups())
        self.steps, self.seconds = 0, 0.0
        self.device = device

    def save(self, path: Path) -> None:
        names = "codec", "average", "optimizer"
        states = {each: getattr(self, each).state_dict() for each in names}
        saved = {"steps": self.steps, "seconds": self.seconds, **states}
        write_whole(path, lambda part: torch.save(saved, part))

    def load(self, path: Path) -> None:
        """Raises SystemExit for what is no such state."""
        read_state(path, self._take)

    def _take(self, saved: dict[str, Any]) -> None:
        for each in ("codec", "average", "optimizer"):
            getattr(self, each).load_state_dict(saved[each])
        self.steps, self.seconds = saved["steps"], saved["seconds"]

    def step(self, pictures: list[np.ndarray]) -> float:
        """One step on crops that follow from its number; the loss, bits per pixel."""
        rng = np.random.default_rng(self.steps)
        torch.manual_seed(self.steps)
        crops = np.stack([crop(pictures, rng) for _ in range(BATCH)])
        given = torch.from_numpy(crops).permute(0, 3, 1, 2).float().to(self.device)
        sizes = np.exp(rng.uniform(math.log(STEPS[0]), math.log(STEPS[1]), BATCH)).astype(np.float32)
        size = torch.from_numpy(sizes).to(self.device)
        for group in self.optimizer.param_groups:
            falling = 1.0 / math.sqrt(1.0 + self.steps / FALLING)
            group["lr"] = group["first"] * min(1.0, (self.steps + 1) / WARMING) * falling
        rate, squares = self.codec(given, size)
        loss = ((rate + TRADE * squares / size**2) / SIDE**2).mean()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.codec.parameters(), 10.0)
        self.optimizer.step()
        self.steps += 1
        with torch.no_grad():
            kept = min(AVERAGE, self.steps / (self.steps + 10.0))
            for mean, now in zip(self.average.parameters(), self.codec.parameters(), strict=True):
                mean.lerp_(now, 1.0 - kept)
        return float(loss.item())


def crop(pictures: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """(SIDE + 2 MARGIN, SIDE + 2 MARGIN, 3) of one of the pictures, now and then mirrored."""
    size = SIDE + 2 * MARGIN
    picture = pictures[int(rng.integers(len(pictures)))]
    y, x = (int(rng.integers(extent - size + 1)) for extent in picture.shape[:2])
    found = picture[y : y + size, x : x + size]
    found = found[:, ::-1] if rng.random() < 0.5 else found
    return found.transpose(1, 0, 2) if rng.random() < 0.25 else found


def opened(folder: Path, reduced: tuple[int, ...]) -> list[np.ndarray]:
    """(H, W, 3) the pictures of a folder in the order of their names, each at every reduction that leaves it large enough.

    Raises SystemExit if none is.
    """
    found, least = [], SIDE + 2 * MARGIN
    for path in pictures_in(folder):
        try:
            with PIL.Image.open(path) as file:
                picture = file.convert("RGB")
        except OSError as error:
            raise SystemExit(f"{path}: {error}") from None
        for factor in reduced:
            width, height = picture.width // factor, picture.height // factor
            if min(width, height) >= least:
                found.append(np.asarray(picture.resize((width, height), PIL.Image.Resampling.LANCZOS)))
    if not found:
        raise SystemExit(f"{folder}: no picture of {min(reduced) * least} x {min(reduced) * least} px or more")
    return found


def validate(codec: Codec, pictures: list[np.ndarray], device: str) -> list[tuple[float, float, float]]:
    """(D, bits per pixel, PSNR) means over the pictures."""
    lines = []
    for size in SHOWN:
        pairs = []
        for picture in pictures:
            rows, columns = (extent // CELL * CELL for extent in picture.shape[:2])
            samples = torch.from_numpy(picture[:rows, :columns].copy()).permute(2, 0, 1).float().to(device)
            pairs.append(codec.measured(samples, size))
        rate, psnr = np.mean(pairs, axis=0)
        lines.append((size, float(rate), float(psnr)))
    return lines


# ---- What the integers lose ----


@dataclass(frozen=True)
class Compared:
    """One picture at one step: bits per pixel and PSNR of floats, and of a file."""

    floats: tuple[float, float]
    integers: tuple[float, float]


@torch.no_grad()
def compared(codec: Codec, picture: np.ndarray, q: int) -> Compared:
    """The same latents in floats and in a file of the network that is installed; of a picture whose sides are multiples of 16."""
    image = Image(np.ascontiguousarray(picture))
    step = torch.tensor([LEAST_STEP * 2.0 ** (q / 32.0)])
    samples = torch.tensor(image.pixels).permute(2, 0, 1).float()[None]
    exact = (step * codec.analysed(functional.pad(samples, (MARGIN,) * 4, mode="replicate"), step))[0].numpy()
    boxes = [tile.cells for tile in latents.tiles_of(image.width, image.height)]
    tiles = [encoder.thrifty(exact[:, y0:y1, x0:x1], q, encoder.THRIFT) for x0, y0, x1, y1 in boxes]
    found = np.zeros_like(exact)
    for (x0, y0, x1, y1), tile in zip(boxes, tiles, strict=True):
        found[:, y0:y1, x0:x1] = tile
    whole = torch.from_numpy(found)[None]
    rate = bits(whole, *codec.expected(whole, step)).sum().item()
    drawn = torch.einsum("ij,bjhw->bihw", CODED, codec.drawn(whole, step))[0] / math.sqrt(3.0)
    shown = drawn.clamp(0.0, 255.0).round().permute(1, 2, 0).numpy()
    data = encoder.file_of(image, encoder.Coded(q, tiles, rate))
    pixels, decoded = image.width * image.height, decode_bytes(data).pixels
    taken = sum(encoder.bits_of(tile, q) for tile in tiles)
    return Compared((rate / pixels, psnr(image.pixels, shown)), (taken / pixels, psnr(image.pixels, decoded)))


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    """Of levels of 0..255, dB."""
    return float(10.0 * np.log10(255.0**2 / np.mean((first.astype(np.float64) - second) ** 2)))


def print_compared(codec: Codec, pictures: list[np.ndarray]) -> None:
    """A row of Markdown for each of COMPARED: what the integers lose at equal bits, the slope being that between the rows around."""
    cut = [each[: each.shape[0] // CELL * CELL, : each.shape[1] // CELL * CELL] for each in pictures]
    rows = [[compared(codec, each, q) for each in cut] for q in COMPARED]
    floats = np.array([np.mean([each.floats for each in row], axis=0) for row in rows])
    integers = np.array([np.mean([each.integers for each in row], axis=0) for row in rows])
    print("| q | floats, bpp | dB | integers, bpp | dB | lost at equal bits, dB |\n|---|---|---|---|---|---|")
    order = np.argsort(floats[:, 0])
    for q, one, other in zip(COMPARED, floats, integers, strict=True):
        reached = np.interp(np.log(other[0]), np.log(floats[order, 0]), floats[order, 1])
        print(f"| {q} | {one[0]:.4f} | {one[1]:.3f} | {other[0]:.4f} | {other[1]:.3f} | {reached - other[1]:.3f} |")


def main() -> None:
    """Parse the options, check them, train, and write the network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, help="folder of photographs")
    parser.add_argument("--validate", type=Path, help="folder of others")
    parser.add_argument("--out", type=Path, help="folder for the files of the network, written at the end")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--minutes", type=minutes, default=60.0, help="default: %(default)g; 0 only writes --out")
    parser.add_argument("--every", type=positive, default=2000, help="steps between validations")
    parser.add_argument("--compare", action="store_true", help="of --validate: what the integers lose")
    parser.add_argument("--device", type=device, default="cpu", help="of PyTorch")
    options = parser.parse_args()
    torch.set_num_threads(1)
    check_writable(options.state)
    try:
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
        run(options)
    except OSError as error:
        raise SystemExit(f"train_codecsplat: {error}") from None


def run(options: argparse.Namespace) -> None:
    """Go on from the state for so many minutes, at least one step if there are any; then write the network."""
    training = Training(options.device)
    counted = opened(options.pictures, (2,)) if options.out else []
    pictures = opened(options.pictures, REDUCED) if options.minutes > 0.0 else []
    held_out = opened(options.validate, HELD_OUT)[::2] if options.validate else []
    if options.state.exists():
        training.load(options.state)
        print(f"resumes after step {training.steps}", flush=True)
    try:
        if options.minutes > 0.0:
            steps(training, pictures, held_out, options)
        if options.compare:
            print_compared(training.average.cpu(), held_out)
        if options.out:
            write(training, counted, options.out)
    except KeyboardInterrupt:
        with contextlib.suppress(KeyboardInterrupt), uninterrupted():
            training.save(options.state)
        interrupted("train_codecsplat", options.state, f"step {training.steps}")


def steps(
    training: Training, pictures: list[np.ndarray], held_out: list[np.ndarray], options: argparse.Namespace
) -> None:
    """Train until the minutes are over; the last step is validated."""
    last, end = Saved(), time.monotonic() + 60.0 * options.minutes
    losses: list[float] = []
    going = True
    while going:
        started = time.monotonic()
        with uninterrupted():
            losses.append(training.step(pictures))
            training.seconds += time.monotonic() - started
        going = time.monotonic() < end
        if last.due() or not going:
            training.save(options.state)
        if training.steps % options.every == 0 or not going:
            lines = validate(training.average, held_out, options.device) if held_out else []
            shown = "".join(f"  D {size:g} {rate:.4f} bpp {psnr:.2f} dB" for size, rate, psnr in lines)
            print(f"step {training.steps} {training.seconds:.0f} s: {np.mean(losses):.4f}{shown}", flush=True)
            losses = []


def write(training: Training, counted: list[np.ndarray], out: Path) -> None:
    """The files of the network, from the moving average of its weights."""
    analysis = analysis_of(training.average, training.steps)
    network = calibrated(exported(training.average), analysis, counted)
    write_whole(out / "latent_1.bin", lambda part: part.write_bytes(network))
    write_whole(out / "latent_1_analysis.safetensors", lambda part: part.write_bytes(analysis))


if __name__ == "__main__":
    main()
