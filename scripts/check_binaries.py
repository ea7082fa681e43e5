"""Fails where git tracks a large binary file outside the weights distribution: `python scripts/check_binaries.py`.

Binaries stay in the history for good; pictures for the docs belong under the limit, checkpoints and test data outside.
"""

import subprocess
import sys
from pathlib import Path

LIMIT = 100_000
"""Bytes."""
ALLOWED = ("weights/src/telephone_pocket/",)
KNOWN = {"benchmarks/labels/stable-diffusion.png": 1361380}
"""Files that the history holds already, with their size in bytes; a new version has to be below the limit."""


def is_binary(path: Path) -> bool:
    """Tells whether a file holds a zero byte among its first 8,000 bytes, as git does."""
    with path.open("rb") as file:
        return b"\0" in file.read(8000)


def main() -> int:
    """Prints every binary file that is too large; returns the exit code."""
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True).stdout.split("\0")
    tracked = [name for name in listed if name and not name.startswith(ALLOWED)]
    large = [name for name in tracked if Path(name).is_file() and Path(name).stat().st_size > LIMIT]
    found = [n for n in large if KNOWN.get(n) != Path(n).stat().st_size and is_binary(Path(n))]
    for name in found:
        print(f"{name}: a binary file of {Path(name).stat().st_size:,} bytes; keep it out of git or below {LIMIT:,}.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
