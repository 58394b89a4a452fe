"""``splatc decode``."""

from __future__ import annotations

import click

from splatc.cli.options import MAX_FILE_BYTES, check_device, device_option, force_option, prepare_numba, threads_option
from splatc.files import atomic_output, check_output, named, read_input


@click.command()
@click.argument("source", metavar="IN")
@click.argument("output", metavar="OUT")
@click.option(
    "--bit-depth", type=click.Choice(["8", "16"]), help="Bits per sample of OUT. [default: as the source had]"
)
@device_option
@threads_option
@force_option
def decode(source: str, output: str, bit_depth: str | None, device: str, threads: int | None, force: bool) -> None:
    """Decode the .splat2d file IN into the picture OUT.

    The extension of OUT chooses its type: .png .jpg .webp .tif .ppm .pgm .bmp; "-" is standard input, or PNG on standard output.
    """
    check_output(output, force=force, source=source)
    check_device(device)

    from splatc.image_io import output_format, save

    kind = output_format(output)
    data = read_input(source, limit=MAX_FILE_BYTES)
    with named(source):
        from splatc.bitstream import read_header

        header = read_header(data)
    depth = int(bit_depth) if bit_depth else header.depth
    kind.check(header.channels, depth)
    prepare_numba(threads)

    from splatc.decode import decode_bytes

    with named(source):
        image = decode_bytes(data, bit_depth=depth)
    with atomic_output(output, force=force) as stream:
        save(image, stream, kind)
