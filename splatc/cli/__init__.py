"""The command line: arguments in, messages out. Bytes and pixels go to standard output, everything else to standard error.

Nothing here imports NumPy or torch until a command needs it: ``--help`` and ``info`` answer at once.
"""

from splatc.cli.group import main

__all__ = ["main"]
