"""Functions of our own are as good as the C library's; their bits are the same wherever they run."""

from __future__ import annotations

import hashlib

import numpy as np

from splatc.core import exact
from splatc.fit.noise import uniform


def test_they_agree_with_the_c_library() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-60.0, 60.0, 10_000)
    assert np.allclose(exact.exp2(x), np.exp2(x), rtol=1e-14, atol=0.0)
    positive = np.concatenate([np.exp2(x), np.nextafter(1.0, [0.0, 2.0]), [0.5, 1.0, 2.0]])
    assert np.allclose(exact.log2(positive), np.log2(positive), rtol=1e-14, atol=1e-16)
    sine, cosine = exact.sine_and_cosine(x)
    assert np.allclose(sine, np.sin(x), rtol=0.0, atol=2e-14)
    assert np.allclose(cosine, np.cos(x), rtol=0.0, atol=2e-14)


def test_whole_octaves_are_whole() -> None:
    whole = np.arange(-40, 41)
    assert np.array_equal(exact.exp2(whole.astype(float)), 2.0**whole)
    assert np.array_equal(exact.log2(2.0**whole), whole)


def test_their_bits_do_not_change() -> None:
    x = np.linspace(0.01, 50.0, 5001)
    parts = [exact.exp2(x), exact.log2(x), *exact.sine_and_cosine(x)]
    digest = hashlib.sha256(b"".join(part.astype("<f8").tobytes() for part in parts)).hexdigest()
    assert digest[:16] == "2622d42958156bf4"


def test_noise_is_uniform_and_independent() -> None:
    noise = uniform(3, 7, 20_000, 8)
    assert noise.dtype == np.float32 and noise.shape == (8, 20_000)
    assert -0.5 < noise.min() < -0.499 and 0.499 < noise.max() < 0.5
    assert np.abs(noise.mean(axis=1)).max() < 0.01
    assert np.allclose(noise.std(axis=1), 12**-0.5, rtol=0.02)
    correlation = np.corrcoef(np.concatenate([noise, uniform(3, 8, 20_000, 8), uniform(4, 7, 20_000, 8)]))
    assert np.abs(correlation - np.eye(24)).max() < 0.03
    assert np.abs(np.corrcoef(noise[0, :-1], noise[0, 1:])[0, 1]) < 0.03


def test_noise_is_what_a_counter_gives() -> None:
    def mix(x: int) -> int:
        x ^= x >> 16
        x = x * 0x7FEB352D % 2**32
        x ^= x >> 15
        x = x * 0x846CA68B % 2**32
        return x ^ x >> 16

    seed, step, i, k = 5, 2**31, 77, 6
    h = mix((seed * 0xC2B2AE35 + mix(step + 1)) % 2**32)
    bits = mix(mix((i * 0x9E3779B9 + k * 0x85EBCA6B + h) % 2**32) ^ h) >> 8
    assert uniform(seed, step, 100, 8)[k, i] == bits * 2.0**-24 - 0.5 + 2.0**-25
    assert np.array_equal(uniform(seed, step, 50, 6), uniform(seed, step, 100, 8)[:6, :50])
