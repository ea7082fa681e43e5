"""Writes `index.json` for the weight files of this distribution: `python weights/build_index.py`."""

from pathlib import Path

from telephone.models.pocket.weights import add_to_index

for path in sorted((Path(__file__).parent / "src" / "telephone_pocket").glob("*.safetensors")):
    add_to_index(path)
