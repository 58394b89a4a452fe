"""The training of the latent codec: a few steps on small crops, which go on where they were stopped, and the network that they write."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

import train_codecsplat
from splatc.bitstream import latent_layout, latent_network
from splatc.encoder import latent as encoder
from splatc.image.image import Image
from splatc.neural import safetensors
from train_codecsplat import Codec, Training, bits, exported, laplace


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two small pictures, and steps that are as small."""
    for name, value in {"BATCH": 1, "SIDE": 32, "REDUCED": (1,), "SHOWN": (90.0,)}.items():
        monkeypatch.setattr(train_codecsplat, name, value)
    made = tmp_path / "pictures"
    made.mkdir()
    rng = np.random.default_rng(0)
    for number in range(2):
        coarse = PIL.Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8))
        coarse.resize((160, 144), PIL.Image.Resampling.BICUBIC).save(made / f"{number}.png")
    return made


def test_the_first_picture_is_a_sane_one(folder: Path) -> None:
    torch.manual_seed(0)
    with PIL.Image.open(folder / "0.png") as file:
        picture = torch.from_numpy(np.asarray(file).copy()).permute(2, 0, 1).float()
    rate, psnr = Codec().measured(picture, 20.0)
    assert rate < 3.0 and psnr > 30.0


def test_steps_are_the_same_again_and_lower_the_loss(folder: Path) -> None:
    pictures = train_codecsplat.opened(folder, (1,))
    first, second = Training("cpu"), Training("cpu")
    losses = [first.step(pictures) for _ in range(3)]
    assert losses == [second.step(pictures) for _ in range(3)]
    assert all(np.isfinite(losses))


def test_a_training_goes_on_where_it_was_stopped(folder: Path, tmp_path: Path) -> None:
    pictures = train_codecsplat.opened(folder, (1,))
    whole, half = Training("cpu"), Training("cpu")
    for _ in range(4):
        whole.step(pictures)
    for _ in range(2):
        half.step(pictures)
    half.save(tmp_path / "state.pt")
    again = Training("cpu")
    again.load(tmp_path / "state.pt")
    for _ in range(2):
        again.step(pictures)
    for one, other in zip(whole.codec.parameters(), again.codec.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_command_writes_a_network_that_encodes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--validate", str(folder), "--minutes", "0.02", "--every", "1", "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["train", str(folder), "--state", str(tmp_path / "state.pt"), *arguments])
    train_codecsplat.main()
    assert "step 1 " in capsys.readouterr().out
    data = np.frombuffer((tmp_path / "out" / "latent_1.bin").read_bytes(), np.uint8)
    network = latent_network.fields(data)
    assert (network["frequencies"].sum(axis=1) == 65536).all() and network["frequencies"].min() > 0
    known = latent_layout.causal_mask().reshape(latent_layout.LATENTS, latent_layout.LATENTS, 9).transpose(1, 2, 0)
    assert not network["scale"][~known].any()
    weights = safetensors.read((tmp_path / "out" / "latent_1_analysis.safetensors").read_bytes())
    with PIL.Image.open(folder / "1.png") as file:
        exact = encoder.analysed(Image(np.asarray(file)), weights)
    assert exact.shape == (96, 9, 10) and np.isfinite(exact).all()


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", ["train_codecsplat.py", *map(str, words)])
    train_codecsplat.main()


def test_however_short_the_time_it_is_validated_and_says_where_it_resumes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "INDEX.tsv").write_text("no picture")
    for _ in range(2):
        run(monkeypatch, folder, "--validate", folder, "--state", tmp_path / "a.pt", "--minutes", "1e-9")
    assert re.fullmatch(
        r"step 1 .*  D 90 \d\.\d{4} bpp \d\d\.\d\d dB\nresumes after step 1\nstep 2 .* dB\n", capsys.readouterr().out
    )


