import numpy as np
import torch

from cxrkd.train.predict import predict_logits


def test_batches_do_not_matter_and_the_mode_is_restored(toy, blobs):
    calls = []
    toy.train()
    one = predict_logits(toy, blobs.images, batch_size=7, progress=lambda *at: calls.append(at))
    assert toy.training
    assert np.allclose(one, predict_logits(toy, blobs.images, batch_size=500), atol=1e-6)
    assert one.shape == (len(blobs), 3)
    assert one.dtype == np.float32
    assert calls[0] == (7, len(blobs))
    assert calls[-1] == (len(blobs), len(blobs))


def test_equals_the_network_on_unit_images(toy, blobs):
    with torch.no_grad():
        direct = toy.eval()(torch.from_numpy(blobs.images[:5]).float()[:, None] / 255).numpy()
    assert np.allclose(predict_logits(toy, blobs.images[:5]), direct, atol=1e-5)
    assert np.allclose(predict_logits(toy, (blobs.images[:5] / 255).astype(np.float32)), direct, atol=1e-5)


def test_images_of_another_size_are_brought_to_the_input_size(toy):
    flat = np.full((2, 77, 77), 128, np.uint8)
    assert np.allclose(predict_logits(toy, flat), predict_logits(toy, flat[:, :32, :32]), atol=1e-5)


def test_no_images_no_logits(toy):
    assert predict_logits(toy, np.zeros((0, 32, 32), np.uint8)).shape == (0, 3)
