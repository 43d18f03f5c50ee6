"""What an audit shows, in words: the command line and the pages say the same, also where the answer is no."""

from __future__ import annotations

from collections.abc import Sequence

from cxrkd.config import MEMBER_NAMES, READERS
from cxrkd.data.readers.films import STRANGERS, FilmsConfig
from cxrkd.evaluate.means import Mean
from cxrkd.explain.chance import LINE_NAMES
from cxrkd.explain.cohort_lesions import CENTRE, LABEL_MEAN
from cxrkd.explain.faithful import GAIN, LINE_TITLES
from cxrkd.runs.auditing.faithful import CascadeFigures, FaithfulFigures
from cxrkd.runs.auditing.figures import (
    CALLED,
    EVERY,
    PRESENT,
    AgreementFigures,
    AuditFigures,
    GainFigures,
    LesionFigures,
)
from cxrkd.runs.auditing.job import AuditJob
from cxrkd.runs.choosing import PHANTOM_RESULT
from cxrkd.text import NOT_ENOUGH, interval, number, percent

RIVAL_NAMES = {LABEL_MEAN: "its mean map of the finding", CENTRE: "a bump in the middle"}
OVER = {PRESENT: "present findings", CALLED: "findings that some network calls", EVERY: "every finding"}
WHOSE = {PRESENT: "a finding", CALLED: "a called finding", EVERY: "a map"}


def rule(figures: AuditFigures) -> str:
    """What has to hold for a verdict."""
    return (
        f"A student looks where its teacher looks if the rank correlation of their maps, over {OVER[figures.counted]}, "
        "is above every chance line: the 95 % interval of each paired difference, by patient, leaves zero out. A "
        "network looks at lesions if the maximum of its map lies in the marked region more often than that of its mean "
        "map of the finding, and than the middle of the film, by the same rule. Ten patients are needed for either."
    )


FAITHFUL_RULE = (
    "Maps say what a network uses if its logit falls as the cells go that they call relevant, and rises as they come: "
    "the area under insertion minus that under deletion, of present findings, is larger than for cells ranked at "
    "random, by its mean map of the finding, and from the middle outwards, by the same rule. They hang on its weights "
    "if with all weights drawn anew no more of a map is left than maps of different films have in common."
)
NOT_PROVED = "Whether the maps say what the networks use was not measured in this audit."


def verdicts(figures: AuditFigures) -> list[str]:
    """A sentence for each question that the audit answers."""
    agreement = [agreement_sentence(figures.agreement_of(student, figures.counted)) for student in figures.students]
    gains = [gain_sentence(row) for row in figures.gain if row.cells == figures.counted]
    members = dict.fromkeys(row.member for row in figures.lesions)
    lesions = [row for member in members if (row := figures.lesions_of(member, "hit")) is not None]
    marked = [lesion_sentence(row) for row in lesions] or ["Nothing is marked on these films: lesions cannot be asked."]
    return [*_unknown(figures), *agreement, *gains, *marked, *faithful_sentences(figures)]


def remarks(job: AuditJob) -> list[str]:
    """What has to be read beside the figures because of the films that they are of."""
    data = job.data
    drawn = [PHANTOM_RESULT] if READERS[data.kind].drawn else []
    return [*drawn, *([STRANGERS] if isinstance(data, FilmsConfig) else [])]


def _unknown(figures: AuditFigures) -> list[str]:
    """What verdicts are over where no finding is known to be on any film."""
    over = OVER[figures.counted]
    return [] if figures.counted == PRESENT else [f"No finding is known to be on these films: figures are over {over}."]


def faithful_sentences(figures: AuditFigures) -> list[str]:
    """Whether the maps say what the networks use."""
    members = dict.fromkeys(row.member for row in figures.faithful)
    rows = [row for member in members if (row := figures.faithful_of(member, GAIN)) is not None]
    if not rows:
        return [NOT_PROVED]
    return [*(faithful_sentence(row) for row in rows), cascade_sentence(figures.cascade)]


def faithful_sentence(row: FaithfulFigures) -> str:
    """Whether a network's maps say what it uses."""
    name = MEMBER_NAMES.get(row.member, row.member)
    if not row.enough:
        return f"{name}, what it uses: {NOT_ENOUGH} ({row.own.n_patients} patients with a finding)."
    weakest = row.weakest
    shown = f"{LINE_TITLES[weakest.name]}, by {of(weakest.above, sign=True, digits=2)}"
    value = of(row.own, sign=True, digits=2)
    if row.holds:
        return (
            f"{name}: its maps say what it uses; insertion minus deletion is {value}, above every ranking that has not "
            f"seen the film; the closest is {shown}."
        )
    return (
        f"{name}: its maps are not shown to say what it uses better than chance; insertion minus deletion is {value}, "
        f"not shown above {shown}."
    )


def cascade_sentence(rows: Sequence[CascadeFigures]) -> str:
    """Whether maps hang on the weights, of all networks together."""
    left = ", ".join(f"{_short(row.member)} {of(row.left[-1], sign=True, digits=2)}" for row in rows)
    free = [_short(row.member) for row in rows if not row.hangs_on_weights]
    word = f"No proof that maps hang on the weights of {', '.join(free)}" if free else "So they hang on the weights"
    others = ", ".join(number(row.others.value, 2, sign=True) for row in rows)
    return (
        f"With all weights drawn anew a map keeps this rank correlation with itself: {left}; maps of different films "
        f"have {others}. {word}."
    )


def _short(member: str) -> str:
    return MEMBER_NAMES.get(member, member).lower()


def agreement_sentence(row: AgreementFigures) -> str:
    """Whether a student looks where its teacher looks."""
    name = MEMBER_NAMES.get(row.student, row.student)
    if not row.enough:
        return f"{name}: {NOT_ENOUGH} ({row.own.n_patients} patients with {WHOSE[row.cells]})."
    weakest = row.weakest
    shown = f"{LINE_NAMES[weakest.name]}, by {of(weakest.above, sign=True)}"
    if row.holds:
        return f"{name} looks where its teacher looks: {of(row.own)}, above every chance line; the closest is {shown}."
    return f"{name} does not look where its teacher looks more than chance: {of(row.own)}; not shown above {shown}."


def gain_sentence(row: GainFigures) -> str:
    """Whether distillation brought the student's maps to the teacher's."""
    difference = row.difference
    if difference.above_zero:
        word = "agrees with its teacher more than the student alone does"
    elif difference.below_zero:
        word = "agrees with its teacher less than the student alone does"
    else:
        word = "is not shown to agree with its teacher more, or less, than the student alone does"
    return f"Student distilled {word}: {of(difference, sign=True)}."


def lesion_sentence(row: LesionFigures) -> str:
    """Whether a network looks at marked lesions."""
    name = MEMBER_NAMES.get(row.member, row.member)
    if not row.enough:
        return f"{name}, lesions: {NOT_ENOUGH} ({row.own.n_patients} patients with a marked finding)."
    word = "looks at lesions" if row.holds else "is not shown to look at lesions more than what has not seen the film"
    rivals = ", ".join(f"{RIVAL_NAMES[rival.name]} in {percent(rival.value.value)}" for rival in row.rivals)
    return f"{name} {word}: its map points into {percent(row.own.value)} of {row.own.n} marked findings, {rivals}."


def of(mean: Mean, *, sign: bool = False, digits: int = 3) -> str:
    """A mean with its interval."""
    return interval(mean.value, mean.low, mean.high, digits=digits, sign=sign)
