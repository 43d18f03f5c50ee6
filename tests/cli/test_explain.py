import json

import numpy as np
import pytest
from PIL import Image

from cxrkd.cli.explain import SCALES
from cxrkd.explain.body import body_mask, evidence_outside
from cxrkd.explain.explainer import EXPLAINERS
from cxrkd.explain.overlay import SCALES as EXPLAIN_SCALES
from cxrkd.images.radiograph import to_input
from cxrkd.images.read import read
from cxrkd.runs.choosing import PHANTOM_WARNING
from cxrkd.runs.metrics import MemberMetrics
from cxrkd.runs.reference import FILE
from tests import toys


@pytest.fixture
def explain(cli, tiny_run, films):
    """`explain` the grey film with the tiny run by plain PyTorch."""
    return lambda *words: cli("explain", films / "grey.png", "--run", tiny_run.id, "--engine", "pytorch", *words)


def test_help_names_every_explainer_and_its_settings(cli):
    text = " ".join(cli("explain", "--help").out.split())
    assert all(f"{name} ({entry.title})" in text for name, entry in EXPLAINERS.items())
    for flag in ("--stability X", "--samples N", "--segments N", "--fill blur|mean|black", "--seed N"):
        assert flag in text
    assert "images shown to each network at most (default 1000)" in text


def test_maps_pictures_and_json(explain, tmp_path):
    words = ["--label", "pleural thickening", "--label", "Mass", "--out", tmp_path / "o", "--scale", "own", "--json"]
    found = explain(*words)
    assert found.code == 0
    assert [one["label"] for one in found.document["explanations"]] == ["Pleural_Thickening", "Mass"]
    assert found.document["warning"] == PHANTOM_WARNING
    pictures = sorted(path.name for path in (tmp_path / "o").glob("*.png"))
    assert pictures == sorted(
        f"grey-{label}-gradcam-{member}.png"
        for label in ("Pleural_Thickening", "Mass")
        for member in ("teacher", "alone", "distilled")
    )
    assert all(np.asarray(Image.open(path)).shape == (32, 32, 3) for path in found.document["pictures"])
    assert json.loads((tmp_path / "o" / "grey-gradcam.json").read_text()) == found.document


def test_the_map_is_that_of_grad_cam(explain, tiny_run, films):
    import torch

    from cxrkd.explain.cam import grad_cam

    pixels = to_input(read((films / "grey.png").read_bytes(), "grey.png"), 32)
    expected = grad_cam(tiny_run.load_model("alone"), torch.from_numpy(pixels)[None, None], "layercam").cams
    said = explain("--label", "Mass", "--method", "layercam", "--json").document["explanations"][0]
    got = np.array(said["members"]["alone"]["cam"])
    np.testing.assert_allclose(got, expected[tiny_run.labels.index("Mass")], atol=1e-6)


def test_the_offered_scales_are_those_there_are():
    assert SCALES == EXPLAIN_SCALES


def test_without_a_label_one_that_is_called_is_explained(explain, tiny_run, monkeypatch):
    cut = np.full(len(tiny_run.labels), 0.999)
    cut[tiny_run.labels.index("Edema")] = 1e-6
    monkeypatch.setattr(MemberMetrics, "thresholds_array", lambda self: cut)
    document = explain("--json").document
    (one,) = document["explanations"]
    assert (one["label"], document["no_call"]) == ("Edema", False)
    assert [said["call"] for said in one["members"].values()] == ["called"] * 3
    assert one["members"]["teacher"]["threshold"] == 1e-6
    assert "No network calls" not in explain().out


def test_where_nothing_is_called_the_teachers_most_probable_label_is_explained(
    explain, cli, films, tiny_run, monkeypatch
):
    said = cli("classify", films / "grey.png", "--run", tiny_run.id, "--engine", "pytorch", "--json").document
    probs = said["answers"][0]["members"]["teacher"]["probs"]
    monkeypatch.setattr(MemberMetrics, "thresholds_array", lambda self: np.full(len(tiny_run.labels), np.nan))
    document = explain("--json").document
    (one,) = document["explanations"]
    assert (one["label"], document["no_call"]) == (max(probs, key=probs.get), True)
    assert {said["call"] for said in one["members"].values()} == {"not judged"}
    assert one["members"]["teacher"]["threshold"] is None
    assert "No network calls a finding" in explain().out
    assert "No network calls" not in explain("--label", "Mass").out


