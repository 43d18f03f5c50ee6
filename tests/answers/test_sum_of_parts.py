"""A logit as a sum of parts, in words and as a table."""

import re

import pytest

from cxrkd.answers.parts import has_parts, sum_sentence
from cxrkd.dashboard.explain.parts import parts_table

PARTS = [
    {"place": f"place {i}", "score": score, "area": 0.1, "alone": 0.5}
    for i, score in enumerate([2.0, -1.5, 1.0, 0.5, -0.25, 0.125])
]


def test_what_the_sentence_names_adds_up_to_the_logit():
    sentence = sum_sentence({"parts": PARTS, "baseline": -3.0})
    left, right = sentence.split(" = ")
    numbers = [float(one) for one in re.findall(r"[+-]\d+\.\d+", right)]
    assert len(numbers) == 6, "four parts, the others, and what is left with all hidden"
    assert sum(numbers) == pytest.approx(float(left.removeprefix("logit ")), abs=0.02)
    assert "place 3" in right
    assert "place 4" not in right
    assert "in 2 more" in right


def test_few_parts_have_no_rest_and_other_explainers_no_sum():
    assert "more" not in sum_sentence({"parts": PARTS[:2], "baseline": 0.0})
    assert has_parts({"parts": PARTS})
    assert not has_parts({"cam": [[1]]})


def test_a_table_has_a_row_a_part_of_each_member():
    figures = {"parts": PARTS, "baseline": 0.0}
    table = parts_table({"teacher": figures, "alone": figures})
    assert len(table) == 12
    assert table.groupby("Model")["Score"].sum().tolist() == [1.875, 1.875]