def test_ctrl_c_leaves_a_whole_step(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Training.step

    def interrupted(self: Training, pictures: list[np.ndarray]) -> float:
        if self.steps == 1:
            signal.raise_signal(signal.SIGINT)  # within the second
        return whole(self, pictures)

    monkeypatch.setattr(Training, "step", interrupted)
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, folder, "--state", tmp_path / "a.pt", "--minutes", "9")
    assert ended.value.code == 130
    assert capsys.readouterr().err.startswith("train_codecsplat: interrupted after step 2; ")
    again, wanted = Training("cpu"), Training("cpu")
    again.load(tmp_path / "a.pt")
    for _ in range(2):
        whole(wanted, train_codecsplat.opened(folder, (1,)))
    assert all(torch.equal(*pair) for pair in zip(again.codec.parameters(), wanted.codec.parameters(), strict=True))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere: no such folder"),
        (["small"], "small: no picture of 64 x 64 px or more"),
        (["pictures", "--state", "nowhere/a.pt"], "there is no folder nowhere"),
        (["pictures", "--state", "bad.pt"], "bad.pt: damaged, or not a state of this training"),
        (["pictures", "--every", "0"], "2"),
        (["pictures", "--minutes", "nan"], "2"),
        (["pictures", "--device", "bogus"], "2"),
    ],
)
def test_what_is_wrong_is_said_before_the_work(
    words: list[str], message: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small").mkdir()
    PIL.Image.new("RGB", (60, 90)).save(tmp_path / "small" / "a.png")
    (tmp_path / "bad.pt").write_bytes(b"no state")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Training, "step", lambda *_: pytest.fail("it has begun to work"))
    with pytest.raises(SystemExit, match=message):
        run(monkeypatch, "--state", "a.pt", *words)


def test_the_analysis_of_the_encoder_is_that_of_the_training(folder: Path) -> None:
    torch.manual_seed(1)
    codec = Codec()
    for parameter in (codec.analysis_luma, codec.analysis_chroma, codec.log_gain):
        parameter.data += 0.01 * torch.randn_like(parameter)
    with PIL.Image.open(folder / "0.png") as file:
        pixels = np.asarray(file).copy()
    weights = safetensors.read(train_codecsplat.analysis_of(codec, 0))
    found = encoder.analysed(Image(pixels), weights)
    picture = torch.from_numpy(pixels).permute(2, 0, 1).float()[None]
    padded = torch.nn.functional.pad(picture, (latent_layout.MARGIN,) * 4, mode="replicate")
    with torch.no_grad():
        wanted = codec.analysed(padded, torch.ones(1))[0].numpy()
    np.testing.assert_allclose(found, wanted, atol=0.05)


def test_the_integer_network_is_the_float_one_rounded() -> None:
    torch.manual_seed(2)
    codec = Codec()
    codec.fine_luma.data += 0.02 * torch.randn_like(codec.fine_luma)
    network = np.frombuffer(exported(codec), latent_network.NETWORK)[0]
    gain = 2.0**-17 * network["gains"][: latent_layout.LUMA] / train_codecsplat.INDEX / train_codecsplat.COLOUR_UNIT
    found = network["fine_luma"] * gain[:, None, None]
    wanted = codec.fine_luma.detach().numpy().reshape(latent_layout.LUMA, latent_layout.LUMA, 9).transpose(1, 2, 0)
    assert np.abs(found - wanted).max() <= 0.51 * np.abs(wanted).max() / 127


def test_the_rate_is_that_of_the_tables() -> None:
    for scale in (0.05, 0.7, 9.0):
        whole = torch.arange(-3.0, 4.0)
        found = bits(whole, torch.zeros(7), torch.full((7,), scale)).numpy()
        wanted = 16.0 - np.log2(laplace(scale)[45:52])
        likely = found < 9.0
        np.testing.assert_allclose(found[likely], wanted[likely], rtol=0.1, atol=0.01)


def test_what_the_integers_lose_is_little(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    training = Training("cpu")
    data = exported(training.average)
    network = np.frombuffer(data, np.uint8)
    monkeypatch.setattr(latent_network, "load", lambda identifier: network)
    for cached in (encoder._network, encoder._costs):
        cached.cache_clear()
    with PIL.Image.open(folder / "0.png") as file:
        found = train_codecsplat.compared(training.average, np.asarray(file), 40)
    assert found.integers[1] == pytest.approx(found.floats[1], abs=0.05)
    assert found.integers[0] == pytest.approx(found.floats[0], rel=0.06)
    arguments = ["--validate", str(folder), "--minutes", "0", "--compare", "--state", str(tmp_path / "state.pt")]
    monkeypatch.setattr(sys, "argv", ["train", str(folder), *arguments])
    monkeypatch.setattr(train_codecsplat, "COMPARED", (40, 56))
    monkeypatch.setattr(train_codecsplat, "HELD_OUT", (1,))
    train_codecsplat.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[2:]] == ["40", "56"]
    for cached in (encoder._network, encoder._costs):
        cached.cache_clear()
