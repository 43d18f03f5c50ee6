"""The last layer of a network, and what a network takes over from another that answers other labels."""

from __future__ import annotations

from torch import nn

from cxrkd.errors import ConfigError
from cxrkd.models.classifier import Classifier


def head_name(model: Classifier) -> str | None:
    """Name of the layer whose outputs are the logits; None for a network that does not end in a linear one."""
    wide = [n for n, m in model.named_modules() if isinstance(m, nn.Linear) and m.out_features == len(model.labels)]
    return wide[-1] if wide else None


def take_over(model: Classifier, source: Classifier) -> tuple[str, ...]:
    """Give `model` the weights of `source`. Rows of the head go by label; those of labels new to it stay as they are.

    Args:
        model: changed in place.
        source: a network of the same arch, with any labels.

    Returns:
        The labels of `model` that `source` answers.

    Raises:
        ConfigError: the networks differ in more than their labels.
    """
    known = tuple(label for label in model.labels if label in source.labels)
    rows, theirs = [model.labels.index(n) for n in known], [source.labels.index(n) for n in known]
    own, state, head = model.state_dict(), source.state_dict(), head_name(model)
    try:
        for key in (f"{head}.weight", f"{head}.bias") if head else ():
            mixed = own[key].clone()
            mixed[rows] = state[key][theirs].to(mixed)
            state[key] = mixed
        model.load_state_dict(state)
    except (RuntimeError, KeyError) as error:
        raise ConfigError(
            f"{model.arch} for {model.input_size} px and {len(model.labels)} labels cannot go on from the weights of "
            f"{source.arch} for {source.input_size} px: start from a run with the same network and image size."
        ) from error
    return known
