"""``python -m splatc``, and the command ``splatc``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; Ctrl-C while it is still being loaded ends it without a word, with the exit code that it has later, too."""
    try:
        from splatc.cli import main as command

        command(prog_name="splatc")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
