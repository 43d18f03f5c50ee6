"""What pages call the settings of a run: the titles of the config's fields."""

from __future__ import annotations

from cxrkd.config import RunConfig
from cxrkd.config.settings import settings


def setting_title(key: str, kind: str = "phantom") -> str:
    """What the form calls a dotted key; the key itself where the form has no such setting.

    >>> setting_title("student_train.epochs"), setting_title("data.folder", "chexpert"), setting_title("data.kind")
    ('Training of the students, Epochs at full size', 'Folder', 'Images')

    Two runs on data sets of different kinds are compared by settings that only one of them has.

    Args:
        key: dotted, as `setting_name` gives it.
        kind: of the data set, which decides on the settings below `data`.
    """
    having = [setting for setting in settings() if setting.key == key]
    if having:
        return min(having, key=lambda setting: kind not in setting.variants).full_title
    part = RunConfig.model_fields.get(key)
    return key if part is None else str(part.title)
