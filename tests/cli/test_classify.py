import csv

import numpy as np
import pytest

from cxrkd.cli.options import engine_for
from cxrkd.evaluate.thresholds import MIN_THRESHOLD_PATIENTS
from cxrkd.runs.choosing import PHANTOM_WARNING


@pytest.mark.parametrize(
    ("asked", "n", "used"), [("auto", 499, "quick"), ("auto", 500, "auto"), ("openvino", 1, "openvino")]
)
def test_preparing_a_quicker_engine_must_be_worth_it(asked, n, used):
    assert engine_for(asked, n) == used


@pytest.fixture
def classify(cli, tiny_run):
    """`classify` on the tiny run by plain PyTorch."""
    return lambda *words: cli("classify", *words, "--run", tiny_run.id, "--engine", "pytorch")


def test_every_readable_film_is_answered_by_every_member(classify, films, tiny_run):
    found = classify(films / "grey.png", films / "deep.png", films / "colour.jpg", "--json")
    assert found.code == 0
    answers = found.document["answers"]
    assert [answer["name"] for answer in answers] == [str(films / n) for n in ("grey.png", "deep.png", "colour.jpg")]
    for answer in answers:
        assert list(answer["members"]) == ["teacher", "alone", "distilled"]
        assert answer["warning"] == PHANTOM_WARNING
        for said in answer["members"].values():
            assert list(said["probs"]) == list(tiny_run.labels)
            assert all(0 <= p <= 1 for p in said["probs"].values())
            assert said["latency_ms"] > 0
            assert said["engine"] == "pytorch"
    assert any("16" in note for note in answers[1]["notes"])


def test_the_probabilities_are_those_of_the_network(classify, films, tiny_run):
    import torch

    from cxrkd.images.radiograph import to_input
    from cxrkd.images.read import read

    pixels = to_input(read((films / "grey.png").read_bytes(), "grey.png"), 32)
    with torch.inference_mode():
        expected = torch.sigmoid(tiny_run.load_model("distilled")(torch.from_numpy(pixels)[None, None]))[0]
    said = classify(films / "grey.png", "--members", "distilled", "--json").document["answers"][0]["members"]
    assert list(said) == ["distilled"]
    np.testing.assert_allclose(list(said["distilled"]["probs"].values()), expected, atol=1e-5)


def test_what_is_no_film_gets_a_sentence_and_the_rest_an_answer(classify, films, tmp_path):
    bad = [films / "notes.txt", films / "cut.png", films / "missing.png"]
    found = classify(bad[0], films / "grey.png", *bad[1:], "--json")
    assert found.code == 1
    assert [a["name"] for a in found.document["answers"]] == [str(films / "grey.png")]
    assert [f["name"] for f in found.document["failures"]] == [str(path) for path in bad]
    lines = found.err.splitlines()
    assert len(lines) == len(bad)
    for line, path in zip(lines, bad, strict=True):
        assert line.startswith("cxrkd: ")
        assert line.endswith(".")
        assert str(path) in line


def test_a_flagged_file_is_refused_with_its_reason_and_the_others_are_answered(classify, films):
    found = classify(films / "inverted.png", films / "grey.png", "--json")
    assert found.code == 1
    (answer,) = found.document["answers"]
    assert answer["name"] == str(films / "grey.png")
    assert (answer["gate"]["passed"], answer["gate"]["reason"]) == (True, "")
    assert answer["gate"]["score"] > 0.5
    (failure,) = found.document["failures"]
    assert failure["name"] == str(films / "inverted.png")
    assert failure["gate"]["passed"] is False
    assert failure["gate"]["kind"] == "inverted"
    assert failure["gate"]["reason"] in failure["error"]
    assert found.err == f"cxrkd: {failure['error']}\n"
    assert str(films / "inverted.png") in found.err
    assert "--force" in found.err


