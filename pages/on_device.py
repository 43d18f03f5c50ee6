"""On device: the student in the visitor's browser, and as a file that answers films elsewhere."""

from cxrkd.dashboard import layout, lighter
from cxrkd.dashboard.on_device import browser, exports

LEAD = (
    "The student leaves the house: it answers films in your browser, on a phone or on a server, without this program."
)

with layout.boundary():
    chosen_run = layout.frame("On device", LEAD)
    if chosen_run is None:
        layout.no_run()
    else:
        lighter.offer(chosen_run)
        with layout.boundary():  # a network that no browser can hold can still be taken away
            browser.show(chosen_run)
        exports.take_away(chosen_run)
