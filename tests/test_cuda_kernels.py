"""The CUDA kernels compile for every GPU, without spills; what they compute of a pixel, compiled for this machine, is the reference's."""

from __future__ import annotations

import ctypes
import math
import subprocess
from pathlib import Path

import numpy as np
import pytest

from splatc.cuda.source import KERNELS, read_source
from splatc.errors import DeviceError
from splatc.gaussians import CUTOFF, EPSILON, Q_MAX, FloatArray
from splatc.steps import MAX_LOG_ASPECT
from tests.cuda_host.emulator import COMPILES
from tests.cuda_host.usage import ARCHITECTURES, check_usage, needs_nvrtc, usage
from tests.scenes import floats, random_gaussians

VARIANTS = [{"CHANNELS": channels, "NORMALIZED": normalized} for channels in (1, 2, 3, 4) for normalized in (0, 1)]
USUAL = {"CHANNELS": 3, "NORMALIZED": 1}


def test_every_kernel_file_is_tried() -> None:
    assert {path.name for path in KERNELS.glob("*.cu")} == {"bin.cu", "place.cu", "raster.cu"}


@needs_nvrtc
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_kernels_compile_without_spills(arch: str) -> None:
    for source in (read_source("place.cu", **USUAL), read_source("bin.cu"), read_source("raster.cu", **USUAL)):
        check_usage(source, arch)


@needs_nvrtc
@pytest.mark.parametrize(
    "arch", ["sm_90", *(pytest.param(arch, marks=pytest.mark.slow) for arch in ("sm_75", "sm_120"))]
)
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_every_variant_compiles_without_spills(variant: dict[str, int], arch: str) -> None:
    check_usage(read_source("raster.cu", **variant), arch)


@needs_nvrtc
def test_many_tiles_are_drawn_at_once() -> None:
    """A multiprocessor has 65536 registers: at 56 a thread 18 tiles are drawn at once, which hides what memory takes."""
    assert usage(read_source("raster.cu", **USUAL), "sm_90")["raster_tiles"].registers <= 56


@needs_nvrtc
def test_spills_would_be_found() -> None:
    wide = 'extern "C" __global__ void f(float* a, int n) { float x[64]; for (int k = 0; k < n; k++) x[k] = a[k]; *a = x[(int)*a]; }'
    with pytest.raises(AssertionError, match="f on sm_80"):
        check_usage(wide, "sm_80")


@needs_nvrtc
def test_what_does_not_compile_is_one_error_that_names_the_line() -> None:
    with pytest.raises(DeviceError, match=r"planes\.cuh\(4\): error"):
        usage(read_source("raster.cu", CHANNELS=3), "sm_90")


def test_includes_are_pasted_once_and_errors_keep_their_lines(tmp_path: Path) -> None:
    (tmp_path / "mine.cuh").write_text('#include "pixel.cuh"\nint mine;\n')
    (tmp_path / "own.cu").write_text('int first;\n#include "mine.cuh"\n#include "pixel.cuh"\nint fourth;\n')
    text = read_source(tmp_path / "own.cu", SIDE=7)
    assert text.startswith('#define SIDE 7\n#line 1 "own.cu"\nint first;\n')
    assert text.count("struct alignas(16) Axes") == 1
    assert "#include" not in text.replace("#include <", "")
    assert text.endswith('#line 3 "own.cu"\n\nint fourth;\n')


