"""The networks of a run."""

from typing import Literal

Member = Literal["teacher", "alone", "distilled"]
MEMBERS: tuple[Member, ...] = ("teacher", "alone", "distilled")
MEMBER_NAMES: dict[str, str] = {
    "teacher": "Teacher",
    "alone": "Student alone",
    "distilled": "Student distilled",
}
