"""Students that look at fewer pixels than their teacher."""

import numpy as np
import onnxruntime
import pytest
import torch
from pydantic import ValidationError
from torch.nn.functional import avg_pool2d

from cxrkd.config import ObjectiveConfig, RunConfig
from cxrkd.errors import ConfigError
from cxrkd.explain.cam import grad_cam
from cxrkd.jobs.execute import execute
from cxrkd.runs import create
from cxrkd.runs.checking.looks import weights
from cxrkd.runs.predictions import kept_rows
from cxrkd.runtime.export import export_onnx


@pytest.mark.parametrize("view", ["cached", "same"])
def test_a_run_of_students_that_look_at_half_the_size(config, blobs, blob_data, view, tmp_path):
    """They take the images that everybody takes: pages, explanations and exports need no word about it."""
    run = create(config(student_size=16, objective=ObjectiveConfig.named("bkd", view=view)))
    execute(run)
    teacher, student = run.load_model("teacher"), run.load_model("distilled")
    assert [(m.input_size, m.works_at) for m in (teacher, student)] == [(32, 32), (32, 16)]
    sizes = {event["member"]: event["size"] for event in run.events() if event["kind"] == "epoch"}
    assert sizes == {"teacher": 32, "alone": 16, "distilled": 16}
    images = torch.from_numpy(blobs.images[kept_rows(blobs)] / 255).float()[:, None]
    n_val = len(blobs.rows("val"))
    with torch.no_grad():
        told = student.forward_head(
            student.backbone.forward_features((avg_pool2d(images, 2) - student.mean) / student.std)
        )
    np.testing.assert_allclose(run.predictions("distilled").logits[0], told[n_val:].numpy(), atol=1e-3)
    assert not [finding for member in ("teacher", "alone", "distilled") for finding in weights(run, member)]
    assert grad_cam(student, images[:1]).cams.shape[0] == 14
    if view == "cached":
        session = onnxruntime.InferenceSession(str(export_onnx(student, tmp_path / "student.onnx")))
        answers = session.run(None, {"image": images[:3].numpy()})[0]
        np.testing.assert_allclose(answers, told[:3].numpy(), atol=1e-4)


def test_a_size_that_cannot_be_is_refused_before_there_is_a_run(config):
    with pytest.raises(ValidationError, match=r"no more than the image size, 224, got 300: set \{student_size\}"):
        RunConfig(name="x", student_size=300)
    assert RunConfig(name="x").student_works_at == 224
    with pytest.raises(ConfigError, match=r"toy takes .*16.*, got 8"):
        create(config(student_size=8))
