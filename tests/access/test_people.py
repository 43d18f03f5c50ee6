"""Roles, links, bounds and the record."""

import json
import stat

import pytest

from cxrkd.access import tokens
from cxrkd.access.bounds import Bounds
from cxrkd.access.record import read_acts, record_file, recording
from cxrkd.access.roles import THIS_MACHINE, Person, role_of_email
from cxrkd.config import RunConfig, TrainConfig
from cxrkd.data.readers.chestxray14 import ChestXray14Config
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.errors import AccessError, ConfigError, RunError


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "home"))


def test_make_includes_look():
    assert Person("make").may("look")
    assert not Person("look").may("make")
    with pytest.raises(AccessError, match="role make"):
        Person("look").require("make")


@pytest.mark.parametrize(
    ("email", "role"),
    [("ann@clinic.org", "make"), ("BO@clinic.org", "look"), ("eve@evil.org", None), ("", None), ("*", None)],
)
def test_emails_get_the_larger_role_that_names_them(email, role):
    settings = {"CXRKD_MAKE_EMAILS": "ann@clinic.org, ", "CXRKD_LOOK_EMAILS": "*@clinic.org"}
    assert role_of_email(email, settings) == role


def test_no_email_has_a_role_unless_one_is_named():
    assert role_of_email("ann@clinic.org", {}) is None


def test_a_token_opens_its_role_until_new_ones_are_made():
    first = tokens.tokens()
    assert tokens.tokens() == first
    assert {tokens.role_of(first[role]) for role in first} == {"look", "make"}
    cookie = tokens.new_cookie("make")
    assert tokens.person_of(cookie, "10.0.0.7") == Person("make", cookie.split(".")[1], "10.0.0.7")
    second = tokens.tokens(new=True)
    assert set(second.values()) & set(first.values()) == set()
    assert tokens.role_of(first["make"]) is tokens.person_of(cookie) is None


@pytest.mark.parametrize("token", ["", "x", "ü", "\0", "a" * 10_000, "None"])
def test_no_other_token_opens_anything(token):
    assert tokens.role_of(token) is None
    tokens.tokens()
    assert tokens.role_of(token) is None


def test_a_look_cookie_cannot_be_made_into_a_make_cookie():
    tokens.tokens()
    role, mark, signature = tokens.new_cookie("look").split(".")
    for forged in (
        f"make.{mark}.{signature}",
        f"{role}.000000.{signature}",
        f"{role}.{mark}.",
        f"{role}.{mark}",
        "é.é.é",
    ):
        assert tokens.person_of(forged) is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"look": "", "make": ""}', '{"look": 1, "make": 2}', '{"look": "x"'])
def test_a_damaged_file_of_tokens_lets_nobody_in_and_is_made_again(text):
    cookie = tokens.new_cookie("make")
    tokens.tokens_file().write_text(text)
    assert tokens.role_of("") is tokens.person_of(cookie) is None
    assert all(len(token) > 40 for token in tokens.tokens().values())


def run_of(**changes):
    small = TrainConfig(epochs=1, warm_epochs=0)
    return RunConfig(**({"name": "x", "data": PhantomConfig(n_patients=20), "student_train": small} | changes))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"seeds": tuple(range(11))}, "at most 10 seeds, got 11"),
        ({"data": PhantomConfig(n_patients=20_001)}, "at most 20,000 patients"),
        ({"data": PhantomConfig(n_patients=20, image_size=513)}, "at most 512 pixels"),
        ({"data": ChestXray14Config(folder="x", image_size=513)}, "at most 512 pixels"),
        ({"student_train": TrainConfig(epochs=1000)}, "at most 300 epochs, got 1,008"),
        ({"teacher_train": TrainConfig(batch_size=4096)}, "at most 512 images in a batch"),
        ({"teacher_arch": "+".join(["densenet121"] * 5)}, "at most 4 networks"),
        ({"seeds": (10**16,)}, "Seeds on this page"),
        ({"data": PhantomConfig(n_patients=20, seed=2**31)}, "Seeds on this page"),
    ],
)
def test_a_page_asks_for_no_more_than_its_bounds(changes, what):
    Bounds().refuse_beyond(run_of())
    with pytest.raises(AccessError, match=what):
        Bounds().refuse_beyond(run_of(**changes))


def test_the_operator_sets_the_bounds():
    assert Bounds.of({"CXRKD_MAX_SEEDS": "3", "CXRKD_MAX_QUEUED": ""}) == Bounds(seeds=3)
    for wrong in ("0", "-1", "many", "1e3", "²"):
        with pytest.raises(ConfigError, match="CXRKD_MAX_SEEDS: expected a whole number above zero"):
            Bounds.of({"CXRKD_MAX_SEEDS": wrong})
    Bounds().refuse_queue(19)
    with pytest.raises(AccessError, match="at most 20"):
        Bounds().refuse_queue(20)
    with pytest.raises(AccessError, match="images in a data set"):
        Bounds().refuse_images(ChestXray14Config(folder="x"), 250_001)


def note(who, what, on, error=None):
    with recording(who, what, on):
        if error is not None:
            raise error


def test_an_act_is_recorded_with_who_what_and_outcome():
    note(Person("make", "a1b2c3", "10.0.0.7"), "queue", "mine")
    with pytest.raises(RunError):
        note(THIS_MACHINE, "delete", "mine", RunError("it runs"))
    with pytest.raises(ZeroDivisionError):
        note(Person("make", email="ann@clinic.org"), "cancel", "mine", ZeroDivisionError("secret"))
    acts = [(act.role, act.mark, act.email, act.what, act.on, act.outcome) for act in read_acts()]
    assert acts == [
        ("make", "a1b2c3", "", "queue", "mine", "done"),
        ("make", "", "", "delete", "mine", "it runs"),
        ("make", "", "ann@clinic.org", "cancel", "mine", "unexpected ZeroDivisionError"),
    ]
    assert stat.S_IMODE(record_file().stat().st_mode) == 0o600


def test_a_cut_line_costs_itself_only_and_foreign_lines_none():
    note(THIS_MACHINE, "queue", "first")
    with record_file().open("ab") as file:
        file.write(b'null\n[1]\n\xff\xfe\n{"t": "soon"}\n{"t": 1, "ro')
    note(THIS_MACHINE, "queue", "sec\nond " + "x" * 1000)
    first, second = read_acts()
    assert (first.on, second.on) == ("first", ("sec\nond " + "x" * 1000)[:400])


def test_nothing_is_done_where_nothing_can_be_recorded():
    record_file().parent.parent.mkdir()
    record_file().parent.write_text("in the way")
    with pytest.raises(AccessError, match="Nothing was changed"), recording(THIS_MACHINE, "queue", "x"):
        pytest.fail("done")


def test_the_command_prints_the_record_newest_last(capsys):
    from cxrkd.cli import main

    assert main(["record"]) == 0
    assert "Nothing has been made" in capsys.readouterr().out
    note(Person("make", "a1b2c3", "10.0.0.7"), "queue", "run\x1b[2J1")
    note(THIS_MACHINE, "cancel", "run1")
    assert main(["record"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[2:] == ["make", "a1b2c3", "10.0.0.7", "queue", "run?[2J1", "done"]
    assert "make this machine" in lines[2]
    assert main(["record", "--json", "-n", "1"]) == 0
    assert [act["what"] for act in json.loads(capsys.readouterr().out)["acts"]] == ["cancel"]
