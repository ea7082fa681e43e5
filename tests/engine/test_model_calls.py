"""One call: what a rejected key does to a run, and that what has been paid for is kept."""

import io

import pytest
from PIL import Image

from telephone.core.errors import KeyRejected, ModelError, UsageError
from telephone.core.records import Artefact, Outcome, Request
from telephone.engine.model_calls import answer
from telephone.models import Text2Image


def requests(*texts):
    return [
        Request("a/painter", "print", "text2image", (Artefact("text", text.encode()),), 1, key=text) for text in texts
    ]


class Painter(Text2Image):
    """Draws `good` and fails otherwise, by returning or by raising."""

    def __init__(self, raising=False):
        self.raising = raising

    def generate_images(self, texts, seeds=None):
        made = [Image.new("RGB", (4, 4)) if text == "good" else self._fault(text) for text in texts]
        errors = [one for one in made if isinstance(one, ModelError)]
        if self.raising and errors:
            raise errors[0]
        return made

    def _fault(self, text):
        return KeyRejected("api answers 401; check the key.") if text == "key" else ModelError("Broken.")


@pytest.mark.parametrize("raising", [False, True])
def test_a_rejected_key_stops_everything_and_says_so(raising):
    with pytest.raises(UsageError, match="check the key"):
        answer(Painter(raising), requests("key"), None)


def test_what_came_back_beside_a_rejected_key_is_kept():
    good, bad = (reply.call for reply in answer(Painter(), requests("good", "key"), None))
    assert (good.outcome, bad.outcome) == (Outcome.OK, Outcome.FAILED)
    assert Image.open(io.BytesIO(good.result.data)).size == (4, 4)
    assert "check the key" in bad.reason


def test_any_other_failure_ends_one_game_only():
    (reply,) = answer(Painter(), requests("something else"), None)
    assert (reply.call.outcome, reply.call.reason) == (Outcome.FAILED, "Broken.")