HARNESS = """
extern "C" void weights(int n, const float* axis, const float* scale, const float* d, float* out) {
    for (int i = 0; i < n; i++) {
        Axes a = make_axes(axis[2 * i], axis[2 * i + 1], scale[2 * i], scale[2 * i + 1]);
        out[i] = weight(a.ux * d[2 * i] + a.uy * d[2 * i + 1], a.vx * d[2 * i] + a.vy * d[2 * i + 1]);
    }
}
extern "C" void extents(int n, const float* axis, const float* scale, float* out) {
    for (int i = 0; i < n; i++)
        extent_of(make_axes(axis[2 * i], axis[2 * i + 1], scale[2 * i], scale[2 * i + 1]), out[2 * i], out[2 * i + 1]);
}
extern "C" void spans(int n, const float* axis, const float* scale, const float* strip, float* out) {
    for (int i = 0; i < n; i++) {
        Axes a = make_axes(axis[2 * i], axis[2 * i + 1], scale[2 * i], scale[2 * i + 1]);
        strip_span(make_outline(a), strip[2 * i], strip[2 * i + 1], out[2 * i], out[2 * i + 1]);
    }
}
extern "C" void constants(float* out) {
    out[0] = SPLATC_CUTOFF, out[1] = SPLATC_END, out[2] = SPLATC_ROOT, out[3] = SPLATC_EPSILON;
}
extern "C" unsigned rounds(float value, float peak) { return rounded(clamped(value), peak); }
extern "C" double places(double px, double grid_scale, double shift, double origin, int* whole) {
    float fraction;
    make_place(px, grid_scale, shift, origin, *whole, fraction);
    return fraction;
}
"""


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """pixel.cuh as any C++ program would include it, without the emulator."""
    if not COMPILES:
        pytest.skip("no g++, or no Linux")
    folder = tmp_path_factory.mktemp("pixel")
    source, library = folder / "pixel.cpp", folder / "pixel.so"
    source.write_text(read_source("pixel.cuh") + HARNESS)
    strict = ["-Wall", "-Wextra", "-Werror"]
    command = ["g++", "-std=c++17", "-O2", *strict, "-shared", "-fPIC", str(source), "-o", str(library)]
    subprocess.run(command, check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.places.restype = ctypes.c_double
    return loaded


def needles(count: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Cosines and sines (N, 2), scales (N, 2) and angles (N,) of Gaussians of all shapes, needles among them."""
    gaussians = random_gaussians(np.random.default_rng(3), count, 9, 9, thinnest=math.exp(MAX_LOG_ASPECT))
    angle = gaussians.angle.astype(float)
    return floats(np.stack([np.cos(angle), np.sin(angle)], axis=1)), gaussians.scale, gaussians.angle


def test_the_constants_are_those_of_the_model(header: ctypes.CDLL) -> None:
    out = np.empty(4, np.float32)
    header.constants(out.ctypes)
    expected = [CUTOFF, Q_MAX / 2 * math.log2(math.e), math.sqrt(math.log2(math.e) / 2), EPSILON]
    assert np.array_equal(out, floats(expected))


def test_weights_are_those_of_the_reference(header: ctypes.CDLL) -> None:
    axis, scale, angle = needles(20000)
    rng = np.random.default_rng(4)
    ab = rng.uniform(-3.6, 3.6, (len(angle), 2))  # where, in standard deviations
    along = ab * scale
    cos, sin = np.cos(angle.astype(float)), np.sin(angle.astype(float))
    d = floats(np.stack([cos * along[:, 0] - sin * along[:, 1], sin * along[:, 0] + cos * along[:, 1]], axis=1))
    q = ((cos * d[:, 0] + sin * d[:, 1]) / scale[:, 0]) ** 2 + ((cos * d[:, 1] - sin * d[:, 0]) / scale[:, 1]) ** 2
    out = np.empty(len(angle), np.float32)
    header.weights(len(angle), axis.ctypes, scale.ctypes, d.ctypes, out.ctypes)
    assert np.abs(out - np.maximum(np.exp(-q / 2) - CUTOFF, 0)).max() < 2e-5


def test_boxes_are_around_the_ellipses(header: ctypes.CDLL) -> None:
    axis, scale, _ = needles(500)
    out = np.empty((500, 2), np.float32)
    header.extents(500, axis.ctypes, scale.ctypes, out.ctypes)
    (cosine, sine), (long, short) = axis.T.astype(float) ** 2, scale.T.astype(float) ** 2
    expected = np.sqrt(Q_MAX * np.stack([cosine * long + sine * short, sine * long + cosine * short], axis=1))
    assert np.allclose(out, expected, rtol=1e-5)


def test_spans_hold_every_point_of_their_strip_and_not_much_more(header: ctypes.CDLL) -> None:
    """Points on and in the ellipse whose dy lies in the strip have their dx in the span, which touches some of them at both ends."""
    axis, scale, _ = needles(300)
    rng = np.random.default_rng(6)
    phi = np.linspace(0, 2 * np.pi, 20001)
    circle = math.sqrt(Q_MAX) * np.stack([np.cos(phi), np.sin(phi)])
    low = floats(rng.uniform(-1.2, 1.0, 300) * 3.5 * scale[:, 0])
    strip = np.stack([low, low + floats(rng.choice([1, 16], 300))], axis=1)
    out = np.empty((300, 2), np.float32)
    header.spans(300, axis.ctypes, scale.ctypes, strip.ctypes, out.ctypes)
    for i in range(300):
        (cos, sin), (s1, s2) = axis[i].astype(float), scale[i].astype(float)
        x, y = cos * s1 * circle[0] - sin * s2 * circle[1], sin * s1 * circle[0] + cos * s2 * circle[1]
        inside = (y >= strip[i, 0]) & (y <= strip[i, 1])
        if not inside.any():
            continue
        # Where the strip cuts the ellipse its ends lie between two points of the outline; a strip may also hold no point of it at all.
        room = 2e-3 * 3.5 * s1
        assert out[i, 0] <= x[inside].min() + 1e-4 * s1
        assert out[i, 1] >= x[inside].max() - 1e-4 * s1
        assert out[i, 0] >= x[inside].min() - room
        assert out[i, 1] <= x[inside].max() + room


def test_samples_are_rounded_half_up(header: ctypes.CDLL) -> None:
    values = [-1.0, 0.0, 0.499 / 255, 0.501 / 255, 1.501 / 255, 1.0, 7.0]
    assert [header.rounds(ctypes.c_float(v), ctypes.c_float(255)) for v in values] == [0, 0, 0, 1, 2, 255, 255]
    assert header.rounds(ctypes.c_float(0.5), ctypes.c_float(65535)) == 32768


def test_means_are_placed_without_loss(header: ctypes.CDLL) -> None:
    """Whole points and a fraction: as exact 2^20 px from the corner as at it, and what is far away does not overflow."""
    whole = ctypes.c_int()
    for px, grid_scale, shift, origin in ((5.3, 1, 0, 0), (1048575.7, 8, 3.25, 8388600), (-2.25, 0.5, 0, 16)):
        numbers = [ctypes.c_double(each) for each in (px, grid_scale, shift, origin)]
        fraction = header.places(*numbers, ctypes.byref(whole))
        assert 0 <= fraction <= 1
        assert abs(whole.value + fraction - (px * grid_scale - shift - origin)) < 4e-8
    header.places(*[ctypes.c_double(each) for each in (1e15, 1e3, 0, 0)], ctypes.byref(whole))
    assert whole.value == 1 << 30
