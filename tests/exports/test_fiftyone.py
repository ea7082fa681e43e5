"""The real FiftyOne with a real database; docs/exports.md tells how to make an environment for this."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from exports_runs import PAINTERS, played

from telephone.core.errors import UsageError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the libraries that it is made of
    fo = pytest.importorskip("fiftyone", reason="FiftyOne is not installed here: see docs/exports.md")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

NAME = "telephone-tests"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with played(tmp_path_factory.mktemp("fiftyone") / "battle") as run:
        yield run


@pytest.fixture
def name():
    def drop():
        for each in fo.list_datasets(f"{NAME}*"):
            fo.delete_dataset(each)

    drop()
    yield NAME
    drop()


def test_a_run_becomes_a_persistent_dataset(run, name):
    from telephone.exports import prompt_hash, to_fiftyone

    made = to_fiftyone(run, name)
    dataset, frame = fo.load_dataset(name), run.frame()
    drawn = frame[frame["filepath"].notna()]
    assert dataset.persistent
    assert (made.saved.added, made.saved.renewed, made.left_out) == (len(drawn), 0, len(frame) - len(drawn))
    (embedder,) = run.embedders()
    vectors = run.vectors(embedder)
    for _, row in drawn.iterrows():
        (sample,) = dataset.match(
            (fo.ViewField("conversation_name") == row.conversation_name)
            & (fo.ViewField("step_number") == row.step_number)
        )
        assert (sample.filepath, sample.prompt, sample.level) == (row.filepath, row.prompt, row.level)
        assert (sample.text_before, sample.text_after) == (row.text_before, row.text_after)
        assert sample.prompt_hash == prompt_hash(row.prompt)
        scored = None if np.isnan(row.text_after_dist) else row.text_after_dist
        assert sample.text_after_dist == (scored if scored is None else pytest.approx(scored))
        known = vectors.get(row.text_sha256)
        assert (sample.text_embedding is None) == (known is None)
        if known is not None:
            np.testing.assert_allclose(sample.text_embedding, known, rtol=1e-6)
    assert isinstance(dataset.get_field("text_embedding"), fo.VectorField)
    assert isinstance(dataset.get_field("text_after_dist"), fo.FloatField)


def test_the_saved_views(run, name):
    from telephone.exports import to_fiftyone

    to_fiftyone(run, name)
    dataset = fo.load_dataset(name)
    assert dataset.list_saved_views() == ["conversations", "endings"]
    games = dataset.load_saved_view("conversations")
    seen = set()
    for group in games.iter_dynamic_groups():
        names = set(group.values("conversation_name"))
        assert len(names) == 1 and not names & seen
        steps = group.values("step_number")
        assert steps == list(range(len(steps)))
        seen |= names
    assert seen == set(dataset.distinct("conversation_name"))
    endings = dataset.load_saved_view("endings")
    assert sorted(endings.values("conversation_name")) == sorted(seen)
    known = [value for value in endings.values("text_after_dist") if value is not None]
    assert known == sorted(known, reverse=True)


def test_the_same_run_again_renews_and_leaves_marks_alone(run, name):
    from telephone.exports import to_fiftyone

    first = to_fiftyone(run, name)
    dataset = fo.load_dataset(name)
    sample = dataset.first()
    sample.tags.append("odd")
    sample["mine"] = 3
    sample["text_after"] = "changed"
    sample.save()
    again = to_fiftyone(run, name)
    dataset.reload()
    sample.reload()
    assert (again.saved.added, again.saved.renewed) == (0, first.saved.added)
    assert (sample.tags, sample["mine"]) == (["odd"], 3)
    assert sample["text_after"] != "changed"


def test_a_dataset_of_something_else_is_left_alone(run, name):
    from telephone.exports import to_fiftyone

    fo.Dataset(name).add_sample(fo.Sample(filepath="/somewhere.png"))
    with pytest.raises(UsageError, match="--name"):
        to_fiftyone(run, name)
    assert len(fo.load_dataset(name)) == 1


def test_the_notebook_of_the_experiment(name, tmp_path):
    """Its own steps, with players that cost nothing: declare, play, save, hash, embed, measure."""
    import hashlib

    import telephone

    dataset = fo.Dataset(name=name, persistent=True)
    dataset.add_sample_field("conversation_name", fo.StringField)
    dataset.add_sample_field("step_number", fo.IntField)
    dataset.add_sample_field("text_after", fo.StringField)
    embedder = telephone.embedder("fake/embedder")
    for painter in ("fake/painter", PAINTERS[0]):
        line = telephone.TelephoneLine(telephone.text2image(painter), telephone.image2text("fake/captioner?loss=0.2"))
        for prompt in telephone.get_prompts()[:2]:
            line.play(prompt, nturns=3)
        line.save_conversations_to_dataset(dataset, images_dir=tmp_path / "images")
        line.save_conversations_to_dataset(dataset, images_dir=tmp_path / "images")
        for conversation, talk in line.conversations.items():
            group = dataset.match(fo.ViewField("conversation_name") == conversation).sort_by("step_number")
            assert group.values("text_before") == talk.texts[:-1]
            assert group.values("text_after") == talk.texts[1:]
            assert set(group.values("t2i_model")) == {line.name.split("_")[0]}
    assert len(dataset) == 12

    prompts = {}
    for group in dataset.group_by("prompt").iter_dynamic_groups():
        text = group.first().prompt
        digest = hashlib.md5(text.encode()).hexdigest()[:6]
        assert set(group.values("prompt_hash")) == {digest}
        prompts[digest] = embedder.embed_texts([text])[0]
    distances = {}
    for group in dataset.group_by("conversation_name").iter_dynamic_groups():
        for sample in group.sort_by("step_number").iter_samples(autosave=True):
            sample["text_embedding"] = embedder.embed_texts([sample.text_after])[0]
            sample.text_after_dist = 1 - float(sample["text_embedding"] @ prompts[sample.prompt_hash])
            distances[sample.id] = sample.text_after_dist
    # And the same numbers when the line measures itself.
    line.save_conversations_to_dataset(dataset, images_dir=tmp_path / "images", embedder=embedder)
    for sample in dataset.match(fo.ViewField("t2i_model") == line.name.split("_")[0]):
        assert sample.text_after_dist == pytest.approx(distances[sample.id], abs=1e-6)


def test_a_game_that_starts_with_a_picture(name, tmp_path):
    import telephone
    from telephone.core.images import encode_png

    (prompt, *_) = telephone.get_prompts("pocket-images:easy")
    line = telephone.TelephoneLine(
        telephone.text2image("fake/painter"), telephone.image2text("fake/captioner?loss=0.2")
    )
    talk = line.play(prompt, nturns=2)
    dataset = fo.Dataset(name)
    line.save_conversations_to_dataset(dataset, images_dir=tmp_path)
    rows = dataset.sort_by("step_number")
    assert rows.values("text_before") == [None, talk.texts[0]]
    assert rows.values("text_after") == talk.texts
    written = [Path(path).read_bytes() for path in rows.values("filepath")]
    assert written == [encode_png(image) for image in talk.images[1:]]
