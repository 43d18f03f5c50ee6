"""What is kept of an audit: see `cxrkd.runs.beside`.

<job>/audit.json            what was asked: the run, which films, which explainer
      films.npz             ids, patients and targets of the films, the share of each outside the body, and the hash
                            of what networks were shown; sealed
      maps/<name>.npz       raw maps float32 (N, K, h, w) and logits (N, K) by member, and of what they are held against
      places/<member>.npz   marked findings and what maps get there; share of the evidence outside the body
      proofs/<member>.npz   what is answered while cells of a film go, and what is left of maps without the weights
      figures.json          what is measured from these, and the checksums of the weights that were asked
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field
from scipy.special import expit

from cxrkd.config import DataConfig, Member
from cxrkd.explain.cohort_agreement import CohortAgreement, cohort_agreement
from cxrkd.explain.cohort_faithful import CohortCascade, CohortFaithful
from cxrkd.explain.cohort_lesions import MEASURES, OWN, RIVALS, CohortLesions
from cxrkd.jobs.files import damaged, read_as
from cxrkd.runs.auditing.faithful import from_proofs
from cxrkd.runs.auditing.figures import AuditFigures, measure_audit
from cxrkd.runs.beside import FIGURES, FIGURES_VERSION, BesideRun, FilmsAsked, read_arrays
from cxrkd.runs.reference import data_at

FILMS, MAPS, PLACES, PROOFS = "films.npz", "maps", "places", "proofs"
NOISY, RANDOM = "teacher-noise", "random"
"""Maps of the teacher under light noise, and of a student with freshly drawn weights."""
KNOWN = ("ids", "patients", "targets", "air")
DIGESTS = "digests"
"""`digest_of_tones` of the films, which audits of older versions lack."""


class AuditConfig(FilmsAsked):
    """What an audit was asked."""

    method: str = Field("gradcam", title="Explainer")
    films: int | None = Field(None, ge=2, title="Films at most", description="drawn at random; all if not given")
    proofs: int = Field(
        32,
        ge=0,
        title="Films put to the proof",
        description="at most so many with a finding, drawn at random, whose maps are put to the proof; 0 for none",
    )


@dataclass(frozen=True)
class AuditJob(BesideRun[AuditConfig]):
    """One audit."""

    KIND, ASKED, ASKS = "audit", "audit.json", AuditConfig

    @property
    def data(self) -> DataConfig:
        """The data set of its films, where the audit has read them.

        Raises:
            RunError: the run is gone or damaged.
        """
        own = self.run().config.data
        data = self.config.data or data_at(own, self.config.folder)
        return data.model_copy(update={"image_size": own.image_size})

    def maps_path(self, name: str) -> Path:
        """Where the maps of a member, or NOISY or RANDOM, are, whether or not they exist."""
        return self.path / MAPS / f"{name}.npz"

    def places_path(self, member: Member) -> Path:
        """Where it is kept what a member's maps get on marked findings, whether or not it exists."""
        return self.path / PLACES / f"{member}.npz"

    def proofs_path(self, member: Member) -> Path:
        """Where it is kept how true a member's maps are, whether or not it exists."""
        return self.path / PROOFS / f"{member}.npz"

    def films(self) -> dict[str, np.ndarray]:
        """Ids, patients, DIGESTS str (N,), targets float32 (N, K), share outside the body float32 (N,).

        Raises:
            RunError: they are not there, or damaged.
        """
        arrays = read_arrays(self.path / FILMS)
        if set(arrays) - {DIGESTS} != set(KNOWN):
            raise damaged(self.path / FILMS, f"expected {', '.join(KNOWN)}")
        return arrays

    def maps(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Raw maps float32 (N, K, h, w) and logits (N, K).

        Raises:
            RunError: they are not there, or damaged.
        """
        arrays, shape = read_arrays(self.maps_path(name)), (len(self.films()["ids"]), len(self.run().labels))
        maps, logits = arrays.get("maps"), arrays.get("logits")
        if maps is None or logits is None or maps.ndim != 4 or maps.shape[:2] != shape or logits.shape != shape:
            raise damaged(self.maps_path(name), f"expected maps {(*shape, 'h', 'w')} and logits {shape}")
        return maps, logits

    def probs(self, member: Member) -> np.ndarray:
        """Probabilities of a member, float64 (N, K).

        Raises:
            RunError: its logits are not there, or damaged.
        """
        return np.asarray(expit(self.maps(member)[1].astype(np.float64)))

    def calls(self, member: Member) -> np.ndarray:
        """What a member calls, float64 (N, K): 1, 0, or NaN of a finding without a threshold.

        Raises:
            RunError: its logits, or figures of the run, are not there or damaged.
        """
        cuts = self.run().metrics().of(member).thresholds_array()
        return np.where(np.isnan(cuts), np.nan, (self.probs(member) >= cuts).astype(np.float64))

    def agreements(self) -> dict[Member, CohortAgreement]:
        """By student, agreement of every film and label with the teacher.

        Raises:
            RunError: maps are not there, or damaged.
        """
        patients, (teacher, _) = self.films()["patients"], self.maps("teacher")
        noisy, random = self.maps(NOISY)[0], self.maps(RANDOM)[0]
        return {
            member: cohort_agreement(teacher, self.maps(member)[0], patients, noisy_t=noisy, random_s=random)
            for member in self.run().members()
            if member != "teacher"
        }

    def lesions(self, member: Member) -> CohortLesions:
        """A member's maps against marked findings.

        Raises:
            RunError: they are not there, or damaged.
        """
        arrays = read_arrays(self.places_path(member))
        try:
            figures = {name: {figure: arrays[f"{name}.{figure}"] for figure in MEASURES} for name in (OWN, *RIVALS)}
            return CohortLesions(arrays["films"], arrays["labels"], arrays["area"], figures)
        except KeyError as error:
            raise damaged(self.places_path(member), f"{error.args[0]} is missing") from error

    def outside(self, member: Member) -> np.ndarray:
        """Share of a member's evidence outside the body (N, K).

        Raises:
            RunError: it is not there, or damaged.
        """
        arrays = read_arrays(self.places_path(member))
        if "outside" not in arrays:
            raise damaged(self.places_path(member), "outside is missing")
        return arrays["outside"]

    def proofs(self) -> dict[Member, tuple[CohortFaithful, CohortCascade]]:
        """By member, how true its maps are; empty of an audit that did not ask.

        Raises:
            RunError: some of it is missing or damaged.
        """
        if not (self.path / PROOFS).exists():
            return {}
        held = {}
        for member in self.run().members():
            try:
                held[member] = from_proofs(read_arrays(self.proofs_path(member)))
            except KeyError as error:
                raise damaged(self.proofs_path(member), f"{error.args[0]} is missing") from error
        return held

    def measure(self) -> AuditFigures:
        """Every figure again, from what is kept.

        Raises:
            RunError: some of it is missing or damaged.
        """
        films, members = self.films(), self.run().members()
        return measure_audit(
            self.run().labels,
            films["targets"],
            np.any([self.calls(member) == 1 for member in members], axis=0),
            films["patients"],
            {str(member): one for member, one in self.agreements().items()},
            {str(member): self.lesions(member) for member in members},
            {str(member): self.outside(member) for member in members},
            films["air"],
            {str(member): held for member, held in self.proofs().items()},
        )

    def figures(self) -> AuditFigures:
        """The figures as they are kept.

        Raises:
            RunError: the audit has not come that far, or the file is damaged.
        """
        return read_as(self.path / FIGURES, FIGURES_VERSION, AuditFigures.from_dict)


def places(lesions: CohortLesions, outside: np.ndarray) -> Mapping[str, np.ndarray]:
    """What `lesions` and `outside` of a job read, as arrays for one file."""
    columns = {f"{name}.{figure}": values for name, of in lesions.figures.items() for figure, values in of.items()}
    return {"films": lesions.films, "labels": lesions.labels, "area": lesions.area, "outside": outside} | columns
