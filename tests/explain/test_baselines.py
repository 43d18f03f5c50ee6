import numpy as np
import pytest
import torch

from cxrkd.explain.baselines import baselines, centre_prior, random_twin
from cxrkd.explain.cam import grad_cam


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


def test_lines_are_maps_of_all_labels_and_repeatable(toy, film):
    teacher, student = toy("cnn"), toy("cnn", seed=1, stride=16)
    lines = baselines(teacher, student, film, n_noisy=3, n_random=2, seed=5)
    assert lines.noisy_teacher.shape == (3, 5, 6, 6)
    assert lines.random_student.shape == (2, 5, 3, 3)
    again = baselines(teacher, student, film, n_noisy=3, n_random=2, seed=5)
    np.testing.assert_array_equal(lines.noisy_teacher, again.noisy_teacher)
    np.testing.assert_array_equal(lines.random_student, again.random_student)
    assert not np.array_equal(lines.noisy_teacher[0], lines.noisy_teacher[1])


def test_noise_is_light(toy, film):
    own = grad_cam(toy(), film).cams
    noisy = baselines(toy(), toy(), film, n_random=1).noisy_teacher
    assert 0 < np.abs(noisy - own).max() < 0.2 * np.abs(own).max()
