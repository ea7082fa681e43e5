"""Losses of hops, checked by hand."""

import numpy as np
import pytest
from analysis_frames import frame

from telephone.analysis.facts.hop_losses import hop_losses


def test_hop_losses_by_hand() -> None:
    # Of ten facts the first picture has nine and its description eight; then nine come back, and six are left.
    table = frame(lambda *_: 0.0, {"p": "easy", "q": "easy"}, t2i=["d"], i2t=["w"])
    table["image_facts_recall"] = np.where(table["step_number"] == 0, 0.9, 0.9)
    table["facts_recall"] = np.where(table["step_number"] == 0, 0.8, 0.6)
    found = hop_losses(table).set_index(["kind", "step_number"])["loss"]
    assert found["image", 0] == pytest.approx(0.1)
    assert found["text", 0] == pytest.approx(0.1)
    assert found["image", 1] == pytest.approx(-0.1)
    assert found["text", 1] == pytest.approx(0.3)
    assert found["image", -1] == pytest.approx(0.0)
    assert found["text", -1] == pytest.approx(0.2)
    distances = table.assign(x_dist=1 - table["facts_recall"], y_dist=1 - table["image_facts_recall"] + 0.25)
    same = hop_losses(distances, "x_dist", "y_dist", offset=0.25).set_index(["kind", "step_number"])["loss"]
    assert same.to_numpy() == pytest.approx(found.to_numpy())
    assert len(hop_losses(table, image="nothing")) == 0