def test_the_share_of_evidence_outside_the_body_is_that_of_the_map(explain, films):
    pixels = to_input(read((films / "grey.png").read_bytes(), "grey.png"), 32)
    body = body_mask(pixels)
    one = explain("--label", "Mass", "--json").document["explanations"][0]
    assert one["air"] == pytest.approx(1 - body.mean())
    for said in one["members"].values():
        share = evidence_outside(np.array(said["cam"]), body)
        told = said["evidence_outside_body"]
        assert np.isnan(share) if told is None else told == pytest.approx(share, abs=1e-5)
    assert "outside the body" in explain("--label", "Mass").out


def test_agreement_is_told_beside_its_chance_lines_and_without_them_has_no_verdict(explain, tiny_run):
    assert not (tiny_run.path / FILE).exists(), "five validation films are too few"
    said = explain("--label", "Mass", "--json").document["explanations"][0]["members"]["alone"][
        "agreement_with_teacher"
    ]
    assert said["lines"]["other_film"]["high"] is None
    assert "python -m cxrkd reference" in said["lines"]["other_film"]["missing"]
    assert said["above_chance"] is not True
    text = explain("--label", "Mass").out
    assert "label mean" in text
    assert f"alone: {said['verdict']}" in text


@pytest.fixture
def prove(cli, films, tmp_path):
    """`explain --faithful` with networks whose maps have several cells."""
    run = toys.finished_run(toys.tiny_config("cells", size=96, arch="mobilenetv3_small_100"), folder=tmp_path / "cells")
    words = ("--run", run.path, "--engine", "pytorch", "--label", "Mass", "--faithful")
    return lambda *more: cli("explain", films / "grey.png", *words, *more)


def test_maps_are_put_to_the_proof_where_that_is_asked(prove):
    document = prove("--json").document["explanations"][0]
    for proof in (row["faithfulness"] for row in document["members"].values()):
        for figure in ("deletion", "insertion", "gain", "road"):
            held = proof[figure]
            assert list(held["lines"]) == ["random_ranking", "label_mean", "centre"]
            assert held["above_chance"] is not True, "the run keeps no maps"
            assert held["verdict"]
        curves = proof["curves"]
        assert curves["deletion"][0] == curves["insertion"][-1]
        assert curves["deletion"][-1] == curves["insertion"][0]
        assert proof["gain"]["value"] == pytest.approx(proof["insertion"]["value"] - proof["deletion"]["value"])
        assert proof["max_sensitivity"] > 0
        assert proof["cascade"]["shares"][-1] == 1
    text = prove().out
    assert "insertion - deletion" in text
    assert "hangs on weights" in text


def test_nothing_is_put_to_the_proof_unasked_and_a_map_of_one_cell_ranks_nothing(explain):
    bare = explain("--label", "Mass", "--json").document["explanations"][0]
    assert "faithfulness" not in bare["members"]["teacher"]
    asked = explain("--label", "Mass", "--faithful", "--json").document["explanations"][0]["members"]["teacher"]
    assert np.shape(asked["cam"]) == (1, 1)
    assert asked["faithfulness"]["gain"]["verdict"] == "not defined: the map is flat"


def test_a_dear_explainer_is_not_asked_again_and_again(explain):
    words = ["--method", "rise", "--masks", 16, "--label", "Mass", "--faithful", "--json"]
    proof = explain(*words).document["explanations"][0]["members"]["alone"]["faithfulness"]
    assert proof["deletion"]["value"] is not None
    assert "cascade" not in proof


def test_lime_for_people_and_programs(explain):
    words = ["--method", "lime", "--samples", 32, "--segments", 6, "--label", "Mass"]
    one = explain(*words, "--json").document["explanations"][0]
    assert one["n_samples"] <= one["most_samples"] == 32
    assert one["target_stability"] == 0.9
    assert one["stability"]["sentence"].startswith(("Stable: after", "Not stable: after"))
    for said in one["members"].values():
        assert len(said["weights"]) == one["n_segments"]
    assert one["members"]["teacher"]["agreement_with_teacher"] is None
    assert "spearman" in one["members"]["alone"]["agreement_with_teacher"]
    text = explain(*words)
    assert text.code == 0
    assert "fit R2" in text.out
    assert one["stability"]["sentence"] in text.out
    assert PHANTOM_WARNING in text.out


