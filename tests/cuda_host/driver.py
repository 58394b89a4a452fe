"""A CUDA driver of our own, driver.cpp: its memory is the host's, and its launches run emulated kernels."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent
# Who calls gives no number of arguments here, as the driver's interface has none.
WRAPPER = """
template <class... A> static int arity(void (*)(A...)) { return sizeof...(A); }
#define WRAP(name) extern "C" void run_##name(const unsigned* e, void** a) { emulate(name, arity(name), e, a); }
"""


def built(folder: Path, text: str) -> dict[str, str]:
    """The environment in which the driver, built in ``folder``, is ours; its kernels are those of a source text."""
    names = re.findall(r'extern "C" __global__ void (?:__launch_bounds__\([^)]*\)\s*)?(\w+)\(', text)
    source = folder / "kernels.cpp"
    source.write_text(text + WRAPPER + "".join(f"WRAP({name})\n" for name in names))
    shared = ["g++", "-std=c++17", "-O1", "-fPIC", "-shared", "-Wl,-Bsymbolic"]
    emulated = [*shared, "-U_FORTIFY_SOURCE", "-include", str(FOLDER / "emulator.h"), str(source)]
    subprocess.run([*emulated, "-o", str(folder / "kernels.so")], check=True)
    subprocess.run([*shared, str(FOLDER / "driver.cpp"), "-o", str(folder / "libcuda.so.1"), "-ldl"], check=True)
    return {
        "LD_LIBRARY_PATH": str(folder),
        "FAKE_KERNELS": str(folder / "kernels.so"),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
