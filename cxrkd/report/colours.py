"""The colour of each network, on pages and in reports.

Okabe and Ito's (2008) blue, orange and bluish green, each darkened or lightened until it stands out on both the light
and the dark page.
"""

COLOURS: dict[str, str] = {"teacher": "#2F86C9", "alone": "#E07B00", "distilled": "#029E73"}
NEUTRAL = "#7A8794"
RUNS: tuple[str, ...] = (COLOURS["teacher"], COLOURS["alone"], COLOURS["distilled"], "#B85C94", "#8A7A00", NEUTRAL)
"""Of runs beside one another: the same three, and the palette's purple and yellow made to stand out alike."""
