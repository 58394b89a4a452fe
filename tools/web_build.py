"""Makes splatc/web/viewer_script.js, the script of viewer.html and of its workers, of the modules beside it.

    python tools/web_build.py
    python tools/web_build.py --check    # fails if it is not what the modules make

It is committed, as core.wasm is: to put splatc/web on a server, nothing has to be built.
"""

from __future__ import annotations

import argparse

from splatc.view import bundle

SCRIPT = bundle.WEB / "viewer_script.js"
_HEAD = "/* Made of viewer_page.js and worker.js, with all that they import, by tools/web_build.py. */\n"


def made() -> str:
    """The script as it has to be."""
    return _HEAD + bundle.script("viewer_page.js", address=SCRIPT.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        SCRIPT.write_text(made(), "utf-8")
    elif SCRIPT.read_text("utf-8") != made():
        raise SystemExit(f"{SCRIPT.name} is not what the modules make: run make web")


if __name__ == "__main__":
    main()
