"""What the keys of JSON output mean, for the help of the commands. A test compares them with what is printed.

New keys may come at any time; a key that goes, or means something else, gets a new ``schema_version``. Renamed keys are printed under both
names for one version (`splatc.runtime.renamed_keys`); the help knows the new ones.
"""

from __future__ import annotations

KEYS = {
    "info": {
        "schema_version": "of this list",
        "format_version": 'of FILE, "1.0"',
        "width, height": "px",
        "channels": "1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha",
        "bit_depth": "8 or 16 bits per sample",
        "blend": '"normalized" or "sum": how Gaussians make a pixel',
        "background": "colour where no Gaussian is, 0..255 per channel",
        "bytes": "size of FILE",
        "bits_per_pixel": "8 bytes / (width height)",
        "compression_ratio": "bytes of the samples / bytes",
        "gaussians": "how many",
        "levels": "[level, gaussians], coarse to fine",
        "sections": "[levels, gaussians of each, bytes, tile, px]",
        "quantizer": "fields of the header, spec/quantization.md",
        "chunks": "[type, length, start, offset, critical]",
        "notes": "what of FILE is damaged that costs no pixel",
        "bits": "with --bits: by part, 8 bytes in all",
    },
    "verify": {
        "file": "its name",
        "schema_version": "of this list",
        "valid": "true if there are no problems",
        "bytes": "size of FILE; missing if it cannot be read",
        "problems": "[kind, part, message]; kind is corrupt, unsupported,",
        "": "limit or unreadable; part is where",
    },
    "batch": {
        "schema_version": "of this list",
        "done, kept, failed": "how many pictures",
        "files": "one entry for each picture:",
        "source, output": "names",
        "status": '"done", "kept" (was there already) or "failed"',
        "gaussians": "how many; null for this and what follows if failed",
        "bytes": "of the output",
        "bits_per_pixel": "8 bytes / (width height)",
        "compression_ratio": "bytes of the samples of the source / bytes",
        "psnr_db, ms_ssim": "of what the output decodes to",
        "seconds": "that it took",
        "error, notes": "why it failed; what of the source is left out",
    },
    "compare": {
        "schema_version": "of this list",
        "width, height": "px",
        "a, b": "name, bytes, channels, bit_depth of each",
        "psnr_db": "null where the pictures are equal",
        "ms_ssim": "0 to 1",
        "largest_error": "of a sample, over full range",
        "equal_samples": "share of all samples",
        "equal_profiles": "whether the colour profiles are the same",
    },
}
"""By command; several keys of one meaning stand together."""


def lines(name: str) -> list[str]:
    """The table of a command, in lines of at most 80 characters."""
    return [f"  {key:<19} {meaning}" for key, meaning in KEYS[name].items()]
