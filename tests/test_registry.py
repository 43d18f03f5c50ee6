"""A registry is whole for whoever looks, also while another thread looks for the first time."""

import sys
import threading
from typing import Annotated

import pytest
from pydantic import BaseModel, Field, SerializeAsAny, ValidationError, field_validator

from cxrkd.errors import ConfigError
from cxrkd.registry import Entry, Registry

MODULE = """
import time
from {package} import THINGS
from cxrkd.registry import Entry

time.sleep(0.05)
THINGS.register(Entry(name="{name}", title="{name}", sentence="A thing."))
"""


@pytest.fixture
def things(tmp_path, monkeypatch):
    package = "things_of_a_test"
    folder = tmp_path / package
    folder.mkdir()
    registry = f"from cxrkd.registry import Registry\nTHINGS = Registry('thing', '{package}', first=('late',))\n"
    (folder / "__init__.py").write_text(registry)
    for name in ("early", "late"):
        (folder / f"{name}.py").write_text(MODULE.format(package=package, name=name))
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__(package).THINGS
    for name in [name for name in sys.modules if name.startswith(package)]:
        del sys.modules[name]


def test_threads_that_look_at_once_see_everything(things):
    seen, start = [], threading.Barrier(4)

    def look():
        start.wait()
        seen.append(list(things))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [["late", "early"]] * 4


def test_a_folder_that_cannot_be_imported_is_said_each_time():
    broken: Registry[Entry] = Registry("thing", "no_such_package_of_cxrkd")
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError):
            list(broken)


def test_names_are_taken_once_and_unknown_ones_explained(things):
    with pytest.raises(ConfigError, match="There is a thing 'late' already"), things.adding(things["late"]):
        pass
    assert list(things) == ["late", "early"]
    with pytest.raises(ConfigError, match=r"expected one of late, early\. Did you mean early\?"):
        _ = things["earley"]


class Inner(BaseModel, extra="forbid"):
    kind: str = "early"
    weight: float = Field(1.0, ge=0)

    @field_validator("weight")
    @classmethod
    def _odd(cls, weight):
        if weight == 13:
            raise ValueError("13 is no weight")
        return weight


def test_errors_inside_keep_their_place_and_their_words():
    registry: Registry[Entry] = Registry("thing", "cxrkd.jobs.kinds")
    one = registry.config_field("kind", "early")

    class Outer(BaseModel, extra="forbid"):
        kind: str = "outer"
        part: Annotated[SerializeAsAny[BaseModel], one] = Inner()

    class Whole(BaseModel):
        thing: Annotated[SerializeAsAny[BaseModel], one]

    entries = [Entry(name=n, title=n, sentence="A thing.", config=c) for n, c in (("early", Inner), ("outer", Outer))]
    cases = [
        ({"weight": -1}, ("thing", "weight"), "greater_than_equal", "greater than or equal to 0"),
        ({"weight": 13}, ("thing", "weight"), "value_error", "13 is no weight"),
        ({"wait": 1}, ("thing", "wait"), "extra_forbidden", "no such setting of early"),
        ({"kind": "outer", "part": {"kind": "nobody"}}, ("thing", "part", "kind"), "unknown_entry", "early, outer"),
        ({"kind": "outer", "part": {"wait": 1}}, ("thing", "part", "wait"), "extra_forbidden", "setting of early"),
    ]
    with registry.adding(*entries):
        for value, where, kind, words in cases:
            with pytest.raises(ValidationError) as refused:
                Whole.model_validate({"thing": value})
            (error,) = refused.value.errors()
            assert (error["loc"], error["type"]) == (where, kind)
            assert words in error["msg"]
        whole = Whole.model_validate({"thing": {"kind": "outer", "part": {"weight": 2}}})
        assert Whole.model_validate_json(whole.model_dump_json()) == whole
