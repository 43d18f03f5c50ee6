"""On a phone one film at a time, as wide as the screen, the next a swipe away; zoomed as the phone zooms."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxrkd.dashboard.captioned import bar_colours
from cxrkd.dashboard.charts.films import ColourBar
from cxrkd.dashboard.pictures import Panel

VIEWER = "viewer"
WIDE, NARROW = "films_side_by_side", "films_one_by_one"
"""Keys of the two containers, of which a screen shows one; in the page they are classes of these names."""
NARROWEST_PX = 640
SIDE_PX = 640
CONTROLS_PX = 268
_ROOM_PX = 1080
"""Of the window: below it the controls stand under the films."""
_STYLE = f"""<style>
.st-key-{VIEWER}_films {{ container-type: inline-size; }}
.st-key-{VIEWER} > :first-child {{ flex: 1 1 0 !important; min-width: 0; }}
.st-key-{VIEWER} > :last-child {{ flex: 0 0 {CONTROLS_PX}px !important; }}
@media (max-width: {_ROOM_PX}px) {{
  .st-key-{VIEWER} {{ flex-direction: column; }}
  .st-key-{VIEWER} > * {{ flex: 0 0 auto !important; width: 100% !important; }}
}}
.st-key-{WIDE} {{ flex: 0 0 auto !important; }}
.st-key-{WIDE} :is([data-testid="stElementContainer"], [data-testid="stFullScreenFrame"], .stPlotlyChart) {{
  height: 100%;
}}
@media (min-width: {NARROWEST_PX + 1}px) {{ .st-key-{NARROW}, .st-key-{NARROW}_bar {{ display: none; }} }}
@media (max-width: {NARROWEST_PX}px) {{
  .st-key-{WIDE} {{ display: none; }}
  .st-key-{NARROW} {{ flex-wrap: nowrap; overflow-x: auto; scroll-snap-type: x mandatory; }}
  .st-key-{NARROW} > * {{ flex: 0 0 92%; min-width: 92%; scroll-snap-align: center; }}
}}
</style>"""


def places() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Where films and controls go: beside each other, or on a narrow screen the films first."""
    st.html(_STYLE)
    with st.container(key=VIEWER, horizontal=True, wrap=False, gap="medium"):
        return st.container(key=f"{VIEWER}_films"), st.container(key=f"{VIEWER}_controls")


def show(panels: Sequence[Panel], bar: ColourBar | None, title: str, height: str) -> None:
    """The films of WIDE once more, for narrow screens.

    Args:
        panels: one a model.
        bar: what the colours mean.
        title: what they show, for who does not see it.
        height: of WIDE, in CSS.
    """
    st.html(f"<style>.st-key-{WIDE} {{ height: {height}; }}</style>")
    with st.container(key=NARROW, horizontal=True, wrap=False):
        for number, panel in enumerate(panels, 1):
            note = ", ".join(panel.note.splitlines())
            caption = f"**{panel.title}** ({number} of {len(panels)}): {note}"
            alt = f"{title}, {panel.title}: {note}"
            st.image(panel.flat(SIDE_PX), caption=caption, width="stretch", output_format="JPEG", alt=alt)
    with st.container(key=f"{NARROW}_bar"):
        if bar is not None:
            words = f"Colours: {bar.low:.3g} to {bar.high:.3g}, {bar.title}. Swipe for the other models."
            st.image(bar_colours(bar, SIDE_PX, 16), caption=words, width="stretch", alt=words)
