"""Two installations beside each other: that of a commit and that of the work tree, each in an environment of its own.

    FOLDER/18186d1/source    a clone at the commit        FOLDER/18186d1/env    its environment
    FOLDER/work-tree/source  what git sees of the tree    FOLDER/work-tree/env

None is editable: what is measured is what a user installs. The work tree's is made again when its content changes, from scratch only
when its requirements do, and so is one whose making was stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_ENVIRONMENT = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence")
"""What an empty environment has, by how its names in site-packages begin."""
REQUIREMENTS = ("pyproject.toml", "constraints.txt")


@dataclass(frozen=True)
class Installation:
    """A splatc that has been installed."""

    name: str
    source: Path
    """What it was installed from."""
    environment: Path

    @property
    def python(self) -> Path:
        return self._binary("python")

    @property
    def splatc(self) -> Path:
        return self._binary("splatc")

    @property
    def content(self) -> str:
        """Identifies the code that was installed last, whatever else changed beside it; empty if that is not known."""
        if not _stamp(self):
            return ""
        files = (path for path in (self.source / "splatc").rglob("*") if path.suffix in (".py", ".c", ".h"))
        names = sorted(path.relative_to(self.source).as_posix() for path in files)
        return digest(self.source, [*REQUIREMENTS, *names])

    @property
    def megabytes(self) -> float:
        """Of all that installing it brought: the files of site-packages (10^6 bytes), without pip, and without kernels compiled later."""
        total = 0
        for folder in self._packages("."):
            for path in folder.rglob("*"):
                brought = not path.relative_to(folder).parts[0].startswith(_ENVIRONMENT)
                if brought and path.is_file() and path.suffix not in (".nbi", ".nbc"):
                    total += path.stat().st_size
        return total / 1e6

    def forget(self) -> None:
        """Remove what it has compiled, bytecode and Numba's kernels: as after installing, or earlier still."""
        for folder in self._packages("splatc"):
            for cache in list(folder.rglob("__pycache__")):
                shutil.rmtree(cache)
        for folder in self._packages("."):
            for kernel in list(folder.rglob("*.nb[ic]")):
                kernel.unlink()

    def remove(self) -> None:
        """What `pip uninstall` leaves of it (files that were compiled later) would be part of the next one."""
        pip(self, "uninstall", "--yes", "splatc")
        for folder in self._packages("splatc"):
            shutil.rmtree(folder)

    def _packages(self, name: str) -> Iterator[Path]:
        pattern = f"Lib/site-packages/{name}" if os.name == "nt" else f"lib/python*/site-packages/{name}"
        return iter(sorted(self.environment.glob(pattern)))

    def _binary(self, name: str) -> Path:
        return self.environment / ("Scripts" if os.name == "nt" else "bin") / name


def of_commit(root: Path, commit: str, folder: Path) -> Installation:
    """That of a commit of the repository `root`; raises CalledProcessError for one that is not there."""
    revision = git(root, "rev-parse", "--verify", "--end-of-options", f"{commit}^{{commit}}").strip()
    name = git(root, "rev-parse", "--short=7", revision).strip()
    made = Installation(name, folder / name / "source", folder / name / "env")
    if not _at(made.source, revision):
        shutil.rmtree(made.source, ignore_errors=True)
        made.source.parent.mkdir(parents=True, exist_ok=True)
        git(root, "clone", "--quiet", "--no-checkout", str(root), str(made.source))
        git(made.source, "checkout", "--quiet", "--detach", revision)
    install(made, revision)
    return made


def of_work_tree(root: Path, folder: Path) -> Installation:
    """That of the work tree `root` as it is now, with what is not committed, without what git ignores."""
    folder = folder / "work-tree"
    made = Installation("work tree", folder / "source", folder / "env")
    listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    names = sorted({name for name in listed if name and (root / name).is_file()})
    content = digest(root, names)
    if _stamp(made).get("content") != content:
        shutil.rmtree(made.source, ignore_errors=True)  # its build folder would go into the next wheel
        for name in names:
            (made.source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, made.source / name)
    install(made, content)
    return made


def install(made: Installation, content: str) -> None:
    """Install its source, unless this content is what it has."""
    stamp = _stamp(made)
    wanted = {"content": content, "requirements": f"{sys.version} {digest(made.source, REQUIREMENTS)}"}
    if stamp == wanted:
        return
    _stamp_path(made).unlink(missing_ok=True)
    if stamp.get("requirements") == wanted["requirements"]:
        made.remove()
    else:
        venv.create(made.environment, with_pip=True, clear=True)
    pip(made, "install", "--constraint", str(made.source / "constraints.txt"), str(made.source))
    _stamp_path(made).write_text(json.dumps(wanted), encoding="utf-8")


def digest(root: Path, names: Sequence[str]) -> str:
    """Of the names and contents of files."""
    found = hashlib.sha256()
    for name in names:
        content = (root / name).read_bytes()
        found.update(f"{name}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def clean_environ() -> dict[str, str]:
    """The variables of this process but those that would lead to another splatc, or change what it does."""
    prefixes = ("PYTHON", "VIRTUAL_ENV", "NUMBA_", "OMP_", "SPLATC_")
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}


def pip(made: Installation, *words: str) -> None:
    command = [str(made.python), "-m", "pip", "--disable-pip-version-check", "--quiet", *words]
    subprocess.run(command, check=True, cwd=made.environment, env=clean_environ())


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def _at(source: Path, revision: str) -> bool:
    """Whether a whole clone at a revision is there."""
    if not (source / ".git").is_dir():
        return False
    words = ["git", "-C", str(source), "status", "--porcelain", "--untracked-files=no"]
    clean = subprocess.run(words, check=False, capture_output=True, text=True)
    head = subprocess.run(["git", "-C", str(source), "rev-parse", "HEAD"], check=False, capture_output=True, text=True)
    return clean.returncode == 0 and not clean.stdout and head.stdout.strip() == revision


def _stamp_path(made: Installation) -> Path:
    return made.environment / "installed.json"


def _stamp(made: Installation) -> dict[str, str]:
    """What was installed last; empty if that is not known."""
    try:
        found: dict[str, str] = json.loads(_stamp_path(made).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found
