"""Profiles made of numbers show what the numbers mean, by littleCMS."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from splatc.image.readers import calibration, cicp
from splatc.image.readers.colour import kept_profile
from splatc.image.readers.icc import SRGB_CURVE, ColourSpace, Curve, SampledCurve

LEVELS = np.array([0, 1, 5, 17, 40, 64, 100, 128, 160, 200, 231, 254, 255], np.uint8)
COLOURS = np.stack(np.meshgrid(LEVELS, LEVELS, LEVELS), axis=-1).reshape(1, -1, 3)
GRAYS = np.arange(256, dtype=np.uint8)[np.newaxis]
SRGB = PIL.ImageCms.createProfile("sRGB")


def as_srgb(profile: bytes, colours: Any) -> Any:
    """What a program with colour management shows of 8-bit samples, 0..255."""
    source = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile))
    mode = "L" if colours.ndim == 2 else "RGB"
    intent, flags = PIL.ImageCms.Intent.RELATIVE_COLORIMETRIC, PIL.ImageCms.Flags.NOOPTIMIZE
    transform = PIL.ImageCms.buildTransform(source, SRGB, mode, "RGB", intent, flags)
    shown = PIL.ImageCms.applyTransform(PIL.Image.fromarray(colours), transform)
    assert shown is not None
    return np.asarray(shown).astype(float)


def by_formula(space: ColourSpace, colours: Any) -> Any:
    """The same by arithmetic."""
    samples = colours.astype(float) / 255
    curves = space.curves if len(space.curves) == 3 else space.curves * 3
    light = np.stack([curve.light(samples[..., at]) for at, curve in enumerate(curves)], axis=-1)
    beside = light
    light = light @ (np.linalg.inv(calibration.SRGB.to_d50()) @ space.to_d50()).T
    result = 255 * encoded(light)
    result[(beside > 1).any(axis=-1)] = np.nan  # beyond white
    return result


def encoded(light: Any) -> Any:
    light = light.clip(0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


SPACES = {
    f"CICP {primaries}/{transfer}": cicp.colour_space(primaries, transfer)
    for primaries, transfer in [(one, 13) for one in cicp.PRIMARIES]
    + [(1, other) for other in cicp.TRANSFERS]
    + [(9, 14)]
} | {
    "narrow range": cicp.colour_space(1, 13, full_range=False),
    "narrow range, BT.709": cicp.colour_space(9, 1, full_range=False),
    "narrow range, linear": cicp.colour_space(1, 8, full_range=False),
    "linear": calibration.LINEAR,
    "Adobe RGB": calibration.ADOBE_RGB,
    "ROMM": calibration.ROMM,
    "three exponents": ColourSpace("three", curves=(Curve(1.8), Curve(2.0), Curve(2.4))),
    "table": ColourSpace("table", curves=(SampledCurve(tuple(round(65535 * (at / 255) ** 1.5) for at in range(256))),)),
    "long table": ColourSpace(
        "table", curves=(SampledCurve(tuple(round(65535 * (at / 65535) ** 3) for at in range(65536))),)
    ),
}


@pytest.mark.parametrize("name", SPACES)
def test_colours_are_those_of_the_formula(name: str) -> None:
    space = SPACES[name]
    assert space is not None
    profile = space.profile(3)
    assert len(profile) < 600 or "table" in name or "/9" in name or "/10" in name
    within = (COLOURS >= 16).all(axis=-1) if "narrow" in name else slice(None)  # below black programs differ
    assert np.nanmax(np.abs(as_srgb(profile, COLOURS) - by_formula(space, COLOURS))[within]) <= 1
    white = as_srgb(profile, np.full((1, 1, 3), 255, np.uint8))
    assert (white == 255).all()


@pytest.mark.parametrize("name", SPACES)
def test_gray_is_that_of_the_formula(name: str) -> None:
    space = SPACES[name]
    assert space is not None
    curve = space.curves[len(space.curves) // 2]
    shown = as_srgb(space.profile(1), GRAYS)
    assert np.abs(shown - 255 * encoded(curve.light(GRAYS / 255))[..., np.newaxis]).max() <= 1


def test_an_rgb_profile_of_a_gray_picture_is_one_for_gray() -> None:
    space = ColourSpace("wide", calibration.ADOBE_RGB.primaries, curves=(Curve(1.5),))
    profile, notes = kept_profile([space.profile(3)], 1)
    assert notes == ()
    assert (as_srgb(profile, GRAYS) == as_srgb(space.profile(1), GRAYS)).all()
    three = ColourSpace("three", curves=(Curve(1.5), Curve(1.0), Curve(2.0)))
    profile, notes = kept_profile([three.profile(3)], 1)
    assert profile == b""
    assert "other than the picture's channels" in notes[0]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_what_shows_srgb_is_not_kept(channels: int) -> None:
    for space in (
        calibration.SRGB,
        ColourSpace("by numbers", ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06)), (0.3127, 0.329)),
    ):
        assert kept_profile([space], channels) == (b"", ())
    assert (kept_profile([SPACES["CICP 12/13"] or b""], channels)[0] == b"") is (channels < 3)  # the same gray
    assert kept_profile([calibration.LINEAR], channels)[0]


def test_profiles_are_well_formed() -> None:
    profile = calibration.ADOBE_RGB.profile(3)
    assert int.from_bytes(profile[:4], "big") == len(profile)
    opened = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile))
    assert PIL.ImageCms.getProfileDescription(opened).strip() == "Compatible with Adobe RGB (1998)"
    assert profile == calibration.ADOBE_RGB.profile(4)


@pytest.mark.parametrize(
    "space",
    [
        ColourSpace("flat", ((0.3, 0.3), (0.3, 0.3), (0.3, 0.3))),
        ColourSpace("line", ((0.1, 0.1), (0.2, 0.2), (0.3, 0.3))),
        ColourSpace("black", white=(0.3, 0.0)),
        ColourSpace("no numbers", ((float("nan"), 0.3), (0.3, 0.6), (0.15, 0.06))),
        ColourSpace("endless", ((float("inf"), 0.3), (0.3, 0.6), (0.15, 0.06))),
        ColourSpace("large", curves=(Curve(1e9),)),
    ],
    ids=lambda space: space.name,
)
def test_numbers_that_make_no_sense(space: ColourSpace) -> None:
    with pytest.raises(ValueError, match=r"."):
        space.profile(3)
    profile, notes = kept_profile([space, calibration.ADOBE_RGB], 3)
    assert "make no sense" in notes[0]
    assert profile == calibration.ADOBE_RGB.profile(3)


def test_narrow_range_is_an_affine_change_of_the_samples() -> None:
    samples = np.linspace(0, 235 / 255, 1000)
    spread = ((samples * 255 - 16) / 219).clip(0)
    for curve in (SRGB_CURVE, Curve(2.2), Curve(1.0)):
        assert np.abs(curve.of_narrow_range().light(samples) - curve.light(spread)).max() < 1e-4