@pytest.mark.parametrize(
    ("method", "words", "settings"),
    [
        ("eigencam", [], {}),
        ("eigengradcam", [], {}),
        ("scorecam", ["--channels", 8, "--weights", "softmax"], {"n_channels": 8, "weights": "softmax"}),
        ("rise", ["--masks", 16, "--mask-cells", 3, "--fill", "mean"], {"n_masks": 16, "n_coins": 3, "fill": "mean"}),
        ("occlusion", ["--cells", 4, "--patch", 1], {"n_cells": 4, "patch": 1, "fill": "blur"}),
    ],
)
def test_each_explainer_for_programs_with_its_settings(explain, method, words, settings):
    one = explain("--method", method, *words, "--label", "Mass", "--json").document["explanations"][0]
    assert settings.items() <= one.items()
    for member, said in one["members"].items():
        assert np.isfinite(said["cam" if method.startswith("eigen") else "map"]).all(), member
    agreement = one["members"]["alone"]["agreement_with_teacher"]
    assert agreement["lines"]["label_mean"]["missing"], "the run keeps no maps"
    assert agreement["above_chance"] is not True


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--label", "Scoliosis"], "Expected a label among Atelectasis"),
        (["--colormap", "jet", "--out", "OUT"], "Unknown colour map"),
        (["--opacity", "3", "--out", "OUT"], "opacity between 0 and 1"),
        (["--method", "lime", "--samples", "2"], "--samples: expected at least 16, got 2"),
        (["--method", "lime", "--stability", "1"], "--stability: expected less than 1, got 1"),
        (["--method", "rise", "--masks", "2"], "--masks: expected at least 16, got 2"),
        (["--method", "occlusion", "--patch", "9"], "--patch: expected at most 4, got 9"),
    ],
)
def test_a_wrong_choice_is_one_sentence(explain, tmp_path, words, message):
    found = explain(*[tmp_path if word == "OUT" else word for word in words])
    assert (found.code, found.out) == (2, "")
    assert message in found.err


def test_a_file_that_is_no_film_is_one_sentence(cli, films, tiny_run):
    found = cli("explain", films / "notes.txt", "--run", tiny_run.id)
    assert (found.code, found.out) == (2, "")
    assert found.err.count("\n") == 1


def test_a_flagged_file_is_refused_and_force_explains_it(cli, films, tiny_run, monkeypatch):
    from cxrkd.runs.run import Run

    words = ["explain", films / "inverted.png", "--run", tiny_run.id, "--engine", "pytorch", "--json"]
    with monkeypatch.context() as patch:
        patch.setattr(Run, "load_model", lambda *_: pytest.fail("loaded a network for nothing"))
        refused = cli(*words)
    assert refused.code == 1
    assert refused.document["explanations"] == []
    assert refused.document["gate"]["kind"] == "inverted"
    assert refused.document["failures"][0]["error"] in refused.err
    forced = cli(*words, "--force")
    assert (forced.code, forced.document["failures"]) == (0, [])
    assert len(forced.document["explanations"]) == 1
    assert forced.document["gate"]["passed"] is False
    assert "Answered because of --force" in cli(*words[:-1], "--force").out


def test_a_report_has_the_figures_that_are_printed_and_no_name_of_a_file(explain, tmp_path):
    words = ["--label", "Mass", "--report", tmp_path / "o" / "r.json", "--json"]
    said = explain(*words).document
    report = json.loads((tmp_path / "o" / "r.json").read_text())
    assert report["explanations"] == said["explanations"]
    assert report["film"]["pixels_sha256"] == said["sha256"]
    assert report["film"]["name"] is None
    assert said["report"] == str(tmp_path / "o" / "r.json")
    outcome = explain("--report", tmp_path / "r.html", "--names")
    assert f"wrote {tmp_path / 'r.html'}" in outcome.out
    page = (tmp_path / "r.html").read_text()
    assert "<h1>grey.png</h1>" in page
    assert PHANTOM_WARNING in page


def test_a_report_in_another_form_is_refused_before_anything_is_computed(explain, tmp_path, monkeypatch):
    from cxrkd.runs.run import Run

    monkeypatch.setattr(Run, "load_model", lambda *_: pytest.fail("loaded a network for nothing"))
    outcome = explain("--report", tmp_path / "r.pdf")
    assert (outcome.code, outcome.out) == (2, "")
    assert "ends in .html or .json, got 'r.pdf'" in outcome.err


def test_the_sum_of_parts_is_a_line_of_each_network_and_adds_up(explain):
    said = explain("--label", "Mass", "--method", "parts", "--parts", 3, "--segments", 12, "--json")
    for row in said.document["explanations"][0]["members"].values():
        logit = np.log(row["prob"] / (1 - row["prob"]))
        assert sum(part["score"] for part in row["parts"]) + row["baseline"] == pytest.approx(logit, abs=1e-4)
        assert np.mean(row["map"]) == pytest.approx(logit - row["baseline"], abs=1e-4)
    lines = explain("--label", "Mass", "--method", "parts", "--parts", 3, "--segments", 12).out.splitlines()
    assert sum(" of the film)" in line and "with all of it hidden" in line for line in lines) == 3
