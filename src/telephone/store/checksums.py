"""Short checksums of rows: `verify` recomputes them, so that a changed value is found."""

from telephone.core.seeds import digest

_DIGITS = 16


def checksum(*parts: object) -> str:
    """Returns 16 hexadecimal digits of the sha256 of the parts.

    Args:
        parts: the values of a row as the database returns them: None, str, int, float or bytes.
    """
    return digest(*parts)[:_DIGITS]
