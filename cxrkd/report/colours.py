"""The colour of each network, on pages and in reports.

Okabe and Ito's (2008) blue, orange and bluish green, each darkened or lightened until it stands out on both the light
and the dark page.
"""

COLOURS: dict[str, str] = {"teacher": "#2F86C9", "alone": "#E07B00", "distilled": "#029E73"}
NEUTRAL = "#7A8794"
