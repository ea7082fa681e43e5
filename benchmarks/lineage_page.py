"""How long the page of the lineage takes: every operation with its defaults in an empty folder, then the same again.

python benchmarks/lineage_page.py [OPERATION ...]

Prints the seconds of each operation, of the whole page, of the second time, and the size of the file. Run it on idle
cores; loading of weights is part of the seconds of the operation that loads them first.
"""

import sys
import tempfile
import time
from pathlib import Path

from telephone import pipeline


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        for word in ("first", "second"):
            clock = time.perf_counter()
            page = pipeline.lineage_page(folder, Path(folder) / "page.html", sys.argv[1:])
            seconds = time.perf_counter() - clock
            print(f"\n| operation, {word} time | seconds | verdict |\n|---|---|---|")
            for each in page.outcomes:
                result = each.result
                words = f"failed: {each.error}" if result is None else str(result.verdict)
                print(f"| {each.operation.name} | {0 if result is None else result.seconds:.1f} | {words} |")
            size = page.path.stat().st_size / 2**20
            print(f"| whole page, {size:.1f} MiB | {seconds:.1f} | |", flush=True)


if __name__ == "__main__":
    main()
