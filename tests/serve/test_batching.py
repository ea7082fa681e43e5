"""Batching: one call at a time on a device, batches of queued requests, and results independent of the batch."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import openai
import pytest
from PIL import Image
from serving import serving

from telephone.core.errors import ModelUnavailable, UsageError, WeightsError
from telephone.core.images import encode_png
from telephone.models import Image2Text, Text2Image, Traits
from telephone.serve import ServedModel, load_served_models


class Counter(Text2Image):
    """Draws a plain square of the seed's colour and notes how it was called."""

    def __init__(self, print_: str, delay: float = 0.0, **traits: object) -> None:
        self.traits_ = replace(Traits(print_, batch_size=8, seeds=True), **traits)
        self.delay, self.calls, self.now, self.most = delay, [], 0, 0
        self.lock = threading.Lock()

    def traits(self) -> Traits:
        return self.traits_

    def generate_images(self, texts, seeds=None):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.calls.append(list(texts))
        time.sleep(self.delay)
        with self.lock:
            self.now -= 1
        return [self.draw(text, seed) for text, seed in zip(texts, seeds, strict=True)]

    def draw(self, text, seed):
        if text == "later":
            return ModelUnavailable("Too warm.", 7)
        if text == "broken":
            raise ValueError("/home/somebody/secret is broken")
        if text == "weights":
            raise WeightsError("/home/somebody/weights are missing")
        return Image.new("RGB", (8, 8), (seed % 256, len(text) % 256, 0))


class Obedient(Image2Text):
    """Says what it was asked."""

    def __init__(self, remote: bool = False) -> None:
        self.traits_ = Traits("obedient", "remote" if remote else "cpu", 8, 4 if remote else 1, seeds=True)

    def traits(self) -> Traits:
        return self.traits_

    def generate_texts(self, images, seeds=None):
        said = self.task_description
        time.sleep(0.02)
        assert said == self.task_description, "nobody may ask otherwise meanwhile"
        return [f"{said} {image.getpixel((0, 0))[0]}" for image in images]


def target(name: str, player) -> ServedModel:
    kind = "text2image" if isinstance(player, Text2Image) else "image2text"
    return ServedModel(name, f"test/{name}", player, kind, player.traits())


def together(call, items) -> list:
    with ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(call, items))


def test_what_waits_becomes_a_batch_and_nothing_changes(connect):
    player = Counter("a", delay=0.1)
    with serving({"p": target("p", player)}) as url:
        client = connect(url)

        def ask(seed: int) -> str:
            return client.images.generate(model="p", prompt="x", extra_body={"seed": seed}).data[0].b64_json

        alone = [ask(seed) for seed in range(3)]
        made = together(ask, range(20))
    assert made[:3] == alone
    assert len(set(made)) == 20
    assert max(len(call) for call in player.calls) > 1
    assert all(len(call) <= 8 for call in player.calls)
    assert player.most == 1


def test_players_of_one_device_take_turns_and_remote_ones_do_not(connect):
    lock, shared = threading.Lock(), {"now": 0, "most": 0}

    class Shared(Counter):
        def generate_images(self, texts, seeds=None):
            with lock:
                shared["now"] += 1
                shared["most"] = max(shared.values())
            made = super().generate_images(texts, seeds)
            with lock:
                shared["now"] -= 1
            return made

    one, two = Shared("one", 0.05), Shared("two", 0.05)
    far = Counter("far", 0.3, device="remote", batch_size=1, concurrency=4)
    served = {"one": target("one", one), "two": target("two", two), "far": target("far", far)}
    with serving(served) as url:
        client = connect(url)
        together(lambda name: client.images.generate(model=name, prompt="x"), ["one", "two"] * 4)
        together(lambda at: client.images.generate(model="far", prompt=f"{at}"), range(8))
    assert shared["most"] == 1
    assert 2 <= far.most <= 4


def test_one_bad_item_does_not_spoil_the_batch_and_each_fault_has_its_status(connect, capfd):
    player = Counter("b", delay=0.1)
    with serving({"p": target("p", player)}) as url:
        client = connect(url)

        def ask(text: str):
            try:
                return client.images.generate(model="p", prompt=text).data
            except openai.APIStatusError as error:
                return error

        later, *fine = together(ask, ["later", "x", "xx", "xxx"])
        assert all(isinstance(made, list) for made in fine)
        assert (later.status_code, later.response.headers["retry-after"], later.code) == (
            503,
            "7",
            "model_unavailable",
        )
        broken, weights = ask("broken"), ask("weights")
        assert (broken.status_code, broken.body["message"]) == (422, "p failed (ValueError).")
        assert (weights.status_code, "log" in weights.body["message"]) == (500, True)
        assert "somebody" not in str(weights) + str(broken), "strangers learn no paths"
        assert isinstance(ask("x"), list)
    assert "/home/somebody/weights" in capfd.readouterr().err


@pytest.mark.parametrize("remote", [False, True])
def test_describers_are_asked_in_the_clients_words(connect, remote):
    import base64

    player = Obedient(remote)
    own = player.task_description
    with serving({"o": target("o", player)}) as url:
        client = connect(url)

        def ask(given) -> str:
            number, task = given
            data = base64.b64encode(encode_png(Image.new("RGB", (8, 8), (number, 0, 0)))).decode()
            part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
            words = [{"type": "text", "text": task}] if task else []
            found = client.chat.completions.create(model="o", messages=[{"role": "user", "content": [*words, part]}])
            return found.choices[0].message.content

        asked = [(at, ["", "What is it?", "Which colour?"][at % 3]) for at in range(12)]
        assert together(ask, asked) == [f"{task or own} {number}" for number, task in asked]
    assert player.task_description == own


def test_vectors_of_many_texts_come_in_order(connect):
    with serving(["fake/embedder"]) as url:
        texts = [f"word{at} and word{at % 7}" for at in range(600)]
        found = connect(url).embeddings.create(model="fake/embedder", input=texts)
    from telephone.models import embedder

    here = embedder("fake/embedder").embed_texts(texts)
    assert np.array_equal(np.asarray([one.embedding for one in found.data], np.float32), here)


def test_who_is_served_has_a_name_of_its_own():
    served = load_served_models(["fake/painter?loss=0.5", "mild=fake/painter?loss=0.1", "fake/captioner"])
    assert list(served) == ["fake/painter", "mild", "fake/captioner"]
    assert served["mild"].ref == "fake/painter?loss=0.1"
    for refs, says in (
        ([], "no model to serve"),
        (["fake/painter", "fake/painter?loss=0.5"], "Two models have the name 'fake/painter'"),
        (["fake/paintre"], "Did you mean fake/painter"),
        ([" =fake/painter"], "before the equals sign"),
        (["openai/x?kind=text2image"], "OPENAI_API_KEY"),
    ):
        with pytest.raises(UsageError, match=says):
            load_served_models(refs)
