"""Why there is no GPU to compute on."""


class Missing(str):
    """One sentence: what is not there."""

    broken = False
    """Whether there seems to be a GPU that does not work, which deserves a warning."""


class Broken(Missing):
    """One sentence: what does not work."""

    broken = True
