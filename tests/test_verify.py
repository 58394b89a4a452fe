"""``splatc verify``: every fault is named where it lies; a sound file is called sound at once."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import splatc
from splatc import bitstream
from splatc.bitstream import Layer, Metadata, reader
from splatc.bitstream.container import write
from splatc.cli import main
from splatc.core import loading
from splatc.decoder.verifier import find_problems
from splatc.errors import CoreError, InputError
from tests.bitstream_cases import header_for, random_quantized
from tests.surgery import chunks_of, mended, payload_of, with_payload, with_sections
from tests.test_cli_decode import modules_after


@pytest.fixture(scope="module")
def divided() -> bytes:
    """A file with an index, 15 sections and metadata."""
    header = header_for(200, 100)
    gaussians = random_quantized(np.random.default_rng(0), header, 900, levels=3)
    return bitstream.encode(
        header, gaussians, Metadata(icc=b"profile" * 40, xmp=b"<x/>"), layout=(Layer(1, 8), Layer(2, 5))
    )


def found(data: bytes) -> list[tuple[str, str]]:
    return [(each.kind, each.part) for each in find_problems(data)]


def test_sound_files(tiny_file: bytes, divided: bytes) -> None:
    assert find_problems(tiny_file) == find_problems(divided) == splatc.verify(divided) == []


def test_all_faults_are_found_not_only_the_first(tiny_file: bytes, divided: bytes) -> None:
    assert found(b"") == [("corrupt", "signature")]
    assert found(tiny_file[:-1]) == [("corrupt", "chunks")]
    damaged = bytearray(divided)
    table = bitstream.inspect(divided).chunks
    assert [chunk.type for chunk in table] == ["HEAD", "iccp", "INDX", "GAUS", "xmpd"]
    for chunk in table:
        damaged[chunk.offset + chunk.length - 1] ^= 1
    assert found(bytes(damaged)) == [("corrupt", "checksum")] * 5


def test_each_section_is_looked_at_unless_it_hangs_on_a_damaged_one(divided: bytes) -> None:
    reader = bitstream.Reader(io.BytesIO(divided))
    start = next(chunk.offset for chunk in reader.chunks if chunk.type == "GAUS")
    leaves = [n for n, each in enumerate(reader.sections) if n not in {s.parent for s in reader.sections}]
    damaged = bytearray(divided)
    for number in leaves[1], leaves[3]:
        damaged[start + reader.sections[number].offset] ^= 1
    sections = [f"section {leaves[1]}", f"section {leaves[3]}"]
    assert [part for _, part in found(bytes(damaged))] == ["checksum", *sections]
    damaged = bytearray(divided)
    damaged[start + reader.sections[0].offset] ^= 1  # all others go on from it
    assert [part for _, part in found(bytes(damaged))] == ["checksum", "section 0"]


def test_what_no_crc_can_find(tiny_file: bytes, divided: bytes) -> None:
    assert found(with_payload(tiny_file, b"GAUS", lambda body: body.extend(b"\1"))) == [("corrupt", "stream")]
    assert found(with_payload(tiny_file, b"HEAD", lambda head: head.__setitem__(3, 0))) == [("corrupt", "header")]
    wide = with_payload(tiny_file, b"HEAD", lambda head: head.__setitem__(slice(3, 4), b"\xff\xff\xff\xff\x0f"))
    assert found(wide) == [("limit", "header")]
    assert found(with_payload(divided, b"iccp", lambda icc: icc.clear())) == [("corrupt", "metadata iccp")]
    unknown = write([*chunks_of(tiny_file), (b"TiLE", b"")])
    assert found(unknown) == [("unsupported", "chunks")]
    assert found(mended(with_payload(divided, b"GAUS", lambda body: body.__setitem__(9, body[9] ^ 255)))) != []

    def shorter(sections: list[bitstream.Section]) -> None:
        sections[0] = replace(sections[0], margin=0)

    assert found(with_sections(divided, shorter)) == [("corrupt", "section 0")]
    assert found(with_payload(divided, b"INDX", lambda index: index.append(0))) == [("corrupt", "index")]
    assert len(payload_of(divided, b"HEAD")) > 20


def test_a_line_a_problem_and_the_exit_code(tmp_path: Path, tiny_file: bytes, divided: bytes) -> None:
    names = {
        "good": tiny_file,
        "cut": tiny_file[:-4],
        "evil\x1b[2J": with_payload(divided, b"iccp", lambda c: c.clear()),
    }
    for name, data in names.items():
        (tmp_path / name).write_bytes(data)
    paths = [str(tmp_path / name) for name in names]
    run = CliRunner().invoke
    good = run(main, ["verify", paths[0]])
    assert (good.exit_code, good.stdout, good.stderr) == (0, f"{paths[0]}: ok, {len(tiny_file)} bytes\n", "")
    assert run(main, ["verify", "-q", paths[0]]).stdout == ""
    result = run(main, ["verify", *paths])
    lines = result.stdout.splitlines()
    assert (result.exit_code, len(lines)) == (3, 3)
    assert "chunks: " in lines[1]
    assert r"evil\x1b[2J: metadata iccp: " in lines[2]
    assert "\x1b" not in result.stdout
    missing = run(main, ["verify", str(tmp_path / "none"), *paths])
    assert (missing.exit_code, len(missing.stdout.splitlines())) == (1, 3)
    assert "cannot be read" in missing.stderr
    limit = tmp_path / "limit"
    limit.write_bytes(
        with_payload(tiny_file, b"HEAD", lambda head: head.__setitem__(slice(3, 4), b"\xff\xff\xff\xff\x0f"))
    )
    assert run(main, ["verify", str(limit)]).exit_code == 4
    assert run(main, ["verify"]).exit_code == 2


def test_json_is_a_line_a_file(tmp_path: Path, tiny_splat: Path, tiny_file: bytes) -> None:
    cut = tmp_path / "cut"
    cut.write_bytes(tiny_file[:-4])
    result = CliRunner().invoke(main, ["verify", "--json", str(tiny_splat), str(cut), str(tmp_path / "none")])
    good, bad, none = map(json.loads, result.stdout.splitlines())
    assert (result.exit_code, result.stderr) == (3, "")
    assert good == {
        "file": str(tiny_splat),
        "schema_version": 1,
        "valid": True,
        "bytes": len(tiny_file),
        "problems": [],
    }
    assert (bad["valid"], bad["problems"][0]["kind"], bad["problems"][0]["part"]) == (False, "corrupt", "chunks")
    assert (none["valid"], none["problems"][0]["kind"]) == (False, "unreadable")


def test_files_are_verified_without_numba(tiny_splat: Path) -> None:
    assert not modules_after("verify", str(tiny_splat)) & {"PIL", "numba", "scipy", "torch"}


def test_the_function_takes_paths(tiny_splat: Path, tmp_path: Path) -> None:
    assert splatc.verify(tiny_splat) == []
    with pytest.raises(InputError):
        splatc.verify(tmp_path / "none")


def test_what_goes_wrong_on_this_machine_is_no_fault_of_the_file(
    tiny_splat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading.load(), "core_start", lambda _: loading.NO_THREAD)
    with pytest.raises(CoreError, match="no thread"):
        find_problems(tiny_splat.read_bytes())


def test_many_sections_are_gone_through_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `verify` and `info --bits` find does not depend on how much of a file they look at at once."""
    header = header_for(500, 300)
    division = (Layer(2, 10), Layer(2, 8), Layer(2, 6))
    data = bitstream.encode(header, random_quantized(np.random.default_rng(0), header, 900), layout=division)
    bits = bitstream.inspect(data).bits
    monkeypatch.setattr(reader, "GROUP", 700)
    opened = bitstream.Reader(io.BytesIO(data))
    assert len(opened.groups()) > 3
    assert [number for group in opened.groups() for number in group] == list(range(len(opened.sections)))
    assert find_problems(data) == []
    assert bitstream.inspect(data).bits == pytest.approx(bits)
    place = data.index(b"GAUS") + len(data) // 2
    damaged = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    assert [problem.part.split()[0] for problem in find_problems(damaged)] == ["checksum", "section"]


def test_a_limit_of_memory_holds_for_verify_too(tiny_file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splatc.decoder.budget.MAX_MEMORY", 1000)
    assert [problem.kind for problem in find_problems(tiny_file)] == ["limit"]
