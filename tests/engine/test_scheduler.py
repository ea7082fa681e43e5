"""The engine with requesters that are no games: lists of captions to draw, and chains of calls."""

import threading
from collections import Counter

import pytest
from PIL import Image

from telephone.core.errors import ModelError, ModelUnavailable, UsageError
from telephone.core.records import Artefact, Outcome, Request, request_key
from telephone.engine import (
    CallFinished,
    JobEnded,
    JobList,
    Limits,
    MemoryCallStore,
    Retry,
    execute,
    request_list,
)
from telephone.models import ModelOutput, Text2Image, Traits, barcode

FAST = Limits(retry=Retry(base=0.001, cap=0.002), pause=0.002)


class CaptionDrawer(Text2Image):
    """Draws captions as bar codes and counts what it draws."""

    def __init__(self, price: float | None = 0.0, batch: int = 4, lost: int = 0):
        self.name, self.price, self.batch, self.lost = "drawer", price, batch, lost
        self.drawn: Counter[str] = Counter()
        self.calls = 0

    def generate_images(self, texts):
        self.calls += 1
        self.drawn.update(texts)
        if self.calls <= self.lost:
            raise ModelUnavailable("The connection was lost.")
        return [ModelOutput(barcode.draw(text.encode()), self.price or None) for text in texts]

    def traits(self):
        device = "cpu" if self.price == 0 else "remote"
        return Traits("drawer 1", device, self.batch, seeds=True, price=self.price)


def caption(text: str, seed: int = 7) -> Request:
    parent = Artefact("text", text.encode())
    key = request_key("image", "drawer 1", [parent.sha256], seed=seed)
    return Request("own/drawer", "drawer 1", "text2image", (parent,), seed, key)


def captions(number: int) -> list[Request]:
    return [caption(f"A lamp, a violin and a table of the number {n}") for n in range(number)]


class SpyStore(MemoryCallStore):
    """Keeps the order of what is written."""

    def __init__(self):
        super().__init__()
        self.log: list[tuple[str, int]] = []
        self.reserved: Counter[str] = Counter()

    def reserve(self, requests):
        self.log.append(("reserve", len(requests)))
        self.reserved.update(request.key for request in requests)

    def record(self, calls, links):
        super().record(calls, links)
        self.log.append(("record", len(calls)))
        for call in calls:
            self.reserved.pop(call.request.key, None)

    def write_off(self, rows):
        super().write_off(rows)
        for row in rows:
            self.reserved.pop(row.key, None)


def test_a_list_of_captions_is_drawn_in_batches_and_equal_ones_once():
    drawer, store, events = CaptionDrawer(), MemoryCallStore(), []
    program = request_list([*captions(10), *captions(4)])
    made = execute(program, store, lambda ref: drawer, progress=events.append)
    assert (made.results, made.calls, made.reused, made.interrupted, made.cost) == (14, 10, 4, False, 0.0)
    assert drawer.calls == 3
    assert {*drawer.drawn.values()} == {1}
    assert all(job.call.result.sha256 == job.call.result.sha256 for job in program.items)
    assert [job.call.request.key for job in program.items] == [request.key for request in [*captions(10), *captions(4)]]
    assert sum(isinstance(event, CallFinished) for event in events) == 14
    assert sum(isinstance(event, JobEnded) for event in events) == 14


def test_what_was_drawn_before_a_stop_is_not_drawn_again():
    drawer, store, stop = CaptionDrawer(batch=2), MemoryCallStore(), threading.Event()
    first = execute(
        request_list(captions(20)), store, lambda ref: drawer, stop=stop, limits=Limits(side_by_side=4),
        progress=lambda event: stop.set() if len(store.calls) >= 6 else None,
    )  # fmt: skip
    assert first.interrupted
    assert 6 <= len(store.calls) < 20
    rest = execute(request_list(captions(20)), store, lambda ref: drawer)
    assert (rest.interrupted, rest.results, rest.calls) == (False, 20, 20 - first.calls)
    assert {*drawer.drawn.values()} == {1}


def test_a_chain_takes_the_result_of_each_call_into_its_next_request():
    class Chain:
        """Draws a caption with one seed after the other until three images differ."""

        def __init__(self):
            self.made = []

        def next_request(self):
            return None if len(self.made) == 3 else caption("A lamp", seed=len(self.made))

        def accept(self, call, shared):
            self.made.append(call.result)
            return ("row", call.request.seed)

    drawer, store = CaptionDrawer(), MemoryCallStore()
    chains = [Chain(), Chain()]
    made = execute(JobList(chains), store, lambda ref: drawer)
    assert (made.calls, made.reused) == (3, 3)
    assert store.links == [("row", seed) for seed in (0, 0, 1, 1, 2, 2)]


@pytest.mark.parametrize(("price", "reserves"), [(0.0, False), (0.04, True), (None, True)])
def test_calls_that_may_cost_money_are_reserved_before_they_are_sent(price, reserves):
    drawer, store = CaptionDrawer(price), SpyStore()
    made = execute(request_list(captions(6)), store, lambda ref: drawer)
    assert made.calls == 6
    assert [name for name, _ in store.log][:1] == (["reserve"] if reserves else ["record"])
    assert sum(number for name, number in store.log if name == "reserve") == (6 if reserves else 0)
    assert not store.reserved


