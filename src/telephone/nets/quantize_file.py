"""Maintenance: `python -m telephone.nets.quantize_file IN OUT` writes a weight file in 8 bits (or `--bits 16`)."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from safetensors import safe_open

from telephone.nets.checkpoint import read_tensors, write_tensors


def convert(source: Path, target: Path, bits: int = 8) -> None:
    """Writes the weights and the metadata of one file to another, in 8 or 16 bits; both paths may be the same."""
    with safe_open(source, "pt") as file:
        metadata = {name: text for name, text in (file.metadata() or {}).items() if name != "bits"}
    write_tensors(target, read_tensors(source), metadata, bits)


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, converts one file and prints both sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, metavar="IN")
    parser.add_argument("target", type=Path, metavar="OUT")
    parser.add_argument("--bits", type=int, choices=(8, 16), default=8)
    chosen = parser.parse_args(arguments)
    before = chosen.source.stat().st_size
    convert(chosen.source, chosen.target, chosen.bits)
    print(f"{chosen.target}: {before / 2**20:.2f} MiB -> {chosen.target.stat().st_size / 2**20:.2f} MiB")


if __name__ == "__main__":
    main()
