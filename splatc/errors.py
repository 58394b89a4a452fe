"""Every error that a user can cause, with the exit code that the command line gives it; and the one warning.

Anything else that is raised is a bug and may crash loudly.
"""


class SplatError(Exception):
    """Base of all errors that a user can cause; the message is one sentence."""

    exit_code = 1


class UsageError(SplatError):
    """The request makes no sense: an impossible target, an output that exists, an option out of its range."""

    exit_code = 2


class InputError(SplatError):
    """The input is missing or cannot be read."""


class InputImageError(InputError):
    """The source is not a picture, or a damaged one, or of a kind that splatc does not code."""

    exit_code = 3


class OutputError(SplatError):
    """The result could not be written; nothing was changed on disk."""


class ServerError(SplatError):
    """The port on which files would be served cannot be opened."""


class DeviceError(SplatError):
    """There is no GPU that works, or the work on it failed."""


class CoreError(SplatError):
    """The compiled core of splatc is missing, does not fit, or cannot run on this machine."""


class TimeUpError(SplatError):
    """The time that was allowed did not suffice for a result."""


class CorruptFileError(SplatError):
    """The bytes are not a well-formed ``.splat2d`` file: truncated, damaged or inconsistent."""

    exit_code = 3


class UnsupportedFileError(SplatError):
    """A ``.splat2d`` file of a version of the format that this decoder does not read, or with a critical chunk that it does not know."""

    exit_code = 3


class LimitError(SplatError):
    """The file or the picture exceeds a limit of size, memory or work."""

    exit_code = 4


class BatchError(SplatError):
    """Some pictures of a batch failed; the others are done."""

    exit_code = 5


class SplatWarning(UserWarning):
    """A picture was read without something beside its pixels: metadata that are damaged are left out.

    Python shows it once for each place in a program. ``warnings.simplefilter("error", splatc.SplatWarning)`` makes
    it an exception, which is no `SplatError`. The commands print it as a note.
    """


def reason_of(error: Exception) -> str:
    """The message of an error of another library, on one line; the name of its class where it has none."""
    try:
        text = str((error.strerror if isinstance(error, OSError) else None) or error)
    except Exception:  # of a class that cannot say it
        text = ""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:200] or type(error).__name__
