import json

import numpy as np
import pytest

from cxrkd.explain.agreement import agreement, chance_lines
from cxrkd.explain.baselines import baselines
from cxrkd.explain.cam import grad_cam
from cxrkd.explain.chance import line
from cxrkd.explain.explainer import EXPLAINERS, Network
from cxrkd.explain.similarity import MEASURES
from cxrkd.explain.yardsticks import Baselines, Reference


def reference(other_films, label_means):
    return Reference(other_films, label_means, strong=np.ones(other_films.shape[1]))


@pytest.fixture
def lines():
    """Lines of independent maps: chance at zero, a ceiling of one."""
    rng = np.random.default_rng(1)
    kept = reference(*(rng.normal(size=(n, 5, 7, 7)) for n in (24, 12)))
    return Baselines(np.zeros((2, 5, 7, 7)), rng.normal(size=(40, 5, 7, 7)), kept)


def test_a_teacher_with_itself_is_one_and_above_chance(lines):
    cams = np.random.default_rng(0).normal(size=(5, 7, 7))
    own = agreement(cams, cams, 2, lines)
    assert own.spearman == pytest.approx(1)
    assert own.cosine == pytest.approx(1)
    assert own.topk_iou == 1
    assert own.peak_distance == 0
    assert own.above_chance is True
    assert own.verdict == "above chance"


def test_independent_maps_stay_at_the_chance_line(lines):
    rng = np.random.default_rng(2)
    pairs = [agreement(*rng.normal(size=(2, 5, 7, 7)), 0, lines) for _ in range(100)]
    assert abs(np.mean([p.spearman for p in pairs])) < 0.05
    assert abs(np.mean([p.lines[0].mean for p in pairs])) < 0.05
    # The 95th percentile of independent maps is passed by one in twenty.
    assert np.mean([p.above_chance for p in pairs]) < 0.05


def anatomy(rng, n, share):
    """Maps (n, 1, 7, 7) of films that share an anatomy, which makes up `share` of their variance."""
    shared = np.random.default_rng(99).normal(size=(7, 7))
    own = rng.normal(size=(n, 1, 7, 7))
    return np.sqrt(share) * shared + np.sqrt(1 - share) * own


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_what_never_saw_the_film_is_not_above_chance_and_what_saw_it_is(share):
    """Every network paints the anatomy; the right student also paints what is on this film alone."""
    rng = np.random.default_rng(5)
    kept = reference(anatomy(rng, 24, share), np.stack([anatomy(rng, 16, share).mean(0) for _ in range(12)]))
    random_student = rng.normal(size=(2, 14, 7, 7))
    mean = anatomy(rng, 200, share).mean(0)
    passed = {"right": [], "mean": [], "other": [], "mean by random students alone": []}
    for _ in range(60):
        map_t = anatomy(rng, 1, share)[0]
        right = map_t + 0.3 * np.sqrt(1 - share) * rng.normal(size=map_t.shape)
        lines = Baselines(map_t[None], random_student, kept)
        for name, map_s in {"right": right, "mean": mean, "other": anatomy(rng, 1, share)[0]}.items():
            passed[name].append(agreement(map_t, map_s, 0, lines).above_chance)
        alone = chance_lines(map_t[0], 0, lines)[0]
        passed["mean by random students alone"].append(agreement(map_t, mean, 0, lines).spearman > alone.high)
    shares = {name: np.mean(values) for name, values in passed.items()}
    assert shares["right"] > 0.9
    assert shares["mean"] <= 0.1
    assert shares["other"] <= 0.1
    assert shares["mean by random students alone"] > 0.5, "the line that was there before does not see it"


def test_every_line_by_hand():
    rng = np.random.default_rng(3)
    map_t = rng.normal(size=(3, 7, 7))
    kept = reference(np.stack([map_t, -map_t]), np.stack([-map_t]))
    found = {one.name: one for one in chance_lines(map_t[1], 1, Baselines(map_t[None], map_t[None, :2], kept))}
    assert list(found) == ["random_student", "other_film", "label_mean", "centre"]
    assert found["random_student"].high == pytest.approx(1)
    assert (found["other_film"].mean, found["other_film"].high) == pytest.approx((0, 1), abs=1e-9)
    assert (found["label_mean"].mean, found["label_mean"].high) == pytest.approx((-1, -1))
    assert found["centre"].mean == found["centre"].high


@pytest.mark.parametrize(("n", "rank"), [(1, 1), (12, 12), (24, 23), (28, 27)])
def test_few_draws_do_not_lower_the_line(n, rank):
    draws = np.arange(n, dtype=float)
    assert line("other_film", np.append(draws, np.nan)).high == draws[rank - 1]


