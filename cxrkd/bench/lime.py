"""LIME of two networks with shared masks and fast engines against `lime` with eager PyTorch, at equal stability."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from lime.lime_image import LimeImageExplainer

from cxrkd.answers.engines import load_engines
from cxrkd.bench.lime_samples import Coins, Predict, agreement, samples_for
from cxrkd.bench.plan import Plan
from cxrkd.bench.section import Goal, Section, compare
from cxrkd.bench.timing import interleave, stopwatch
from cxrkd.explain.lime import lime as our_lime
from cxrkd.explain.lime_result import LimeResult
from cxrkd.models.classifier import Classifier

GOAL = Goal(3)
BATCH = 32


class Counted:
    """A predict function that counts the images it is shown and the seconds it takes."""

    def __init__(self, predict: Predict) -> None:
        self.predict, self.images, self.seconds = predict, 0, 0.0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Ask, and count."""
        began = time.perf_counter()
        probs = self.predict(x)
        self.seconds += time.perf_counter() - began
        self.images += len(x)
        return probs

    def restart(self) -> None:
        """Forget what was counted."""
        self.images, self.seconds = 0, 0.0


def eager_probs(model: Classifier) -> Predict:
    """Images (N, H, W, 3) as `lime` makes them -> probabilities (N, K), by PyTorch as it is."""

    def predict(images: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(images[..., 0].astype(np.float32))[:, None]
        with torch.inference_mode():
            return torch.sigmoid(model(x)).numpy()

    return predict


def lime(plan: Plan) -> Iterator[Section]:
    """Both networks, all labels, the same superpixels, and on either side as many samples as equal stability takes."""
    engines = load_engines({"teacher": plan.teacher, "distilled": plan.student})
    fast = {str(member): Counted(engine.predict) for member, engine in engines.items()}
    eager = [Counted(eager_probs(model)) for model in (plan.teacher, plan.student)]
    label = int(np.nanargmax(fast["teacher"].predict(plan.x)[0]))  # the one that a page would show
    ours, again = (_ours(plan, fast, label, seed) for seed in (0, 1))
    goal = agreement(ours.weights, again.weights)
    coins = [Coins(fast, plan.pixels, ours.segments, seed) for seed in (0, 1)]
    n_theirs, reached = samples_for(goal, coins, ours.n_samples)
    rgb = np.repeat(plan.pixels[..., None], 3, axis=2)

    def theirs() -> object:
        return [_theirs(plan, rgb, ours.segments, predict, n_theirs) for predict in eager]

    contenders = {"ours": stopwatch(lambda: _ours(plan, fast, label)), "theirs": stopwatch(theirs)}
    timed = interleave(contenders, plan.rounds["lime"])
    names = {member: engine.name for member, engine in engines.items()}
    yield compare(
        "LIME of both networks",
        (f"cxrkd.explain.lime, engines {names['teacher']} and {names['distilled']}, shared masks", timed["ours"]),
        ("lime.LimeImageExplainer, eager PyTorch, one network after the other", timed["theirs"]),
        goal=GOAL,
        detail={
            "samples": {**{name: len(known) for name, known in ours.answers.items()}, "theirs": n_theirs},
            "rank correlation of two seeds": {"ours": goal, "theirs": reached},
            "expected on the shown label": ours.standing([label]).reached,
            "superpixels": int(ours.segments.max()) + 1,
            "labels": len(plan.teacher.labels),
            "batch_size": BATCH,
            "ours": _side(lambda: _ours(plan, fast, label), list(fast.values())),
            "theirs": _side(theirs, eager),
        },
        remark="Both sides take the samples with which two seeds rank superpixels equally well. What is left on our "
        "side is nearly all the teacher's forward passes.",
    )


def _ours(plan: Plan, predicts: dict[str, Counted], label: int, seed: int = 0) -> LimeResult:
    return our_lime(predicts, plan.pixels, plan.lime.model_copy(update={"seed": seed}), labels=[label])


def _theirs(plan: Plan, rgb: np.ndarray, segments: np.ndarray, predict: Counted, n_samples: int) -> object:
    """As its documentation has it, with the superpixels of our side and all labels from one pass."""
    explainer = LimeImageExplainer(random_state=0, verbose=False)
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar cannot be switched off
        return explainer.explain_instance(
            rgb,
            predict,
            labels=range(len(plan.teacher.labels)),
            top_labels=None,
            num_samples=n_samples,
            batch_size=BATCH,
            segmentation_fn=lambda _: segments,
        )


def _side(work: Callable[[], object], predicts: list[Counted]) -> dict[str, float | int]:
    """One more run of a side: how many images its networks saw, and the share of the time that took."""
    for predict in predicts:
        predict.restart()
    began = time.perf_counter()
    work()
    whole = time.perf_counter() - began
    return {
        "forwards": sum(predict.images for predict in predicts),
        "share_of_time_in_forwards": sum(predict.seconds for predict in predicts) / whole,
    }
