"""What is known of a film, where its data set writes labels in its own way."""

import numpy as np

from cxrkd.answers.truth import is_present, marked
from cxrkd.images.film import Film, Truth


def test_labels_are_the_same_however_a_data_set_writes_them():
    mask = np.zeros((2, 8, 8), bool)
    mask[0, 2:4, 3:6] = True
    truth = Truth(("pleural thickening", "Mass"), np.array([1, 0], np.float32), lambda size: mask)
    tones = np.zeros((8, 8), np.uint8)
    film = Film("a", tones, lambda: tones / np.float32(255), truth=truth)
    assert is_present(film, "Pleural_Thickening")
    np.testing.assert_array_equal(marked(film, "Pleural_Thickening"), mask[0])
    assert marked(film, "Mass") is None
    assert marked(film, "Hernia") is None
    assert not is_present(film, "Mass")
