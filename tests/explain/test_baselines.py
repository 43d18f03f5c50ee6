import numpy as np
import pytest
import torch

from cxrkd.explain.baselines import NOISE, Twins, baselines, noisy, random_twin
from cxrkd.explain.cam import grad_cam
from cxrkd.explain.explainer import EXPLAINERS, Network
from cxrkd.explain.steps import in_turn
from cxrkd.explain.yardsticks import centre_prior


def test_centre_prior_peaks_in_the_middle_and_is_symmetric():
    prior = centre_prior((7, 7))
    assert np.unravel_index(prior.argmax(), prior.shape) == (3, 3)
    np.testing.assert_allclose(prior, prior.T)
    np.testing.assert_allclose(prior, prior[::-1])


@pytest.mark.parametrize("name", ["cnn", "swin", "vit"])
def test_a_random_twin_is_another_network_of_the_same_shape(toy, film, name):
    model = toy(name)
    before, state = model(film), torch.get_rng_state()
    twin = random_twin(model, seed=0)
    assert torch.equal(torch.get_rng_state(), state), "the global generator belongs to others"
    assert torch.equal(model(film), before)
    assert torch.equal(twin(film), random_twin(model, seed=0)(film))
    assert not torch.allclose(twin(film), random_twin(model, seed=1)(film))
    assert not twin.training
    assert np.ptp(grad_cam(twin, film).cams, axis=(1, 2)).min() > 0


def test_twins_of_one_design_are_one_whatever_was_learned(toy, film):
    """So what a random student shows of a film is known once for all students of its kind."""
    learned, other = toy("cnn"), toy("cnn", seed=9)
    assert not torch.allclose(learned(film), other(film))
    assert torch.equal(random_twin(learned, 1)(film), random_twin(other, 1)(film))


def test_kept_twins_are_those_that_would_be_drawn_and_bounded(toy, film):
    twins = Twins(limit=2)
    first = twins(toy("cnn"), 0)
    assert twins(toy("cnn", seed=9), 0) is first
    assert torch.equal(first(film), random_twin(toy("cnn"), 0)(film))
    twins(toy("cnn"), 1)
    twins(toy("swin"), 0)
    assert twins(toy("cnn"), 0) is not first, "what was not asked for longest is gone"


@pytest.fixture
def asked(toy):
    """A teacher and two students of one kind, and the keys of the steps that are run for them."""
    keys = []

    def counted(steps):
        keys.extend(step.key for step in steps)
        return in_turn(steps)

    networks = {
        "teacher": Network(toy("cnn")),
        "alone": Network(toy("cnn", seed=1, stride=16)),
        "distilled": Network(toy("cnn", seed=2, stride=16)),
    }
    return networks, keys, counted


def test_lines_are_maps_of_noisy_copies_and_of_random_students(asked, film):
    networks, _, steps = asked
    (lines,) = baselines(EXPLAINERS["layercam"], networks, film[0].numpy(), steps=steps)
    assert list(lines) == ["alone", "distilled"]
    noise = torch.randn((4, 1, 48, 48), generator=torch.Generator().manual_seed(0)) * NOISE
    for i, copy in enumerate((film + noise).clamp(0, 1)):
        expected = grad_cam(networks["teacher"].classifier, copy[None], "layercam").cams
        np.testing.assert_allclose(lines["alone"].noisy_teacher[i], expected, rtol=1e-5, atol=1e-7)
    for seed in range(2):
        twin = random_twin(networks["distilled"].classifier, seed)
        expected = grad_cam(twin, film, "layercam").cams
        np.testing.assert_allclose(lines["distilled"].random_student[seed], expected, rtol=1e-5, atol=1e-7)


def test_students_of_one_kind_share_their_lines_and_all_the_ceiling(asked, film):
    networks, keys, steps = asked
    films = np.concatenate([film[0].numpy(), 1 - film[0].numpy()])
    baselines(EXPLAINERS["gradcam"], networks, films, steps=steps)
    assert len(keys) == 2 + 2 * 2 * 2, "a ceiling a film; two draws a film and student"
    assert len(set(keys)) == 2 + 2 * 2, "of which those of equal students are one"


def test_films_at_once_and_one_by_one_have_the_same_lines(asked, film):
    networks, _, steps = asked
    films = np.concatenate([film[0].numpy(), 1 - film[0].numpy()])
    together = baselines(EXPLAINERS["gradcam"], networks, films, steps=steps)
    for i in range(2):
        (alone,) = baselines(EXPLAINERS["gradcam"], networks, films[i : i + 1], steps=steps)
        for name, lines in alone.items():
            np.testing.assert_array_equal(together[i][name].noisy_teacher, lines.noisy_teacher)
            np.testing.assert_array_equal(together[i][name].random_student, lines.random_student)


def test_without_a_teacher_there_is_nothing_to_hold_against(asked, film):
    networks, keys, steps = asked
    assert baselines(EXPLAINERS["gradcam"], {"alone": networks["alone"]}, film[0].numpy(), steps=steps) == [{}]
    assert keys == []


def test_noise_is_light_and_stays_a_film(film):
    copies = noisy(film[0, 0].numpy())
    assert copies.shape == (4, 48, 48)
    assert copies.min() >= 0
    assert copies.max() <= 1
    inside = (film[0, 0].numpy() > 0.1) & (film[0, 0].numpy() < 0.9)
    assert (copies - film[0, 0].numpy())[:, inside].std() == pytest.approx(NOISE, rel=0.05)
