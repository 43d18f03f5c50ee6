"""A thousand damaged tables: each is refused in one sentence, or read as Python's csv module reads the same bytes."""

import csv
import gzip
import io
import random
import re
from decimal import Decimal, InvalidOperation

import numpy as np
import pytest

from cxrkd.data import load_cohort
from cxrkd.data.readers.chestxray14 import ChestXray14Config
from cxrkd.data.readers.chexpert import CheXpertConfig
from cxrkd.data.readers.folder import FolderConfig
from cxrkd.data.readers.padchest import PadChestConfig
from cxrkd.data.reading.padchest_labels import PAPER19
from cxrkd.errors import DataError
from tests import trees

ROUNDS = 250
TOKENS = [
    *',;\t"\n\r\0 ./\\|-01',
    *(
        ",,",
        '""',
        "\r\n",
        "../x.png",
        "..\\x.png",
        "/etc/hostname",
        "C:\\x.png",
        "./",
        "p0\\0.png",
        "\ufeff",
        "é",
        "胸",
    ),
    *("NaN", "nan", "NA", "True", "False", "None", "-1", "0.0", "1.0", "007", "1e5", "8.39e+35", "1.2.840", "2", "yes"),
    *(
        "train",
        "Valid",
        "train_do_not_use",
        "Unnamed: 3",
        "Effusion",
        "Effusion.1",
        "image",
        "Patient ID",
        "No Finding",
    ),
    *("x" * 300, "9" * 400, "['pneumonia']", "[[", "sep=;\n", "2" * 140_000),
]
SAME_BYTES = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def bent(text, rng):
    """The bytes of a text with a few things wrong, or merely unusual."""
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        at, to = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        lines = text.split("\n")
        line = rng.randrange(len(lines))
        kind = rng.randrange(9)
        if kind == 0:
            text = text[:at] + rng.choice(TOKENS) + text[at + rng.randrange(3) :]
        elif kind == 1:
            text = text[:at] + text[min(to, at + rng.randrange(12)) :]
        elif kind == 2:
            text = text[: max(at, len(text) // 3)]
        elif kind == 3:
            text = "\n".join([*lines[:line], lines[rng.randrange(len(lines))], *lines[line:]])
        else:
            cells = lines[line].split(",")
            cell = rng.randrange(len(cells))
            if kind in (4, 5):
                cells[cell] = rng.choice(TOKENS)
            elif kind == 6:
                cells[cell] = f" {cells[cell].strip(' ')} "
            elif kind == 7:
                lines = (
                    [f"{each}," for each in lines] if rng.random() < 0.5 else [f"{k},{e}" for k, e in enumerate(lines)]
                )
                cells = lines[line].split(",")
            else:
                del cells[cell]
            lines[line] = ",".join(cells)
            text = "\n".join(lines)
    if rng.random() < 0.15:
        text = text.replace(",", rng.choice(";\t|"))
    data = text.encode(rng.choice(("utf-8",) * 8 + ("utf-8-sig", "utf-16", "utf-16-be", "latin-1")), "replace")
    return gzip.compress(data, mtime=0) if rng.random() < 0.05 else data


def records(data, wanted):
    """The rows of a table as dictionaries, read by Python alone."""
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    encoding = next((name for mark, name in SAME_BYTES.items() if data.startswith(mark)), "utf-8")
    text = data.decode(encoding)
    told = re.match(r"sep=(.)\r?\n", text)
    for delimiter in told[1] if told else ",;\t":
        body = text[told.end() :] if told else text
        rows = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, skipinitialspace=True)
        header, *rows = [row for row in ([cell.strip() for cell in cells] for cells in rows) if any(row)]
        if set(wanted) <= set(header):
            assert all(len(row) <= len(header) or not any(row[len(header) :]) for row in rows)
            return [
                dict(zip(reversed(header), reversed((row + [""] * 99)[: len(header)]), strict=True)) for row in rows
            ]
    raise AssertionError("it was read and has no such header")


def number(text):
    try:
        return Decimal(text) if set(text) <= set("0123456789+-.eE") else text
    except InvalidOperation:
        return text


def stem(name):
    return re.sub(r"\.(png|jpg|jpeg|dcm)$", "", re.split(r"[/\\]", name)[-1], flags=re.IGNORECASE)


def check(found, rows, image, patient, positives, folder):
    """Rows, patients and findings of a table are those of the records; nothing lies outside the folder."""
    assert len(found) == len(rows)
    whose = {}
    for k, row in enumerate(rows):
        source = getattr(found.pixels.sources[k], "path", found.pixels.sources[k])
        assert source.resolve().is_relative_to(folder.resolve())
        assert source.is_file()
        assert stem(source.name) == stem(row[image])
        present = {label for label, value in zip(found.labels, found.targets[k], strict=True) if value == 1}
        assert present == positives(row)
        whose.setdefault(number(patient(row)), set()).add(found.patients[k])
    assert all(len(names) == 1 for names in whose.values())
    assert len(set(found.patients)) == len(whose)


def folder_kind(tmp_path):
    rows = []
    for i in range(12):
        (tmp_path / f"p{i // 2}").mkdir(exist_ok=True)
        (tmp_path / f"p{i // 2}" / f"{i}.png").touch()
        split = ["train", "train", "train", "val", "test", "test"][i // 2]
        rows.append([f"p{i // 2}/{i}.png", i // 2, split, "PA", i % 2, "" if i % 3 else 1])
    path = trees.write_csv(tmp_path / "labels.csv", ["image", "patient", "split", "view", "Effusion", "Mass"], rows)

    def agrees(found, data):
        rows = records(data, ("image", "patient"))
        names = {name for name in rows[0] if name and not re.fullmatch(r"Unnamed: \d+", name)}
        assert set(found.labels) == names - {"image", "patient", "split", "view"}
        for k, row in enumerate(rows):
            for label, value in zip(found.labels, found.targets[k], strict=True):
                unknown = row[label].lower() in ("", "nan", "na")
                said = {"true": 1.0, "false": 0.0}.get(row[label].lower())
                assert np.isnan(value) if unknown else value == (float(row[label]) if said is None else said)
            if "split" in row:
                said = row["split"].lower()
                assert found.split[k][:2] == said[:2] or (found.split[k] == "val" and said == "train")
                assert said in ("train", "training", "val", "valid", "validation", "test", "testing")
        present = {"1", "1.0", "true", "+1"}
        ones = lambda row: {label for label in found.labels if row[label].lower() in present}  # noqa: E731
        check(found, rows, "image", lambda row: row["patient"], ones, tmp_path)

    return FolderConfig(folder=tmp_path), [path], agrees


def nih_kind(tmp_path):
    tree = trees.chestxray14_tree(tmp_path, patients=8)

    def agrees(found, data):
        rows = records(tree.table.read_bytes(), ("Image Index", "Finding Labels", "Patient ID", "View Position"))
        findings = lambda row: {f.strip() for f in row["Finding Labels"].split("|")} - {"No Finding"}  # noqa: E731
        check(found, rows, "Image Index", lambda row: row["Patient ID"], findings, tmp_path)
        text = (tmp_path / "test_list.txt").read_bytes()
        text = gzip.decompress(text) if text[:2] == b"\x1f\x8b" else text
        encoding = next((name for mark, name in SAME_BYTES.items() if text.startswith(mark)), "utf-8")
        listed = {line.strip() for line in text.decode(encoding).splitlines()}
        assert [name == "test" for name in found.split] == [row["Image Index"] in listed for row in rows]

    files = [tree.table, tree.table, *(tmp_path / name for name in ("test_list.txt", "train_val_list.txt"))]
    return ChestXray14Config(folder=tmp_path), [*files, tmp_path / "BBox_List_2017.csv"], agrees


def chexpert_kind(tmp_path):
    found = trees.chexpert_tree(tmp_path, valid=4)

    def agrees(table, data):
        rows = [
            row
            for tree in (found["train"], found["valid"])
            for row in records(tree.table.read_bytes(), ("Path", "Frontal/Lateral", "AP/PA", *table.labels))
            if row["Frontal/Lateral"] == "Frontal" and row["AP/PA"] in ("AP", "PA")
        ]
        ones = lambda row: {k for k in table.labels if row[k].lower() in ("1", "1.0", "true")}  # noqa: E731
        whose = lambda row: re.search(r"patient\d+", row["Path"])[0]  # noqa: E731
        check(table, rows, "Path", whose, ones, tmp_path)

    return CheXpertConfig(folder=tmp_path), [tree.table for tree in found.values()], agrees


def padchest_kind(tmp_path):
    tree = trees.padchest_tree(tmp_path, patients=12)

    def agrees(found, data):
        rows = [
            row
            for row in records(data, ("ImageID", "ImageDir", "PatientID", "PatientBirth", "Projection", "Labels"))
            if row["Projection"] in ("PA", "AP", "AP_horizontal")
            and row["Labels"].lower() not in ("", "nan", "na")
            and re.fullmatch(r"[0-9.]+", row["PatientBirth"])
            and float(row["PatientBirth"]) < 2009
        ]
        names = lambda row: set(re.findall(r"'\s*([^']*?)\s*'", row["Labels"].lower())) & set(PAPER19)  # noqa: E731
        check(found, rows, "ImageID", lambda row: row["PatientID"], names, tmp_path)

    return PadChestConfig(folder=tmp_path), [tree.table], agrees


@pytest.mark.slow
@pytest.mark.parametrize("kind", [folder_kind, nih_kind, chexpert_kind, padchest_kind])
def test_a_damaged_table_is_one_sentence_or_what_it_says(kind, tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    (tmp_path / "x.png").touch()
    config, files, agrees = kind(folder)
    whole = {path: path.read_bytes() for path in files}
    there = sorted(tmp_path.rglob("*"))
    sentences = []
    for seed in range(ROUNDS):
        rng = random.Random(f"{kind.__name__} {seed}")
        path = rng.choice(files)
        path.write_bytes(data := bent(whole[path].decode(), rng))
        try:
            found = load_cohort(config)
        except DataError as error:
            sentences.append(str(error))
        else:
            agrees(found, data)
        path.write_bytes(whole[path])
    assert all(20 < len(sentence) < 3000 and "\n" not in sentence for sentence in sentences)
    assert sorted(tmp_path.rglob("*")) == there, "reading writes nothing"
    assert ROUNDS / 10 < len(sentences) < ROUNDS * 0.9, "neither all nor none"
