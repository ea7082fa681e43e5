"""Draws a list of captions with a model that logs its calls; a process of its own, so that tests can kill it.

python draw_captions.py FOLDER LOG --captions 40 --price 0.01 --seconds 0.02 --budget 0.5
"""

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

from telephone.core.records import Artefact, Request, request_key
from telephone.engine import EngineResult, Limits, execute, request_list
from telephone.models import ModelOutput, Text2Image, Traits, barcode
from telephone.store import ModelSpec, Run, RunSpec

REF, FINGERPRINT = "own/drawer", "drawer 1"


class LoggingDrawer(Text2Image):
    """Draws bar codes; writes a line when a call begins and another one when it has its result."""

    def __init__(self, log: Path, price: float | None, seconds: float, in_flight: int = 8):
        self.log, self.price, self.seconds = log, price, seconds
        self.limits = Traits(FINGERPRINT, "remote", 1, in_flight, seeds=True, price=price, service="drawers")

    def generate_image(self, text):
        self._note(f"begin {text}")
        time.sleep(self.seconds)
        self._note(f"end {text}")
        return ModelOutput(barcode.draw(text.encode()), self.price)

    def traits(self):
        return self.limits

    def _note(self, line: str) -> None:
        handle = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, f"{line}\n".encode())
        os.close(handle)


def caption(text: str) -> Request:
    parent = Artefact("text", text.encode())
    key = request_key("image", FINGERPRINT, [parent.sha256], seed=7)
    return Request(REF, FINGERPRINT, "text2image", (parent,), 7, key)


def captions(number: int) -> list[Request]:
    return [caption(f"caption {n}") for n in range(number)]


def create(folder: Path, price: float | None) -> Run:
    """Returns a run without games."""
    model = ModelSpec(REF, "text2image", "drawer", FINGERPRINT, device="remote", price=price)
    return Run.create(folder, RunSpec((model,), (), ()), [])


def draw(run: Run, drawer: LoggingDrawer, number: int, budget: float | None = None, **limits: float) -> EngineResult:
    """Draws what has not been drawn."""
    with run.playing():
        program = request_list(captions(number), {REF: drawer.price})
        return execute(program, run, lambda ref: drawer, budget=budget, limits=replace(Limits(), **limits))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("--captions", type=int, default=40)
    parser.add_argument("--price", type=float)
    parser.add_argument("--seconds", type=float, default=0.02)
    parser.add_argument("--budget", type=float)
    parser.add_argument("--in-flight", type=int, default=8)
    given = parser.parse_args()
    print("ready", flush=True)
    drawer = LoggingDrawer(given.log, given.price, given.seconds, given.in_flight)
    with create(given.folder, given.price) as run:
        made = draw(run, drawer, given.captions, given.budget)
    print(f"interrupted {made.interrupted} known {made.bill.known:.2f} unknown {made.bill.unknown}", flush=True)


if __name__ == "__main__":
    main()
