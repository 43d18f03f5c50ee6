import numpy as np
import pytest

from cxrkd.data.phantom import render
from cxrkd.explain.body import body_mask, evidence_outside


def drawn(size=96):
    """A trunk with two dark lungs, a letter beside it, and where the trunk is."""
    y, x = np.mgrid[:size, :size] / size - 0.5
    trunk = np.abs(x) < 0.38 - 0.12 * (y < -0.35)
    lungs = (((np.abs(x) - 0.17) / 0.11) ** 2 + ((y + 0.05) / 0.3) ** 2) < 1
    film = 0.03 + 0.6 * trunk - 0.55 * lungs
    film[4:9, 2:6] = 0.9
    return film, trunk


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


def test_the_body_holds_its_lungs_and_leaves_out_the_air_and_the_letter():
    film, trunk = drawn()
    assert overlap(body_mask(film), trunk) > 0.95
    brighter = body_mask(0.2 + 0.5 * film)
    assert overlap(brighter, trunk) > 0.95, "tones are relative"


def test_a_film_filled_by_the_patient_has_no_outside():
    film = np.random.default_rng(0).uniform(0.5, 0.6, (64, 64))
    film[28:36, 28:36] = 0.05  # dark, but enclosed
    assert body_mask(film).all()
    assert body_mask(np.zeros((8, 8))).all(), "nothing to tell apart"


def torso(monkeypatch, patient):
    """A phantom and its trunk and arms, from the outlines that the drawing itself fills."""
    from cxrkd.data.phantom import film as phantom_film

    seen = []
    plain = phantom_film.soft_tissue

    def watched(film, spread):
        tissue = plain(film, spread)
        seen.append(tissue)
        return tissue

    monkeypatch.setattr(phantom_film, "soft_tissue", watched)
    pixels = render(9, patient, 0, 112).pixels / 255
    return pixels, seen[-1] > 0.15


@pytest.mark.parametrize("patient", range(6))
def test_on_phantoms_it_is_the_trunk_that_was_drawn(monkeypatch, patient):
    pixels, truth = torso(monkeypatch, patient)
    assert overlap(body_mask(pixels), truth) > 0.9


def test_evidence_outside_is_a_share_with_the_air_as_chance():
    body = np.zeros((40, 40), bool)
    body[:, 10:] = True
    assert evidence_outside(np.ones((4, 4)), body) == pytest.approx(0.25)
    inside = np.zeros((40, 40))
    inside[:, 20:] = 3.0
    inside[:, :10] = -5.0  # evidence against is no evidence for
    assert evidence_outside(inside, body) == 0
    assert evidence_outside(-inside, body) == 1
    assert np.isnan(evidence_outside(-np.ones((4, 4)), body))