def test_force_answers_a_flagged_file_and_says_so(classify, films, tmp_path):
    path = tmp_path / "answers.csv"
    found = classify(films / "inverted.png", films / "grey.png", "--force", "--json", "--csv", path)
    assert (found.code, found.err, found.document["failures"]) == (0, "", [])
    flagged, passed = (answer["gate"] for answer in found.document["answers"])
    assert (flagged["passed"], passed["passed"]) == (False, True)
    with path.open(newline="", encoding="utf-8") as file:
        assert {row["gate"] for row in csv.DictReader(file)} == {flagged["reason"], ""}
    text = classify(films / "inverted.png", "--force").out
    assert f"WARNING: {flagged['reason']} Answered because of --force." in text
    assert "Answered because" not in classify(films / "grey.png", "--force").out


def test_without_coefficients_nothing_is_answered(classify, films, monkeypatch, tmp_path):
    from cxrkd.images import gate

    monkeypatch.setattr(gate, "COEFFICIENTS", tmp_path / "gate.safetensors")
    gate.load_gate.cache_clear()
    found = classify(films / "grey.png")
    gate.load_gate.cache_clear()
    assert (found.code, found.out) == (2, "")
    assert "gate.safetensors, are missing. Restore it" in found.err


def test_when_no_file_can_be_read_no_network_is_loaded(classify, films, monkeypatch):
    from cxrkd.runs.run import Run

    monkeypatch.setattr(Run, "load_model", lambda *_: pytest.fail("loaded a network for nothing"))
    found = classify(films / "notes.txt")
    assert (found.code, found.out.strip()) == (1, "")


def test_people_read_a_table_with_the_warning(classify, films, tiny_run):
    found = classify(films / "grey.png")
    assert found.code == 0
    assert f"WARNING: {PHANTOM_WARNING}" in found.out
    assert all(label in found.out for label in tiny_run.labels)
    assert "distilled - teacher" in found.out
    assert "ms (pytorch)" in found.out


def test_people_read_what_was_judged_and_why_the_rest_was_not(classify, films, tiny_run):
    from cxrkd.runs.standing import standing

    found = classify(films / "grey.png", films / "deep.png")
    known = standing(tiny_run, "distilled")
    judged = sum(not reason for reason in known.not_judged)
    assert found.out.count("  distilled: ") == 2
    if judged > 1:
        assert f"of the {judged} findings it can call" in found.out
    folded = len(tiny_run.labels) - judged
    assert folded, "24 patients hold too few positives of most labels"
    assert found.out.count(f"not judged ({folded}):") == 1
    assert f"in validation, {MIN_THRESHOLD_PATIENTS} are needed" in found.out


def test_json_and_csv_hold_verdicts_and_how_good_each_network_is(classify, films, tiny_run, tmp_path):
    path = tmp_path / "out.csv"
    found = classify(films / "grey.png", "--csv", path, "--json").document
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    (answer,) = found["answers"]
    for member, said in answer["members"].items():
        assert {row[f"{member}_verdict"] for row in rows} == {said["verdict"]}
        for row in rows:
            about = found["standing"][member][row["label"]]
            assert row[f"{member}_not_judged"] == about["not_judged"]
            assert (row["label"] in said["judged"]) == (about["not_judged"] == "")
            assert row[f"{member}_auroc"] == ("" if about["auroc"] is None else str(about["auroc"]))


def test_the_csv_holds_a_row_a_file_and_label(classify, films, tiny_run, tmp_path):
    path = tmp_path / "deep" / "out.csv"
    found = classify(films / "grey.png", films / "deep.png", "--csv", path, "--json")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(tiny_run.labels)
    first = found.document["answers"][0]["members"]["teacher"]["probs"][rows[0]["label"]]
    assert float(rows[0]["teacher_prob"]) == first
    assert {row["warning"] for row in rows} == {PHANTOM_WARNING}


def test_a_csv_that_cannot_be_written_is_a_sentence(classify, films, tmp_path):
    (tmp_path / "file").write_text("")
    found = classify(films / "grey.png", "--csv", tmp_path / "file" / "out.csv")
    assert found.code == 2
    assert "Cannot write" in found.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--members", "giant"], "Expected members of"),
        (["--members", ""], "got none"),
        (["--run", "nope"], "expected the id"),
    ],
)
def test_a_wrong_choice_is_two(cli, films, tiny_run, words, message):
    found = cli("classify", films / "grey.png", "--run", tiny_run.id, "--engine", "pytorch", *words)
    assert (found.code, found.out) == (2, "")
    assert message in found.err
