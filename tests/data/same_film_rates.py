"""How often the hash of films (`cxrkd.images.likeness`) knows a copy, and takes two patients for one.

`python -m tests.data.same_film_rates FOLDER [OTHER]`: a ChestX-ray14 tree, and one that holds some of its films from
another source. Prints what docs/experiments.md quotes.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from cxrkd.data import load_cohort
from cxrkd.data.readers.chestxray14 import ChestXray14Config
from cxrkd.images.likeness import SAME, distances, likenesses
from cxrkd.images.resizing import resized

SIZE, NATIVE = 224, 320
RNG = np.random.default_rng(0)


def jpeg(film, quality=50):
    return cv2.imdecode(cv2.imencode(".jpg", film, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)


def gamma(film, power):
    return (255 * (film / 255) ** power).round().astype(np.uint8)


def cropped(film, share):
    """Without `share` of the side: half of it at each edge."""
    n = round(len(film) * share / 2)
    return np.ascontiguousarray(film[n : len(film) - n, n : len(film) - n])


COPIES = {
    "256 px": lambda film: resized(film, 256),
    "JPEG, quality 50": jpeg,
    "noise, .02 of white": lambda film: (film + RNG.normal(0, 5.1, film.shape)).clip(0, 255).astype(np.uint8),
    "gamma .8": lambda film: gamma(film, 0.8),
    "gamma 1.25": lambda film: gamma(film, 1.25),
    "blur, sigma 2 px": lambda film: cv2.GaussianBlur(film, (0, 0), 2),
    "2 % of the side cropped": lambda film: cropped(film, 0.02),
    "3 % cropped": lambda film: cropped(film, 0.03),
    "4 % cropped": lambda film: cropped(film, 0.04),
    "256 px, 2 % cropped, gamma 1.25, JPEG 50": lambda film: jpeg(gamma(cropped(resized(film, 256), 0.02), 1.25)),
}


def main():
    folder, *others = map(Path, sys.argv[1:])
    cohort = load_cohort(ChestXray14Config(folder=folder, image_size=NATIVE))
    films = cohort.images
    hashes = likenesses(np.stack([resized(film, SIZE) for film in films]))
    print(f"{len(films)} films of {len(np.unique(cohort.patients))} patients; {SAME} of 256 bits may differ")
    for what, change in COPIES.items():
        copies = likenesses(np.stack([resized(change(film), SIZE) for film in films]))
        bits = np.array([distances(a[None], b[None])[0, 0] for a, b in zip(hashes, copies, strict=True)])
        tell(what, bits)
    between, one = distances(hashes, hashes), cohort.patients[:, None] == cohort.patients
    upper = np.triu(np.ones_like(one), 1)
    test = cohort.split == "test"
    tell("films of one patient", between[one & upper])
    tell("different patients, all pairs", between[~one & upper])
    tell("different patients, test x train", between[np.ix_(test, ~test)])
    for other in others:
        theirs = load_cohort(ChestXray14Config(folder=other, image_size=SIZE))
        at = {name: row for row, name in enumerate(theirs.ids.tolist())}
        pairs = [(row, at[name]) for row, name in enumerate(cohort.ids.tolist()) if name in at]
        mine, rows = (np.array(column) for column in zip(*pairs, strict=True))
        across = distances(hashes, likenesses(theirs.images))
        tell(f"the same film in {other.name}", across[mine, rows])
        apart = cohort.patients[:, None] != theirs.patients
        tell(f"different patients in {other.name}", across[apart])


def tell(what, bits):
    bits = np.ravel(bits)
    near, n = int((bits <= SAME).sum()), len(bits)
    quantiles = ", ".join(f"{np.quantile(bits, q):.0f}" for q in (0.01, 0.5, 0.99))
    print(
        f"{what}: {near:,} of {n:,} ({near / n:.2%}) are one; bits {bits.min()} to {bits.max()}, 1/50/99 % {quantiles}"
    )


if __name__ == "__main__":
    main()
