"""On device: the student as a file that answers films elsewhere."""

from cxrkd.dashboard import layout
from cxrkd.dashboard.on_device import exports

LEAD = "The student leaves the house: a file that answers films on a phone or a server, without this program."

with layout.boundary():
    chosen_run = layout.frame("On device", LEAD)
    if chosen_run is None:
        layout.no_run()
    else:
        exports.take_away(chosen_run)
