"""Relations of points, label embeddings and partial softmax against loops that say what the papers say."""

import math
from itertools import permutations

import numpy as np
import pytest
import torch
from torch import nn

from cxrkd.config import ObjectiveConfig
from cxrkd.distill.distances import distances_apart
from cxrkd.distill.loss import objective
from cxrkd.distill.objectives.led import label_embeddings
from cxrkd.distill.objectives.psm import partial_softmax_kl
from cxrkd.distill.objectives.relations import MOST, angle_loss, distance_loss
from cxrkd.models.views import Views
from tests.toys import make_staged

NAN = float("nan")
RELATIONS = [distance_loss, angle_loss]


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def huber(difference):
    size = abs(difference)
    return size**2 / 2 if size < 1 else size - 0.5


def by_hand_distances(points_s, points_t):
    """A mean over the pairs of one group, in Python's own floats."""
    pairs = list(permutations(range(len(points_s)), 2))
    told = []
    for points in (points_s.double().numpy(), points_t.double().numpy()):
        lengths = [np.linalg.norm(points[i] - points[j]) for i, j in pairs]
        told.append([length / np.mean(lengths) for length in lengths])
    return float(np.mean([huber(a - b) for a, b in zip(*told, strict=True)]))


def by_hand_angles(points_s, points_t):
    losses = []
    for i, j, k in permutations(range(len(points_s)), 3):
        cosines = []
        for points in (points_s.double().numpy(), points_t.double().numpy()):
            a, b = points[i] - points[j], points[k] - points[j]
            cosines.append(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        losses.append(huber(cosines[0] - cosines[1]))
    return float(np.mean(losses))


BY_HAND = {distance_loss: by_hand_distances, angle_loss: by_hand_angles}


@pytest.mark.parametrize("loss", RELATIONS)
def test_relations_are_means_over_pairs_and_triplets(loss):
    s, t = draw(6, 3), draw(6, 8, seed=1)
    assert loss(s, t).item() == pytest.approx(BY_HAND[loss](s, t), rel=1e-5)


@pytest.mark.parametrize("loss", RELATIONS)
def test_relations_have_the_gradient_of_their_formulas(loss):
    s, t = draw(5, 2).double().requires_grad_(), draw(5, 4, seed=1)
    (slope,) = torch.autograd.grad(loss(s, t), s)
    for i, c in np.ndindex(5, 2):
        step = torch.zeros(5, 2, dtype=torch.double)
        step[i, c] = 1e-5
        up, down = (BY_HAND[loss](s.detach() + sign * step, t) for sign in (1, -1))
        assert slope[i, c].item() == pytest.approx((up - down) / 2e-5, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("loss", RELATIONS)
def test_place_size_and_turning_do_not_count(loss):
    s, t = draw(7, 3), draw(7, 5, seed=1)
    turn = torch.linalg.qr(draw(3, 3, seed=2))[0]
    assert loss(100 * s @ turn + 3, t).item() == pytest.approx(loss(s, t).item(), rel=1e-4)
    assert loss(s @ turn + 3, s).item() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("loss", "fewest"), [(distance_loss, 2), (angle_loss, 3)])
def test_too_few_points_and_points_that_are_one_say_nothing(loss, fewest):
    for s in (draw(fewest - 1, 3), torch.ones(4, 3), draw(0, 3)):
        s = s.clone().requires_grad_()
        value = loss(s, draw(len(s), 5, seed=1))
        assert value.item() == 0
        assert (torch.autograd.grad(value, s)[0] == 0).all()


@pytest.mark.parametrize("loss", RELATIONS)
def test_two_films_with_one_embedding_have_a_finite_gradient(loss):
    s, t = draw(5, 3), draw(5, 4, seed=1)
    s[1] = s[0]
    s.requires_grad_()
    (slope,) = torch.autograd.grad(loss(s, t), s)
    assert torch.isfinite(slope).all()
    assert (slope[2:].abs().sum(1) > 0).all()


@pytest.mark.parametrize("loss", RELATIONS)
def test_a_film_of_which_the_teacher_has_no_embedding_does_not_count(loss):
    s, t = draw(6, 3).requires_grad_(), draw(6, 4, seed=1)
    t[2, 1] = NAN
    kept = [0, 1, 3, 4, 5]
    value = loss(s, t)
    assert value.item() == pytest.approx(loss(s[kept], t[kept]).item(), rel=1e-6)
    assert (torch.autograd.grad(value, s)[0][2] == 0).all()


@pytest.mark.parametrize("loss", RELATIONS)
def test_a_student_that_is_no_number_is_not_taken_for_one_that_has_learned(loss):
    s = draw(5, 3)
    s[0, 0] = NAN
    assert math.isnan(loss(s, draw(5, 4, seed=1)).item())


def test_large_batches_are_taken_apart():
    s, t = draw(MOST + 5, 3), draw(MOST + 5, 4, seed=1)
    n, m = MOST * (MOST - 1) * (MOST - 2), 5 * 4 * 3
    expected = (n * angle_loss(s[:MOST], t[:MOST]) + m * angle_loss(s[MOST:], t[MOST:])) / (n + m)
    assert angle_loss(s, t).item() == pytest.approx(expected.item(), rel=1e-5)


def test_both_relations_are_told_with_their_weights():
    term = objective(ObjectiveConfig.named("relations", angle_weight=3.0), make_staged(), make_staged(3)).terms
    s, t = draw(4, 3), draw(4, 5, seed=1)
    parts = term["relations"](Views(s, embeddings=s), Views(t, embeddings=t), s)
    assert parts == {"relations.distance": distance_loss(s, t), "relations.angle": 3 * angle_loss(s, t)}


def test_groups_of_points_count_alike_however_large():
    s, t = draw(3, 5, 2), draw(3, 5, 4, seed=1)
    members = torch.tensor([[1, 1, 1, 1, 0], [0, 1, 0, 1, 0], [0, 0, 1, 0, 0]]).bool()
    t[0, 4] = NAN
    each = [by_hand_distances(s[g][members[g]], t[g][members[g]]) for g in (0, 1)]
    assert each[1] == 0, "of two points there is one distance, which is the mean"
    assert distances_apart(s, t, members).item() == pytest.approx(np.mean(each), rel=1e-5)


def test_label_embeddings_are_means_under_sigmoids_of_class_activation_maps():
    """Of a head that is a mean and a line the class-activation map is known: features times weights."""
    features, line = draw(2, 4, 3, 3), nn.Linear(4, 5, bias=False)
    cams = torch.einsum("kc,bchw->bkhw", line.weight, features).detach()
    weights = torch.sigmoid(cams)
    expected = torch.einsum("bkhw,bchw->bkc", weights, features) / weights.sum((2, 3)).unsqueeze(2)
    assert torch.allclose(label_embeddings(cams / 9, features), expected, atol=1e-6)


def test_led_compares_findings_that_are_there():
    maps_s, maps_t = draw(4, 3, 2, 2), draw(4, 3, 3, 3, seed=1)
    features_s, features_t = draw(4, 6, 2, 2, seed=2), draw(4, 5, 3, 3, seed=3)
    targets = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, NAN], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    z_t = torch.zeros(4, 3)
    z_t[3, 2] = maps_t[3, 2] = NAN
    term = objective(ObjectiveConfig.named("led", instance_weight=4.0), make_staged(), make_staged(3)).terms["led"]
    student = Views(torch.zeros(4, 3), maps=maps_s, stages=(features_s,))
    parts = term(student, Views(z_t, maps=maps_t, stages=(features_t,)), targets)
    e_s, e_t = label_embeddings(maps_s, features_s), label_embeddings(maps_t, features_t)
    films = {0: [0, 1, 2], 1: [0, 2, 3]}  # of the third finding there is one film with an answer
    alike = [by_hand_distances(e_s[rows, k], e_t[rows, k]) for k, rows in films.items()]
    findings = {0: [0, 1, 2], 2: [0, 1]}
    beside = [by_hand_distances(e_s[b, ks], e_t[b, ks]) for b, ks in findings.items()]
    assert parts["led.class"].item() == pytest.approx(np.mean(alike), rel=1e-4)
    assert parts["led.instance"].item() == pytest.approx(4 * np.mean(beside), rel=1e-4)


