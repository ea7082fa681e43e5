"""Models whose service fails on request and counts what it was paid for; small battles of them."""

import threading
from collections import Counter
from pathlib import Path

from telephone.battle import Limits, Retry, Roster, begin, grid, plan
from telephone.core.errors import ModelUnavailable
from telephone.core.records import Prompt
from telephone.core.seeds import derive, digest
from telephone.models import Image2Text, ModelOutput, Text2Image, Traits, barcode

FAST = Retry(base=0.002, cap=0.01)
QUICK = Limits(retry=FAST, pause=0.01)


class Shop:
    """A service in this process: counts what it answers, and answers badly when it is told to."""

    def __init__(self, rate: float = 0.0) -> None:
        self.rate, self.calls, self.paid, self.down = rate, 0, Counter(), False
        self.now = self.most = 0
        self.lock = threading.Lock()

    def serve(self, what: str) -> None:
        """Counts a call; raises what goes wrong with it."""
        with self.lock:
            self.calls += 1
            number = self.calls
        if self.down:
            raise ModelUnavailable("The shop is closed.")
        if derive("fault", number) / 2**32 < self.rate:
            raise ModelUnavailable("The shop is busy.", retry_after=0.001 if number % 2 else None)
        with self.lock:
            self.paid[what] += 1


class Painter(Text2Image):
    """Writes the text into a picture."""

    def __init__(self, shop: Shop, name: str = "painter", cost: float | None = 0.5, price: float | None = 0.5):
        self.shop, self.name, self.cost, self.price = shop, name, cost, price
        self.lane = Traits(digest(name), "remote", 1, 8, seeds=True, price=price, service=f"{name}'s shop")

    def generate_image(self, text):
        self.shop.serve(f"{self.name} {text}")
        return ModelOutput(barcode.draw(text.encode()), self.cost, raw=f"bought {len(text)}")

    def traits(self):
        return self.lane


class Reader(Image2Text):
    """Reads the text back and changes its last word, so that no two turns are alike."""

    def __init__(self, shop: Shop | None = None, name: str = "reader"):
        self.shop, self.name = shop or Shop(), name

    def generate_text(self, image):
        text = (barcode.read(image) or b"").decode()
        self.shop.serve(f"{self.name} {text}")
        return ModelOutput(f"{text.rpartition(' ')[0]} {digest(self.name, text)[:8]}", 0.25)

    def traits(self):
        return Traits(digest(self.name), "remote", 1, 8, seeds=True, price=0.25, service=f"{self.name}'s shop")


def prompts(number: int) -> list[Prompt]:
    return [Prompt(f"A lamp, a violin and a table of the number {n}") for n in range(number)]


def start(folder: Path, drawers, describers, number=2, turns=2):
    roster = Roster()
    lines = grid([roster.add(one) for one in drawers], [roster.add(one) for one in describers])
    return begin(folder, plan(lines, prompts(number), turns=turns, models=roster)), roster


def hops(run):
    return [hop for game in run.games() for hop in run.hops(game.key)]
