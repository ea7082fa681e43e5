"""What the operations of the lineage work with: model calls that are made once, vectors, readings and test scenes.

Every call goes through the engine into a run folder without games. A call that is there is never made again, in this
process or in a later one, and a process that was killed continues where it stopped.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone import models, world
from telephone.battle import model_spec, versions
from telephone.core.errors import ModelError, UnknownModel, UsageError
from telephone.core.images import content_hash, decode, encode_png
from telephone.core.records import RESULT_KIND, Artefact, Call, Level, Outcome, Request, Task, request_key
from telephone.core.seeds import derive
from telephone.engine import (
    USUAL,
    CallFinished,
    EngineEvent,
    EngineResult,
    JobList,
    Limits,
    MemoryCallStore,
    RequestJob,
    execute,
)
from telephone.judge.vectors import Vectors, text_hash
from telephone.models import Embedder, Model, Traits
from telephone.models.editing import check_strength
from telephone.store import Run, RunSpec
from telephone.world import Scene

READER = "oracle/reader"
"""The model by which pictures are read."""
SIZE = 64
"""Side of the true pictures, in pixels."""

LoadKind = Literal["text2image", "image2text", "image_editor", "embedder"]
LoadModel = Callable[[str, LoadKind], Model]
"""Returns the model of an address that serves as a kind."""
Report = Callable[[int, int, str], None]
"""Receives how many items are done, how many there are, and what they are."""

FloatRows = NDArray[np.float32]


def load_by_kind(ref: str, kind: LoadKind) -> Model:
    """Returns the model of the registry at an address.

    Raises:
        UsageError: there is none, or it is of another kind.
    """
    load: dict[LoadKind, Callable[[str], Model]] = {
        "text2image": models.text2image,
        "image2text": models.image2text,
        "image_editor": models.image_editor,
        "embedder": models.embedder,
    }
    return load[kind](ref)


def ignore(done: int, total: int, what: str) -> None:
    """Reports nothing."""


class LineageContext:
    """Calls of models by address, stored; use it as a context manager, or call `close`."""

    def __init__(
        self,
        folder: str | Path | None = None,
        progress: Report = ignore,
        load: LoadModel = load_by_kind,
        budget: float | None = None,
        limits: Limits = USUAL,
    ) -> None:
        """Opens the run in a folder, or creates it.

        Args:
            folder: of a run without games; None keeps everything in memory and forgets it with the process.
            progress: receives how far the current work is.
            load: returns the model of an address and kind.
            budget: US dollars that all calls of all sessions may cost; None is no limit.
            limits: sizes and times of the engine.

        Raises:
            UsageError: the folder holds a battle, or files that are no run.
            StoreError: the folder cannot be read or written.
        """
        self._run = None if folder is None else _open(Path(folder))
        self._memory = MemoryCallStore()
        self._report = progress
        self._load = load
        self._budget = budget
        self._limits = limits
        self._vectors: dict[str, Vectors] = {}
        self._models: dict[tuple[str, LoadKind], tuple[Model, Traits]] = {}

    @property
    def folder(self) -> Path | None:
        """The folder of the run; None if nothing is stored."""
        return None if self._run is None else self._run.folder

    def close(self) -> None:
        """Closes the run."""
        if self._run is not None:
            self._run.close()

    def __enter__(self) -> "LineageContext":
        """Returns the context."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closes the run."""
        self.close()

    def progress(self, done: int, total: int, what: str) -> None:
        """Reports how far work is that is no model call.

        Args:
            done: items that are done.
            total: how many there are.
            what: the items, such as `pictures inverted`.
        """
        self._report(done, total, what)

    # Calls of models

    def draw(self, ref: str, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """Returns one RGB picture a text, drawn by a text-to-image model.

        Args:
            ref: address of the model with its options, such as `pocket/dalle-2?eta=0.5`.
            texts: the prompts.
            seeds: one a text, in [0, 2**32).

        Raises:
            UsageError: there is no such model, or there are not as many seeds as texts, or one is out of range.
            WeightsError: the weights of the model are not installed.
            ModelError: the model failed on a text or refused it.
            KeyboardInterrupt: a stop was requested; finished calls are stored.
        """
        return [_image(call) for call in self.draw_calls(ref, texts, seeds)]

    def draw_calls(self, ref: str, texts: Sequence[str], seeds: Sequence[int]) -> list[Call]:
        """Returns the calls of `draw`, each with its result, its seconds and its cost; raises as `draw` does."""
        return self._call(ref, "text2image", [(Artefact("text", text.encode()),) for text in texts], seeds)

    def describe(self, ref: str, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[str]:
        """Returns one text a picture, by an image-to-text model.

        Args:
            ref: address of the model with its options.
            images: of any size and mode.
            seeds: one a picture; None gives each the seed 0.

        Raises:
            UsageError: there is no such model, or there are not as many seeds as pictures.
            WeightsError: the weights of the model are not installed.
            ModelError: the model failed on a picture or refused it.
            KeyboardInterrupt: a stop was requested; finished calls are stored.
        """
        chosen = [0] * len(images) if seeds is None else seeds
        parents = [(Artefact("image", encode_png(image)),) for image in images]
        return [_result(call).text for call in self._call(ref, "image2text", parents, chosen)]

    def edit(
        self,
        ref: str,
        images: Sequence[Image.Image],
        texts: Sequence[str],
        seeds: Sequence[int],
        masks: Sequence[Image.Image] | None = None,
        strength: float | None = None,
        references: Sequence[Image.Image] | None = None,
    ) -> list[Image.Image]:
        """Returns one RGB picture a picture, changed by an image editor.

        Args:
            ref: address of the editor with its options, such as `pocket/dalle-2?operation=variation&eta=0.5`.
            images: of any size and mode.
            texts: one a picture; empty where the editor takes none.
            seeds: one a picture, in [0, 2**32).
            masks: one a picture, of its size: white where it is drawn again.
            strength: how much may change, above 0 to 1.
            references: one a picture: the other end of an interpolation.

        Raises:
            UsageError: there is no such editor, it does not take these inputs, or their numbers differ.
            WeightsError: the weights of the model are not installed.
            ModelError: the model failed on a picture or refused it.
            KeyboardInterrupt: a stop was requested; finished calls are stored.
        """
        columns: dict[str, list[Artefact]] = {
            "image": [Artefact("image", encode_png(image)) for image in images],
            "text": [Artefact("text", text.encode()) for text in texts],
        }
        columns |= {
            name: [Artefact("image", encode_png(image)) for image in given]
            for name, given in (("mask", masks), ("reference", references))
            if given is not None
        }
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{count} {name}s" for name, count in lengths.items())
            raise UsageError(f"An edit needs one of each input for every picture, not {said}.")
        options = {"inputs": ",".join(columns)}
        if check_strength(strength) is not None:
            options["strength"] = f"{strength:g}"
        parents = list(zip(*columns.values(), strict=True))
        return [_image(call) for call in self._call(ref, "edit", parents, seeds, options)]

    def read(self, images: Sequence[Image.Image]) -> list[Scene]:
        """Returns the scene that `oracle/reader` sees in each picture; every thing has its place.

        Args:
            images: of any size and mode.

        Raises:
            WeightsError: the weights of the reader are not installed.
            KeyboardInterrupt: a stop was requested; finished calls are stored.
        """
        # Its plain wording states every fact, and the parser reads it back exactly: a reading is stored as its text.
        return [world.parse(text) for text in self.describe(READER, images)]

    def traits(self, ref: str, kind: LoadKind) -> Traits:
        """Returns the traits of a model; raises `UsageError` if there is none of this kind."""
        return self._model(ref, kind)[1]

    def lacks(self, ref: str, kind: LoadKind) -> str:
        """Returns what a model needs before its first call, in one sentence; empty if it is complete.

        An address that does not exist lacks the model itself.
        """
        try:
            return self._load(ref, kind).lacks()
        except UnknownModel:
            return f"There is no {ref} in this installation."
        except UsageError as error:
            return str(error)

    def _call(
        self,
        ref: str,
        task: Task,
        parents: Sequence[tuple[Artefact, ...]],
        seeds: Sequence[int],
        options: Mapping[str, str] | None = None,
    ) -> list[Call]:
        """Returns the calls of one model for all inputs, made now or before."""
        if len(parents) != len(seeds):
            raise UsageError(f"{len(parents)} inputs of {ref} have {len(seeds)} seeds: give one seed an input.")
        strange = [seed for seed in seeds if not 0 <= seed < 2**32]
        if strange:
            raise UsageError(f"{strange[0]} is no seed: give whole numbers from 0 to 2**32 - 1.")
        if not parents:
            return []
        kind = _KIND[task]
        model, traits = self._model(ref, kind)
        pairs = zip(parents, map(int, seeds), strict=True)
        requests = [_request(ref, task, traits, inputs, seed, options or {}) for inputs, seed in pairs]
        jobs = [RequestJob(request) for request in requests]
        self._carry_out(jobs, model, kind)
        return [_finished(job, ref) for job in jobs]

    def _carry_out(self, jobs: Sequence[RequestJob], model: Model, kind: LoadKind) -> None:
        ref = jobs[0].request.model
        program = JobList(jobs, {ref: model.traits().price})
        done = 0

        def on_event(event: EngineEvent) -> None:
            nonlocal done
            if isinstance(event, CallFinished):
                done += 1
                self._report(done, len(jobs), f"calls of {ref}")

        with self._writing(ref, kind, model) as store:
            made = execute(program, store, lambda _: model, progress=on_event, limits=self._limits, budget=self._budget)
        _check_complete(made)

    @contextlib.contextmanager
    def _writing(self, ref: str, kind: LoadKind, model: Model) -> Iterator[Run | MemoryCallStore]:
        if self._run is None:
            yield self._memory
            return
        if kind != "embedder":
            self._run.add_models([model_spec(ref, kind, model)])
        with self._run.playing():
            yield self._run

    def _model(self, ref: str, kind: LoadKind) -> tuple[Model, Traits]:
        if (ref, kind) not in self._models:
            model = self._load(ref, kind)
            self._models[ref, kind] = (model, model.traits())
        return self._models[ref, kind]

    # Vectors

    def embed_texts(self, ref: str, texts: Sequence[str]) -> FloatRows:
        """Returns float32 [n, d] of unit length, one row a text; zeros for a text that the embedder cannot read.

        Args:
            ref: address of an embedder of texts, such as `pocket/clip`.
            texts: any texts.

        Raises:
            UsageError: there is no such embedder, or it embeds no texts.
            WeightsError: its weights are not installed.
        """
        vectors = self._vectors_of(ref)
        vectors.add_texts(texts, lambda done, total: self._report(done, total, f"texts embedded by {ref}"))
        return _rows(vectors, [text_hash(text) for text in texts])

    def embed_images(self, ref: str, images: Sequence[Image.Image]) -> FloatRows:
        """Returns float32 [n, d] of unit length, one row a picture; raises as `embed_texts` does.

        Args:
            ref: address of an embedder of pictures, such as `pocket/clip`.
            images: of any size and mode.
        """
        vectors = self._vectors_of(ref)
        encoded = [encode_png(image) for image in images]
        hashes = [content_hash(data) for data in encoded]
        named = dict(zip(hashes, encoded, strict=True))
        vectors.add_images(named, lambda done, total: self._report(done, total, f"pictures embedded by {ref}"))
        return _rows(vectors, hashes)

    def _vectors_of(self, ref: str) -> Vectors:
        if ref not in self._vectors:
            model, _ = self._model(ref, "embedder")
            assert isinstance(model, Embedder)
            self._vectors[ref] = Vectors(model, self._run)
        return self._vectors[ref]

    # Scenes

    def scenes(self, level: Level, n: int, key: str = "") -> list[Scene]:
        """Returns held-out scenes: each has a pair of kind and colour that no training scene has.

        They are the same for every model, and `scenes(level, 5)` are the first five of `scenes(level, 10)`.

        Args:
            level: easy, medium, hard or impossible.
            n: how many, 1 or more.
            key: another key gives other scenes.

        Raises:
            UsageError: there is no such level, or n is below 1.
        """
        if n < 1:
            raise UsageError(f"n is {n}: ask for at least one scene.")
        return [world.sample(level, derive("lineage", key, level, index), split="test") for index in range(n)]

    def captions(self, scenes: Sequence[Scene]) -> list[str]:
        """Returns the caption of each scene in the plain wording, in which the drawers' figures are measured."""
        return [world.caption(scene, "en", "plain") for scene in scenes]

    def pictures(self, scenes: Sequence[Scene]) -> list[Image.Image]:
        """Returns the true picture of each scene, 64 x 64 pixels; a scene has the same picture every time."""
        return [
            world.render(scene, size=SIZE, seed=derive("lineage picture", world.caption(scene))) for scene in scenes
        ]


_KIND: dict[Task, LoadKind] = {"text2image": "text2image", "image2text": "image2text", "edit": "image_editor"}


def _open(folder: Path) -> Run:
    if not Run.exists(folder):
        return Run.create(folder, RunSpec((), (), (), versions=versions()), [])
    run = Run.open(folder)
    if run.spec.lines:
        run.close()
        raise UsageError(f"{folder} holds a battle: choose another folder for the lineage.")
    return run


def _request(
    ref: str, task: Task, traits: Traits, parents: tuple[Artefact, ...], seed: int, options: Mapping[str, str]
) -> Request:
    """Returns a request; a model whose results do not depend on the seed is asked once about each input."""
    hashes = [parent.sha256 for parent in parents]
    given = None if traits.deterministic or not traits.seeds else seed
    draw = None if traits.deterministic or traits.seeds else seed
    key = request_key(RESULT_KIND[task], traits.fingerprint, hashes, seed=given, draw=draw, options=options)
    return Request(ref, traits.fingerprint, task, parents, seed, key, options)


def _check_complete(made: EngineResult) -> None:
    if made.interrupted:
        raise KeyboardInterrupt
    if made.halts:
        raise ModelError(made.halts[0].message)


def _finished(job: RequestJob, ref: str) -> Call:
    if job.call is None:
        raise ModelError(f"{ref} gave no answer: call it again.")
    if job.call.outcome is not Outcome.OK:
        raise ModelError(f"{ref} {'refused' if job.call.outcome is Outcome.REFUSED else 'failed'}: {job.call.reason}")
    return job.call


def _result(call: Call) -> Artefact:
    assert call.result is not None
    return call.result


def _image(call: Call) -> Image.Image:
    return decode(_result(call).data)


def _rows(vectors: Vectors, hashes: Sequence[str]) -> FloatRows:
    found = [vectors.known.get(sha) for sha in hashes]
    width = next((len(row) for row in vectors.known.values()), 0)
    rows = [np.zeros(width, np.float32) if row is None else np.asarray(row, np.float32) for row in found]
    return np.stack(rows) if rows else np.zeros((0, width), np.float32)
