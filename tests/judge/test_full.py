"""A run judged in full: every content embedded once, pictures' facts read, floors, questions, opinions; and resumed."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from judge_runs import played
from numpy.typing import NDArray
from PIL import Image

from telephone.core.errors import UsageError
from telephone.core.records import Prompt
from telephone.judge import collect_opinions, collect_repeat_captions, embedded_kinds, probe_omissions, score
from telephone.judge.repeat_captions import repeated_captions
from telephone.models import Embedder, Traits
from telephone.models.synthetic.fake import WordEmbedder
from telephone.store import Run, ScorerKind, opening

PROMPTS = (
    Prompt("A small red apple and a blue dog, on a beach.", "easy", "apple"),
    Prompt("Three big green houses and a white cat, in a city at night.", "medium", "houses"),
    Prompt("A wise old wizard with a purple hat.", "hard", "wizard"),
)


class Counting(WordEmbedder):
    """Remembers which texts and how many pictures it was given."""

    name = "counting"

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.seen: list[bytes] = []

    def traits(self) -> Traits:
        return Traits("counting-1", seeds=True)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        return super().embed_texts(texts)

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        self.seen += [image.tobytes() for image in images]
        rows = [np.bincount(np.asarray(image)[::4, ::4].ravel(), minlength=256) for image in images]
        return np.array(rows, dtype=np.float32)


class SeeingEmbedder(Embedder):
    """Embeds images only."""

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        return np.array([np.asarray(image).mean(axis=(0, 1)) for image in images], dtype=np.float32)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("full") / "run"
    drawers, describers = (
        ("fake/sketcher?drop=0.1", "fake/painter"),
        ("fake/teller?drop=0.2", "fake/captioner?loss=0.3"),
    )
    played(folder, PROMPTS, drawers, describers, turns=2).close()
    return folder


@pytest.fixture
def run(template: Path, tmp_path: Path) -> Iterator[Run]:
    shutil.copytree(template, tmp_path / "run")
    with Run.open(tmp_path / "run") as opened:
        yield opened


def test_every_content_is_embedded_once(run: Run) -> None:
    embedder, again = Counting(), Counting()
    found = score(run, embedder, full=True)
    frame = run.frame()
    texts = {*frame["text_after"], *frame["prompt"]}
    assert texts <= set(embedder.texts)
    assert len(embedder.texts) == len(set(embedder.texts))
    assert len(embedder.seen) == len(set(embedder.seen)) > frame["image_sha256"].nunique()
    assert [each.judge for each in found] == [
        "distance by counting",
        "pictures by counting",
        "facts of the pocket world",
        "facts of pictures by oracle/reader",
    ]
    assert found[1].cases == frame["image_sha256"].nunique() == found[1].new
    second = score(run, again, full=True)
    assert (again.texts, again.seen) == ([], [])
    assert [each.new for each in second] == [0, 0, 0, 0]


def test_an_interrupted_embedding_goes_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephone.judge.vectors.IMAGE_CHUNK", 3)
    embedder = Counting()

    def interrupt(name: str, done: int, total: int) -> None:
        if name.startswith("pictures") and done >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(run, embedder, full=True, progress=interrupt)
    assert len(embedder.seen) == 3
    rest = Counting()
    score(run, rest, full=True)
    assert not set(embedder.seen) & set(rest.seen)


def test_facts_of_codes_are_those_of_their_texts(run: Run) -> None:
    score(run, None, full=True)
    frame = run.frame()
    exact = frame[
        (frame["t2i_model"].str.endswith("painter")) & (frame["prompt_id"] == "apple") & (frame["step_number"] == 0)
    ]
    assert len(exact) > 0
    assert (exact["image_facts_recall"] == 1.0).all()
    assert frame.loc[frame["prompt_id"] == "wizard", "image_facts_recall"].isna().all()


def test_floors_are_between_tellings_of_one_scene(run: Run) -> None:
    score(run, "fake/embedder", facts=False, full=True)
    (scorer,) = run.scorers(ScorerKind.FLOOR)
    floors = run.scores(scorer)
    assert {each.reference for each in floors} == {
        opening(prompt).sha256 for prompt in run.spec.prompts if prompt.id in ("apple", "houses")
    }
    assert {each.kind for each in floors} == {"text-text", "text-image", "image-text", "image-image"}
    assert all(0 <= float(each.value or 0) < 1.2 for each in floors)
    assert not [column for column in run.frame().columns if "floor" in column]


def test_second_descriptions(run: Run) -> None:
    assert collect_repeat_captions(run, 2) > 0
    assert collect_repeat_captions(run, 2) == 0
    pairs = list(repeated_captions(run))
    assert pairs
    assert all(pair.first != pair.second for pair in pairs)
    score(run, "fake/embedder", facts=False, full=True)
    (scorer,) = run.scorers(ScorerKind.FLOOR)
    assert [each for each in run.scores(scorer) if each.detail["from"].startswith("a second description")]


def test_the_teller_is_asked_and_the_captioner_is_not(run: Run) -> None:
    with pytest.raises(UsageError, match="telephone judge"):
        probe_omissions(run)
    score(run, None, full=True)
    found = probe_omissions(run, most=30)
    assert list(found) == ["fake/teller?drop=0.2"]
    assert found["fake/teller?drop=0.2"] > 0
    assert probe_omissions(run, most=30) == {"fake/teller?drop=0.2": 0}
    (scorer,) = run.scorers(ScorerKind.OMISSION_PROBE)
    lost = [each for each in run.scores(scorer) if each.kind == "lost"]
    assert lost
    # It answers what the picture holds, so all that it left out was seen.
    assert all(each.value == 1.0 for each in lost if each.detail["answer"] != "I cannot tell.")


def test_opinions_about_other_worlds(run: Run) -> None:
    assert collect_opinions(run, "fake/teller?drop=0.2") > 0
    assert collect_opinions(run, "fake/teller?drop=0.2") == 0
    frame = run.frame()
    assert frame.loc[frame["prompt_id"] == "apple", "image_opinion_recall"].isna().all()
    (scorer,) = run.scorers(ScorerKind.OPINION)
    details = [each.detail for each in run.scores(scorer)]
    assert all(len(detail["states"]) == len(detail["questions"]) == len(detail["facts"]) for detail in details)
    with pytest.raises(UsageError, match="answers no questions"):
        collect_opinions(run, "fake/captioner")


def test_takes() -> None:
    assert embedded_kinds(WordEmbedder()) == ("text", "image")
    assert embedded_kinds(SeeingEmbedder()) == ("image",)


def test_an_embedder_of_pictures_alone(run: Run) -> None:
    (found,) = score(run, SeeingEmbedder(), facts=False, full=True)
    assert found.judge == "pictures by seeing-embedder"
    assert found.unscored == 0
    with pytest.raises(UsageError, match="embeds no texts"):
        score(run, SeeingEmbedder(), facts=False)