def test_the_price_of_a_try_without_an_answer_counts_against_the_budget():
    """A provider that bills and drops the first calls: half of the money goes to calls without a result."""
    drawer, store = CaptionDrawer(0.25, batch=1, lost=4), SpyStore()
    prices = {"own/drawer": 0.25}
    made = execute(request_list(captions(40), prices), store, lambda ref: drawer, limits=FAST, budget=2.0)
    assert drawer.calls == 8  # 2.00 / 0.25
    assert (made.bill.known, made.bill.unknown) == (1.0, 4)
    assert made.halts[0].why == "budget"
    assert not store.reserved
    again = execute(request_list(captions(40), prices), store, lambda ref: drawer, limits=FAST, budget=2.0)
    assert (drawer.calls, again.calls) == (8, 0)


def test_tries_of_unknown_cost_are_not_forgotten_when_one_succeeds():
    drawer, store = CaptionDrawer(0.25, batch=1, lost=2), SpyStore()
    made = execute(request_list(captions(3)), store, lambda ref: drawer, limits=FAST)
    assert (made.bill.known, made.bill.unknown) == (0.75, 2)
    assert sum(call.attempts for call in store.calls) == drawer.calls == 5
    assert sum(call.unpriced for call in store.calls) == 2


def test_a_model_that_is_not_the_one_requested_is_refused():
    class Other(CaptionDrawer):
        def traits(self):
            return Traits("drawer 2")

    with pytest.raises(UsageError, match="is not the model with which the run began"):
        execute(request_list(captions(1)), MemoryCallStore(), lambda ref: Other())


def test_a_failure_is_a_call_or_an_exception():
    class Broken(CaptionDrawer):
        def generate_images(self, texts):
            raise ModelError("No paint.")

    store = MemoryCallStore()
    program = request_list(captions(1))
    execute(program, store, lambda ref: Broken())
    assert (program.items[0].call.outcome, program.items[0].call.reason) == (Outcome.FAILED, "No paint.")
    with pytest.raises(ModelError, match="No paint"):
        execute(request_list(captions(1)), store, lambda ref: Broken(), limits=Limits(raise_failures=True))


def test_options_of_a_single_call_are_refused_by_models_that_take_none():
    from dataclasses import replace

    request = replace(caption("A lamp"), options={"strength": "0.5"})
    with pytest.raises(UsageError, match="takes no options for a single call"):
        execute(request_list([request]), MemoryCallStore(), lambda ref: CaptionDrawer())


def test_an_image_is_hashed_encoded_and_converted_once(monkeypatch):
    """Two describers take each image that a drawer makes; neither decodes it."""
    from telephone import engine, models
    from telephone.core import images, records
    from telephone.models import results

    counts: Counter[str] = Counter()

    def count(module, name):
        function = getattr(module, name)

        def counted(*args, **more):
            counts[name] += 1
            return function(*args, **more)

        monkeypatch.setattr(module, name, counted)

    count(records, "content_hash")
    count(results, "to_rgb")
    count(images, "to_rgb")
    count(engine.model_calls, "decode")
    count(engine.model_calls, "encode_rgb")

    class DrawAndDescribe:
        def __init__(self, text, describer):
            self.last, self.describer, self.step = Artefact("text", text.encode()), describer, 0

        def next_request(self):
            ref, kind, task = (
                ("fake/painter?loss=0.1", "image", "text2image"),
                (self.describer, "text", "image2text"),
            )[self.step % 2]
            fingerprint = models.load_model(ref).traits().fingerprint
            key = request_key(kind, fingerprint, [self.last.sha256], seed=1)
            return None if self.step == 6 else Request(ref, fingerprint, task, (self.last,), 1, key)

        def accept(self, call, shared):
            self.last, self.step = call.result, self.step + 1

    store = MemoryCallStore()
    jobs = [
        DrawAndDescribe(f"An apple, a pear and a plum of the number {n}.", f"fake/captioner?loss={loss}")
        for n in range(3)
        for loss in (0.1, 0.2)
    ]
    execute(JobList(jobs), store)
    made = [call.result for call in store.calls]
    pictures = sum(artefact.kind == "image" for artefact in made)
    assert pictures >= 6
    assert counts == {"content_hash": len(made) + len(jobs), "to_rgb": pictures, "encode_rgb": pictures}


def test_an_image_that_a_model_changes_is_not_changed_for_others():
    from telephone.core.images import encode_png
    from telephone.engine.model_calls import DecodedImages

    images = DecodedImages(most=3 * 4 * 4)
    artefact = Artefact("image", encode_png(Image.new("RGB", (4, 4), "red")))
    images.get(artefact).putpixel((0, 0), (0, 0, 255))
    assert images.get(artefact).getpixel((0, 0)) == (255, 0, 0)
    other = Artefact("image", encode_png(Image.new("RGB", (4, 4), "green")))
    assert images.get(other).getpixel((0, 0)) == (0, 128, 0)
    assert images.get(artefact).getpixel((0, 0)) == (255, 0, 0)