def by_hand_softmax(z_s, z_t, targets):
    """As the published code: for each film and each present finding, a softmax over it and the absent ones."""
    losses = []
    for s, t, y in zip(z_s, z_t, targets, strict=True):
        known = ~torch.isnan(t) & ~torch.isnan(y)
        for p in torch.nonzero(known & (y == 1))[:, 0]:
            part = torch.cat([torch.nonzero(known & (y == 0))[:, 0], p[None]])
            p_s, p_t = s[part].double().softmax(0), t[part].double().softmax(0)
            losses.append((p_t * (p_t / p_s).log()).sum())
    return torch.stack(losses).mean()


def test_partial_softmax_is_that_of_its_paper():
    z_s, z_t = draw(5, 4).requires_grad_(), draw(5, 4, seed=1)
    targets = torch.tensor([[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [NAN, 1, 0, 1], [0, NAN, 1, 0]])
    z_t[4, 0] = NAN
    value, expected = partial_softmax_kl(z_s, z_t, targets), by_hand_softmax(z_s, z_t, targets)
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    slope, by_hand = (torch.autograd.grad(each, z_s)[0] for each in (value, expected))
    assert torch.allclose(slope, by_hand, atol=1e-7)
    mixed = 0.2 + 0.6 * targets
    assert partial_softmax_kl(z_s, z_t, mixed).item() == value.item(), "of two mixed films it takes the stronger"
    assert (slope[1] == 0).all()
    assert slope[4, 0] == slope[4, 1] == 0, "neither what the teacher nor what the label leaves open takes part"


def test_partial_softmax_of_one_absent_finding_is_binary():
    z_s, z_t = draw(1, 2), draw(1, 2, seed=1)
    p, q = (torch.sigmoid(z[0, 0] - z[0, 1]).item() for z in (z_t, z_s))
    expected = p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    assert partial_softmax_kl(z_s, z_t, torch.tensor([[1.0, 0.0]])).item() == pytest.approx(expected, rel=1e-5)
