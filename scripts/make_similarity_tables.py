"""Measures the calibrated similarity of the judges that the package knows, and writes it into the package.

python scripts/make_similarity_tables.py                     # every judge
python scripts/make_similarity_tables.py use/multilingual    # some
"""

import re
import sys
from pathlib import Path

from telephone.judge.calibration_measurement import calibrate
from telephone.models import embedder
from telephone.store.similarity_calibration import as_json

JUDGES = ("use/multilingual", "minilm/all-MiniLM-L6-v2", "pocket/clip", "fake/embedder")
FOLDER = Path(__file__).parent.parent / "src" / "telephone" / "store" / "calibrations"


def main() -> None:
    """Writes one JSON file a judge."""
    for ref in sys.argv[1:] or JUDGES:
        found = calibrate(embedder(ref))
        path = FOLDER / f"{re.sub(r'[^a-z0-9]+', '_', ref.lower())}.json"
        path.write_text(as_json(found), encoding="utf-8")
        print(f"{ref}: {found.pairs} pairs in {', '.join(found.languages)}; {found.sentence()}")


if __name__ == "__main__":
    main()