def test_a_line_that_was_not_measured_leaves_no_verdict_of_above():
    cams = np.random.default_rng(0).normal(size=(5, 7, 7))
    unkept = Baselines(cams[None], np.random.default_rng(1).normal(size=(4, 5, 7, 7)))
    found = agreement(cams, cams, 0, unkept)
    assert found.above_chance is None
    assert "not measured" in found.verdict
    assert "other films" in found.verdict
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["lines"]["label_mean"]["high"] is None
    against = agreement(cams, -cams, 0, unkept)
    assert against.above_chance is False, "one line that is not exceeded is enough"


def test_each_line_is_the_mean_over_its_own_maps():
    rng = np.random.default_rng(3)
    cams_t, cams_s = rng.normal(size=(2, 3, 7, 7))
    lines = Baselines(np.stack([cams_t, -cams_t, cams_t]), np.stack([cams_s * 0 + cams_t[1]]))
    found = agreement(cams_t, np.stack([cams_t[0], cams_t[1], -cams_t[1]]), 1, lines)
    assert found.ceiling_spearman == pytest.approx(1 / 3)
    assert found.beside["topk_iou"].ceiling == pytest.approx(2 / 3)
    assert found.lines[0].mean == pytest.approx(1)
    assert found.beside["topk_iou"].lines[0].mean == 1
    assert found.above_chance is False, "equal to chance is not above it"
    cross = agreement(cams_t, cams_t, 1, lines).other_labels_spearman
    expected = np.mean([agreement(cams_t[[1, j]], cams_t[[j, 1]], 0, lines).spearman for j in (0, 2)])
    assert cross == pytest.approx(expected)


def test_a_map_of_the_image_centre_is_seen_by_the_centre_prior(lines):
    y, x = np.mgrid[:7, :7] - 3
    cams = np.stack([-np.hypot(y, x), x.astype(float)])
    assert agreement(cams, cams, 0, lines).lines[-1].high > 0.95
    assert abs(agreement(cams, cams, 1, lines).lines[-1].high) < 0.05


def test_grids_may_differ_and_constant_maps_are_undefined(lines):
    rng = np.random.default_rng(4)
    coarse = rng.normal(size=(5, 7, 7))
    assert agreement(np.kron(coarse, np.ones((2, 2))), coarse, 0, lines).spearman == pytest.approx(1)
    flat = agreement(coarse * 0, coarse, 0, lines)
    assert np.isnan(flat.spearman)
    assert flat.above_chance is None
    assert "flat" in flat.verdict


def test_networks_end_to_end(toy, film):
    teacher, student = toy("cnn"), toy("cnn", seed=7)
    networks = {"teacher": Network(teacher), "alone": Network(student)}
    lines = baselines(EXPLAINERS["gradcam"], networks, film[0].numpy())[0]["alone"]
    own = agreement(grad_cam(teacher, film).cams, grad_cam(teacher, film).cams, 0, lines)
    assert own.ceiling_spearman > 0.8
    assert own.lines[0].mean < own.ceiling_spearman
    assert json.loads(json.dumps(own.to_dict(), allow_nan=False))["above_chance"] is None


def test_every_figure_stands_beside_the_same_lines_which_are_chance_on_chance(lines):
    """One independent pair in twenty passes a line, whichever way the figure counts."""
    rng = np.random.default_rng(2)
    pairs = [agreement(*rng.normal(size=(2, 5, 7, 7)), 0, lines) for _ in range(200)]
    for name, measure in MEASURES.items():
        held = [pair.beside[name] for pair in pairs]
        assert [line.name for line in held[0].lines] == [line.name for line in pairs[0].lines]
        assert {one.less for one in held} == {measure.less}
        values = np.array([getattr(pair, name) for pair in pairs])
        highs = np.array([one.lines[0].high for one in held])
        beyond = values < highs if measure.less else values > highs
        assert 0.005 < beyond.mean() < 0.11, name
        assert values.mean() == pytest.approx(
            np.mean([one.lines[0].mean for one in held]), abs=0.15 * values.std() + 0.01
        )
        hardest = np.array([one.hardest for one in held])
        assert (hardest <= highs if measure.less else hardest >= highs).all()


def test_figures_of_a_teacher_with_itself_are_beyond_every_line(lines):
    cams = np.random.default_rng(0).normal(size=(5, 7, 7))
    own = agreement(cams, cams, 2, lines)
    for name, held in own.beside.items():
        value = getattr(own, name)
        assert value < held.hardest if held.less else value > held.hardest, name
    told = json.loads(json.dumps(own.to_dict(), allow_nan=False))["beside"]["ssim"]
    assert set(told["lines"]) == {"random_student", "other_film", "label_mean", "centre"}
    assert list(own.rows())[:2] == ["Rank correlation (Spearman)", "… chance: random students"]
