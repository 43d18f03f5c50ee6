import numpy as np
import pytest
import torch

from cxrkd.distill.lesions import outside_lesion
from cxrkd.distill.loss import LabelHints, Loss, plain
from cxrkd.models.label_maps import label_maps, marked_maps
from cxrkd.models.views import Views, views
from tests.toys import make_toy


def test_it_is_the_cross_entropy_of_looking_into_the_lesion():
    rng = np.random.default_rng(0)
    maps, covered = rng.standard_normal((5, 4, 4)) / 16, (rng.random((5, 4, 4)) < 0.3).astype(float)
    covered[:, 0, 0] = 1
    looks = np.exp(16 * maps) / np.exp(16 * maps).sum((1, 2), keepdims=True)
    expected = -np.log((looks * covered).sum((1, 2))).mean()
    assert outside_lesion(torch.tensor(maps), torch.tensor(covered)).item() == pytest.approx(expected, rel=1e-5)


def test_evidence_within_costs_nothing_and_evidence_outside_much():
    covered = torch.zeros(1, 8, 8)
    covered[0, :4, :4] = 1
    inside, outside = torch.zeros(1, 4, 4), torch.zeros(1, 4, 4)
    inside[0, 0, 0], outside[0, 3, 3] = 2.0, 2.0
    assert outside_lesion(inside, covered).item() < 1e-6
    assert outside_lesion(outside, covered).item() > 20


def test_a_lesion_smaller_than_a_cell_can_be_looked_at():
    covered, maps = torch.zeros(1, 56, 56), torch.full((1, 7, 7), -1.0)
    covered[0, 9, 9], maps[0, 1, 1] = 1.0, 3.0
    assert outside_lesion(maps, covered).item() < 1e-4


@pytest.mark.parametrize("size", [0.0, 40.0, 1e4])
def test_it_is_finite_with_a_finite_gradient_at_any_map(size):
    maps = torch.full((3, 7, 7), -size).requires_grad_()
    covered = torch.zeros(3, 56, 56)
    covered[:2, :8, :8] = 1  # the third mark covers nothing
    with torch.no_grad():
        maps[:, 6, 6] = size
    loss = outside_lesion(maps, covered)
    loss.backward()
    assert loss.isfinite()
    assert maps.grad.isfinite().all()


def test_no_mark_no_loss():
    assert outside_lesion(torch.zeros(0, 7, 7), torch.zeros(0, 56, 56)).item() == 0


def test_marked_maps_are_those_of_all_labels():
    model = make_toy().eval()
    features = model.forward_features(torch.rand(4, 1, 32, 32))
    films, labels = torch.tensor([0, 0, 3, 2]), torch.tensor([1, 2, 1, 0])
    expected = label_maps(model, features)[1][films, labels]
    torch.testing.assert_close(marked_maps(model, features, films, labels), expected)


def test_a_network_learns_to_look_where_it_is_shown():
    """Labels say nothing of the place: only the marks do."""
    torch.manual_seed(0)
    model, images = make_toy().train(), torch.rand(8, 1, 32, 32)
    films, labels = torch.arange(8), torch.zeros(8, dtype=torch.int64)
    covered = torch.zeros(8, 56, 56)
    covered[:, 28:, 28:] = 1
    optimiser = torch.optim.Adam(model.parameters(), 0.01)
    losses = []
    for _ in range(60):
        marked = views(model, images, marked=(films, labels)).marked
        loss = outside_lesion(marked, covered)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_marks_count_by_the_share_of_films_that_have_one():
    student = Views(torch.zeros(4, 2), marked=torch.zeros(1, 2, 2))
    covered = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    loss = plain(LabelHints(lesions=2.0))(student, None, torch.zeros(4, 2), covered=covered)
    assert loss.parts["lesions"].item() == pytest.approx(np.log(4))
    assert loss.parts["task"].item() == pytest.approx(np.log(2))
    assert loss.total.item() == pytest.approx(np.log(2) + 2 * np.log(4) / 4)


def test_absent_findings_become_improbable_and_present_and_unknown_ones_stay():
    seen = []

    def task(logits, targets):
        seen.append(targets)
        return logits.sum()

    targets = torch.tensor([[0.0, 1.0, float("nan"), 0.2]])
    Loss(task, hints=LabelHints(absent=0.1))(Views(torch.zeros(1, 4)), None, targets)
    torch.testing.assert_close(seen[0], torch.tensor([[0.1, 1.0, float("nan"), 0.2]]), equal_nan=True)
