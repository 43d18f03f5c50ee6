"""How long the run will take whose values stand in the form, told while they change."""

from __future__ import annotations

from concurrent.futures import wait

import streamlit as st

from cxrkd.config import RunConfig
from cxrkd.dashboard import layout, waiting
from cxrkd.dashboard.caching import ahead
from cxrkd.dashboard.distill.form import Entered
from cxrkd.errors import CxrkdError
from cxrkd.text import duration


def foretell(entered: Entered) -> None:
    """Write beside the button how long it will take; or what of the values cannot be taken."""
    with entered.beside:
        st.caption(_sentence(entered))


def _sentence(entered: Entered) -> str:
    try:
        config = entered.config_so_far()
    except CxrkdError as error:
        return f"No estimate yet. {layout.literal(str(error))}"
    return expectation(config)


def expectation(config: RunConfig) -> str:
    """How long a run will take on this machine, and how that is known."""
    guess = ahead.guessed_seconds(config)
    wait([guess], timeout=waiting.QUIET_S)  # finished runs are read in less; a first glance at a network takes longer
    if not guess.done():
        waiting.for_result(guess)
        return "How long it takes on this machine is being found out."
    if guess.exception() is not None:  # the log has it; the form works all the same
        return "How long it takes on this machine could not be found out."
    estimate = guess.result()
    return f"About {duration(estimate.seconds)} on this machine, {estimate.basis}."
