import numpy as np
import pytest

from cxrkd.errors import AnswerError
from cxrkd.logits import require_numbers, untaught_columns

LABELS = ("Mass", "Nodule", "Edema", "Hernia")
NAN = float("nan")


def test_numbers_pass_untouched():
    logits = np.array([[1.0, -2.0, 3e30, 0.0]])
    assert require_numbers(logits, LABELS, "it") is logits


@pytest.mark.parametrize("value", [NAN, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_one_that_is_none_names_its_label(value, shape):
    logits = np.zeros(shape)
    logits[(0,) * (len(shape) - 1) + (1,)] = value
    with pytest.raises(AnswerError, match=r"^distilled gave no number for Nodule: .* Restore its file"):
        require_numbers(logits, LABELS, "distilled", np.zeros(4, bool))


def test_a_label_that_was_never_taught_may_be_nan_but_not_infinite():
    untaught = np.array([False, True, False, False])
    logits = np.array([[0.0, NAN, 0.0, 0.0]])
    assert require_numbers(logits, LABELS, "it", untaught) is logits
    with pytest.raises(AnswerError, match="Nodule"):
        require_numbers(np.array([[0.0, np.inf, 0.0, 0.0]]), LABELS, "it", untaught)


def test_without_being_told_a_whole_column_of_nan_was_never_taught():
    logits = np.zeros((2, 3, 4))
    logits[..., 3] = NAN
    assert untaught_columns(logits).tolist() == [False, False, False, True]
    assert require_numbers(logits, LABELS, "it") is logits
    logits[1, 1, 3] = 0
    with pytest.raises(AnswerError, match="Hernia"):
        require_numbers(logits, LABELS, "it")


def test_a_long_list_of_labels_is_cut():
    with pytest.raises(AnswerError, match="for Mass, Nodule, Edema and 1 more:"):
        require_numbers(np.full((1, 4), NAN), LABELS, "it", np.zeros(4, bool))
