"""The examples at the end of each command's help. A test runs the parser over every one of them."""

from __future__ import annotations

from splatc.cli import keys

EXAMPLES = {
    "encode": (
        "splatc encode photo.png photo.splat2d --cr 200",
        "splatc encode photo.png photo.splat2d --size 300k -e 8",
        "splatc encode photo.png photo.splat2d --psnr 35",
        "splatc encode photo.jpg photo.splat2d --bpp 0.1 --tune ssim --json",
        "cat photo.png | splatc encode - - --cr 100 > photo.splat2d",
    ),
    "decode": (
        "splatc decode photo.splat2d photo.png",
        "splatc decode photo.splat2d preview.jpg --scale 1/8 -f",
        "splatc decode photo.splat2d corner.png --region 8000,6000,512,512",
        "splatc decode photo.splat2d - | magick - -resize 50% small.webp",
    ),
    "info": (
        "splatc info photo.splat2d",
        "splatc info photo.splat2d --bits --json | jq .bits",
    ),
    "verify": (
        "splatc verify photo.splat2d",
        "splatc verify splats/*.splat2d -q && echo all sound",
        "splatc verify splats/*.splat2d --json | jq -r 'select(.valid | not) | .file'",
    ),
    "batch": (
        "splatc batch photos/ -o splats/ --cr 200",
        "splatc batch 'photos/**/*.png' -o splats/ --report report.csv",
        "splatc batch photos/ -o splats/ --dask tcp://scheduler:8786",
    ),
    "compare": (
        "splatc compare photo.png photo.splat2d",
        "splatc compare photo.png other.png --json",
        "splatc encode photo.png - | splatc compare photo.png -",
    ),
    "plot": (
        "splatc plot photo.splat2d -o photo.html --source photo.png",
        "splatc plot photo.splat2d -o photo-plot.png",
    ),
    "view": (
        "splatc view photo.splat2d",
        "splatc view photo.splat2d --source photo.png --save photo.html",
        "splatc view splats/ --port 8000 --no-browser",
    ),
    "completion": (
        "splatc completion bash > ~/.local/share/bash-completion/completions/splatc",
        "splatc completion zsh > ~/.zfunc/_splatc",
        "splatc completion fish > ~/.config/fish/completions/splatc.fish",
    ),
}
"""By command."""

FIRST_STEPS = """\b
Examples:
  splatc encode photo.jpg photo.splat2d --cr 200
  splatc decode photo.splat2d photo.png
  splatc COMMAND --help    has the rest, with examples

\b
Exit codes: 0 done, 1 failed, 2 usage, 3 damaged or unsupported file
or picture, 4 beyond a limit, 5 a part of a batch failed."""
"""At the end of the help of the whole program."""

SUMMARIES = {
    "encode": "Encode a picture as a .splat2d file.",
    "decode": "Decode a .splat2d file, or a part of it, to a picture.",
    "info": "Print what a file holds.",
    "verify": "Check every byte of files.",
    "batch": "Encode folders of pictures.",
    "compare": "Compare two pictures: PSNR, MS-SSIM, sizes.",
    "plot": "Show how a file is made, as .png or .html.",
    "view": "Show files in the browser, or as a page.",
    "completion": "Print the completion script of a shell.",
}
"""A line for each command, in the order of the program's help."""


def epilog(name: str) -> str | None:
    """The examples of a command and the keys of its JSON as click's epilog; a line of one backspace keeps click from joining the others."""
    if name not in EXAMPLES:
        return None
    shown = ["\b", "Examples:", *(f"  {line}" for line in EXAMPLES[name])]
    if name in keys.KEYS:
        shown += ["", "\b", "Keys of --json:", *keys.lines(name)]
    return "\n".join(shown)
