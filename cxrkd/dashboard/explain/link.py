"""The address of a view of the Explain page: `explain?run=ID&film=FILMKEY&label=LABEL&method=METHOD`.

    run     id of the run.
    film    id of the film in its data set; of a file, `sha256-` and the hash of its pixels: see `film_key`.
    label   as the run calls it: `Effusion`.
    method  name of the explainer, one of `EXPLAINERS`: `gradcam`.

Whoever opens it sees that film, label and method by that run. A file is not in the link: the page asks for it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from urllib.parse import quote, urlencode

from cxrkd.images.film import Film

PAGE = "explain"
RUN, FILM, LABEL, METHOD = PARAMETERS = ("run", "film", "label", "method")
OF_FILE = "sha256-"
"""What the key of a film begins with that came as a file, and not out of a data set."""


def link(run: str, film: str, label: str, method: str) -> str:
    """Where the Explain page shows a film, relative to any other page of the dashboard.

    Args:
        run: id of the run.
        film: `film_key` of the film: of a row of a data set, its id there.
        label: one of the run's.
        method: one of EXPLAINERS.

    >>> link("nih", "00009342_000", "Pleural_Thickening", "gradcam++")
    'explain?run=nih&film=00009342_000&label=Pleural_Thickening&method=gradcam%2B%2B'
    """
    return f"{PAGE}?{urlencode(dict(zip(PARAMETERS, (run, film, label, method), strict=True)), quote_via=quote)}"


def film_key(film: Film) -> str:
    """What a link calls a film: the hash of a file's pixels, whatever its name, or the id of a row of a data set."""
    return f"{OF_FILE}{film.digest}" if film.digest else film.name


def hash_in(key: str) -> str:
    """The hash of the pixels of a file that a key names; empty where it names a row of a data set."""
    return key.removeprefix(OF_FILE) if key.startswith(OF_FILE) else ""


@dataclass(frozen=True)
class View:
    """One view of the page; what is empty is not asked for. Names are those of the address.

    Attributes:
        linked: an address asked for it, and it is said what of it cannot be shown; else the visitor was here before.
    """

    run: str = ""
    film: str = ""
    label: str = ""
    method: str = ""
    linked: bool = field(default=False, compare=False)

    def params(self) -> dict[str, str]:
        """What stands in the address."""
        return {name: value for name, value in asdict(self).items() if name in PARAMETERS and value}
