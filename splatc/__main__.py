"""``python -m splatc``."""

from splatc.cli import main

main(prog_name="splatc")
