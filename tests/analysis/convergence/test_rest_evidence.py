from dataclasses import replace

from telephone.analysis.convergence.rest_evidence import rest_evidence
from telephone.store import ModelSpec, RunSpec

SPEC = RunSpec(
    (
        ModelSpec("a/seeded", "text2image", "seeded", "1"),
        ModelSpec("a/unseeded", "text2image", "unseeded", "2", seeds=False),
        ModelSpec("a/exact", "image2text", "exact", "3", seeds=False, deterministic=True),
        ModelSpec("a/control", "image2text", "control", "4", seeds=False),
    ),
    (("a/seeded", "a/exact"), ("a/unseeded", "a/exact"), ("a/seeded", "a/control")),
    (),
    controls=(("a/seeded", "a/control", "fixed"),),
)


def test_rest_is_evidence_with_fresh_noise_and_by_construction_with_fixed_noise() -> None:
    fresh, fixed = rest_evidence(SPEC), rest_evidence(replace(SPEC, noise="fixed"))
    assert (fresh.by_construction, fixed.by_construction) == (False, True)
    assert "only where its texts stay equivalent" in fresh.words
    assert "by construction" in fixed.words and "--noise fresh" in fixed.words


def test_models_without_seeds_are_named() -> None:
    fresh = rest_evidence(SPEC)
    assert fresh.unseeded == ("unseeded",)
    assert "unseeded takes no seed, so its answers vary by themselves" in fresh.words
    assert "first answer about an input stands" in rest_evidence(replace(SPEC, noise="fixed")).words
    seeded = rest_evidence(replace(SPEC, lines=SPEC.lines[:1], controls=()))
    assert seeded.unseeded == () and "seed," not in seeded.words
