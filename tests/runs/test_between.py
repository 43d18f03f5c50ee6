"""Two runs on the same films."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.evaluate.paired import AS_GOOD
from cxrkd.runs.between import apart, difference, lighter
from cxrkd.runs.showcase import costs_of
from cxrkd.text import percent
from tests import toys

SIZE = 64
OTHERS = PhantomConfig(n_patients=400, image_size=SIZE, seed=1)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One, others whose students look at half and at a quarter of its pixels, a better one, and one of other films."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("between")
        patch.setenv("CXRKD_HOME", str(folder / "home"))
        toys.everywhere(patch, folder / "site")

        def made(name, skill=toys.SKILL, **changes):
            return toys.finished_run(toys.tiny_config(name, size=SIZE, patients=400, **changes), skill=skill)

        yield {
            "own": made("own"),
            "light": made("light", student_size=SIZE // 2),
            "worse": made("worse", toys.SKILL | {"distilled": 0.1}, student_size=SIZE // 4),
            "full": made("full", toys.SKILL | {"distilled": 9.0}),
            "elsewhere": made("elsewhere", student_size=SIZE // 2, data=OTHERS),
        }


def asked(run, others):
    return lighter(run, others, costs_of)


def test_a_difference_is_that_of_two_mean_aurocs(runs):
    apart = difference(runs["own"], runs["full"], "distilled")
    a, b = (runs[name].predictions("distilled") for name in ("own", "full"))
    counted = [k for k, row in enumerate(apart.labels) if row.evaluable]
    assert counted
    each = [
        [roc_auc_score(a.targets[:, k], one.logits[seed][:, k]) for k in counted for seed in range(len(one.seeds))]
        for one in (a, b)
    ]
    assert apart.macro_diff == pytest.approx(np.mean(each[0]) - np.mean(each[1]))
    assert apart.macro_diff < 0


def test_some_findings_can_be_asked_for(runs):
    label = next(row.label for row in difference(runs["own"], runs["full"], "distilled").labels if row.evaluable)
    (row,) = difference(runs["own"], runs["full"], "distilled", [label]).labels
    assert row.label == label


def test_other_films_are_not_compared(runs):
    assert difference(runs["own"], runs["elsewhere"], "distilled") is None


def test_the_lightest_student_that_is_as_good_is_offered(runs):
    offered = asked(runs["own"], runs.values())
    assert (offered.run.id, offered.member) == (runs["light"].id, "distilled")
    costs = [costs_of(runs[name])["distilled"].macs for name in ("light", "own")]
    assert offered.share == pytest.approx(costs[0] / costs[1])
    assert not offered.apart.judged
    assert offered.apart.difference.macro_diff == pytest.approx(0, abs=1e-9)
    assert "by their labels" in offered.sentence
    assert f"{percent(offered.share, 0)} of this one's multiply-adds" in offered.sentence


def test_one_that_is_worse_or_as_heavy_or_of_other_films_is_not(runs):
    assert difference(runs["worse"], runs["own"], "distilled").macro_diff < -AS_GOOD
    assert asked(runs["own"], [runs["own"], runs["worse"], runs["full"], runs["elsewhere"]]) is None
    assert asked(runs["light"], runs.values()) is None, "nothing is lighter than itself"


def test_a_damaged_run_is_passed_over(runs):
    runs["worse"].weights_path("distilled").write_bytes(b"no weights")
    assert asked(runs["own"], [runs["worse"], runs["light"]]).run.id == runs["light"].id


def test_labels_of_radiologists_count_where_both_runs_have_them(runs, monkeypatch):
    """The lighter student is as good by its own labels; by others, as radiologists might give them, it is not."""
    asked_of = []

    def judged(run):
        asked_of.append(run.id)
        own = run.predictions("distilled")
        turned = replace(own, targets=1 - own.targets)
        better = replace(turned, logits=own.logits - 9 * turned.targets * (run.id == runs["light"].id))
        return SimpleNamespace(test=lambda: {"distilled": better})

    monkeypatch.setattr("cxrkd.runs.between.judged_by_radiologists", judged)
    assert asked(runs["own"], [runs["light"]]) is None
    assert set(asked_of) == {runs["own"].id, runs["light"].id}
    one = apart(runs["light"], runs["own"], "distilled")
    assert one.judged
    assert one.difference.macro_diff < -AS_GOOD
    monkeypatch.setattr("cxrkd.runs.between.judged_by_radiologists", lambda run: None)
    assert not apart(runs["light"], runs["own"], "distilled").judged
