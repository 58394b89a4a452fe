"""``-f`` onto a file that no other can take the place of: it is written where it lies, or that is said before the work."""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from splatc.errors import OutputError
from splatc.runtime import files, overwriting

Run = Callable[[str], "subprocess.CompletedProcess[bytes]"]


def write(path: Path, data: bytes) -> None:
    files.check_output(str(path), force=True, source="-")
    with files.atomic_output(str(path), force=True) as stream:
        stream.write(data)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def mounted(tmp_path: Path, tiny_splat: Path) -> Run:
    """Runs a script of a shell that may mount; ``splatc`` is the command."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here")
    space = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    if subprocess.run([*space, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")

    def run(script: str) -> subprocess.CompletedProcess[bytes]:
        text = f'set -e; splatc() {{ "$0" -m splatc "$@"; }}\n{script}'
        return subprocess.run(
            [*space, "bash", "-c", text, sys.executable], cwd=tmp_path, capture_output=True, timeout=120
        )

    return run


def test_a_single_file_that_is_mounted(mounted: Run, tmp_path: Path) -> None:
    """As into a container: a name cannot be given to another file while something is mounted on it."""
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "out.png").touch()
    (tmp_path / "outside.png").write_bytes(bytes(1 << 20))
    result = mounted("mount --bind outside.png inside/out.png; splatc decode -f tiny.splat2d inside/out.png")
    assert (result.returncode, result.stderr) == (0, b"")
    written = (tmp_path / "outside.png").read_bytes()
    assert written.startswith(b"\x89PNG")
    assert written.endswith(b"IEND\xaeB`\x82")
    assert names(tmp_path / "inside") == ["out.png"]


def test_a_file_in_a_folder_that_takes_no_other(mounted: Run, tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "out.png").touch()
    (tmp_path / "outside.png").write_bytes(b"old")
    result = mounted(
        "mount --bind inside inside; mount --bind outside.png inside/out.png; mount -o remount,bind,ro inside\n"
        "splatc decode -f tiny.splat2d inside/out.png"
    )
    assert (result.returncode, result.stderr) == (0, b"")
    assert (tmp_path / "outside.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "mounts",
    [
        "mount --bind outside.png inside/out.png; mount -o remount,bind,ro inside/out.png",
        "mount --bind inside inside; mount -o remount,bind,ro inside",
    ],
)
def test_a_file_that_cannot_be_written_is_said_before_the_work(mounts: str, mounted: Run, tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "out.png").write_bytes(b"old")
    (tmp_path / "outside.png").write_bytes(b"old")
    result = mounted(f"{mounts}; splatc decode -f no-such-file.splat2d inside/out.png")
    assert (result.returncode, result.stderr) == (
        1,
        b"splatc: error: inside/out.png: cannot be written: Read-only file system\n",
    )
    assert (tmp_path / "outside.png").read_bytes() == (tmp_path / "inside" / "out.png").read_bytes() == b"old"


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EPERM, errno.EACCES])
@pytest.mark.parametrize("old", [b"", bytes(1000)])
@pytest.mark.skipif(os.name == "nt", reason="Windows replaces or refuses")
def test_a_name_that_cannot_be_given_away(
    number: int, old: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bound(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    path = tmp_path / "out"
    path.write_bytes(old)
    node = path.stat().st_ino
    monkeypatch.setattr(Path, "replace", bound)
    write(path, b"new" * 100)
    assert path.read_bytes() == b"new" * 100
    assert path.stat().st_ino == node
    assert names(tmp_path) == ["out"]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system reserves no room")
def test_a_full_disk_leaves_the_old_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "out"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space"):
        overwriting.write_over(io.BytesIO(b"newer"), path)
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives files away")
def test_owner_group_and_permissions_stay(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    os.chown(path, 1234, 2345)
    path.chmod(0o2664)
    write(path, b"new")
    status = path.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 2345, 0o2664)
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no owners of this kind")
def test_a_file_that_cannot_be_given_back_loses_what_speaks_of_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    path = tmp_path / "out"
    path.write_bytes(b"old")
    path.chmod(0o4755)
    real = Path.stat

    def of_somebody_else(self: Path, **extra: bool) -> os.stat_result:
        status = real(self, **extra)
        return os.stat_result([*status[:4], 4321, *status[5:]]) if self == path else status

    monkeypatch.setattr(os, "chown", refused)
    monkeypatch.setattr(Path, "stat", of_somebody_else)
    write(path, b"new")
    assert stat.S_IMODE(real(path).st_mode) == 0o755


@pytest.mark.skipif(os.name == "nt", reason="Windows has no sticky folders")
def test_somebody_else_s_file_in_a_sticky_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    tmp_path.chmod(0o1777)
    real = os.open

    def no_writing(name: object, flags: int, *rest: int) -> int:
        if name == path and flags & os.O_WRONLY:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path if name == path else str(name), flags, *rest)

    monkeypatch.setattr(os, "open", no_writing)
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    with pytest.raises(OutputError, match="Permission denied"):
        files.check_output(str(path), force=True, source="-")
    tmp_path.chmod(0o777)
    write(path, b"new")  # a file that cannot be written is replaced, as its folder allows
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links(tmp_path: Path) -> None:
    """Another name of the file keeps the old bytes, whole; a link to it, or to a file that is not there yet, stays a link."""
    path, other, link, dangling = (tmp_path / name for name in ("out", "other", "link", "dangling"))
    path.write_bytes(b"old")
    other.hardlink_to(path)
    link.symlink_to("out")
    dangling.symlink_to("made")
    write(link, b"new")
    write(dangling, b"made")
    assert (path.read_bytes(), other.read_bytes(), (tmp_path / "made").read_bytes()) == (b"new", b"old", b"made")
    assert link.is_symlink()
    assert dangling.is_symlink()


def test_a_descriptor_that_cannot_be_copied_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    made: list[int] = []
    real = files._create_beside

    def create(target: Path, *, or_none: bool = False) -> tuple[int, Path] | None:
        found = real(target, or_none=or_none)
        assert found is not None
        made.append(found[0])
        return found

    monkeypatch.setattr(files, "_create_beside", create)
    monkeypatch.setattr(os, "dup", none_left)
    with (
        pytest.raises(OutputError, match="Too many open files"),
        files.atomic_output(str(tmp_path / "out"), force=False),
    ):
        raise AssertionError("the block is not entered")
    assert names(tmp_path) == []
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(made[0])
