"""What is said of agreement between maps that were read off answers to altered films; `altered_agreement` measures it.

Apart from it, since lists and help must not wait for numpy and scipy.
"""

_FOUR = (
    "Grey is not above chance. It reaches to the highest of four lines: the student's map moved elsewhere, the "
    "student's Grad-CAM on other films and its mean, a bump in the middle. "
)
LINES = f"{_FOUR}No ceiling is measured: it would take several times as long as the maps."
LINES_OF_HALVES = f"{_FOUR}Thick tick: two equal models. Each model's map comes from masks that the other did not see."
