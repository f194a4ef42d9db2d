"""Sketches rule out pairs whose hashes are near by chance, and hardly any other."""

from dataclasses import replace

import numpy as np
import pytest
from test_remembered import LOOKS, scene

from pictures import bandpass, candidates, sketch, verify
from pictures.bandpass import Gray
from pictures.looks import GRAY_SIDE
from pictures.presets import PRESETS
from pictures.table import table_of
from pictures.verify import Reason

RULES = PRESETS["similar"]
WITHOUT = replace(RULES, sketched=RULES.whole)
TABLE = table_of(LOOKS)


def sketched(pictures: Gray) -> sketch.Sketches:
    return sketch.sketches(bandpass.spectrum(pictures, sketch.SIDE))


def test_a_flat_picture_has_a_sketch_like_no_other() -> None:
    flat = sketched(np.full((1, GRAY_SIDE, GRAY_SIDE), 7, np.uint8))
    assert abs(sketch.cosines(flat, sketched(scene(1)[None]))[0]) < sketch.LEAST_COSINE


def test_candidates_far_apart_have_near_sketches_and_no_others_are_asked_for_them() -> None:
    wanted, far = set(), 0
    for pairs in candidates.candidates(TABLE, WITHOUT):
        ones = sketched(TABLE.gray[pairs.left]).astype(float)
        others = sketched(TABLE.gray[pairs.right]).astype(float)
        near = (ones * others).sum(axis=1) / sketch.LENGTH**2 >= sketch.LEAST_COSINE
        near |= pairs.distance <= RULES.sketched
        rows = zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
        wanted |= {(pairs.turn, *both) for both, is_near in zip(rows, near, strict=True) if is_near}
        far += np.count_nonzero(~near)
    found = {
        (pairs.turn, left, right)
        for pairs in candidates.candidates(TABLE, RULES)
        for left, right in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
    }
    assert found == wanted
    assert far


def test_what_a_look_accepts_is_said_to_match_here_with_sketches_too() -> None:
    accepted = 0
    for pairs in candidates.candidates(TABLE, WITHOUT):
        plain = verify.judge(TABLE, pairs, RULES)
        fully = verify.judge(TABLE, pairs, RULES, fully=True)
        for verdict, sketched_too in zip(plain, fully, strict=True):
            assert verdict.matches == sketched_too.matches
            accepted += verdict.matches
    assert accepted > 20


def test_a_pair_that_its_sketches_rule_out_is_said_to_be_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verify, "LEAST_COSINE", 1.1)
    (pairs, *_) = candidates.candidates(TABLE, WITHOUT)
    strict = replace(RULES, sketched=-1)
    verdicts = list(verify.judge(TABLE, pairs, strict, fully=True))
    assert {verdict.reason for verdict in verdicts if verdict.alike} >= {Reason.SKETCHES}
    assert not any(verdict.matches for verdict in verdicts)
