"""Small trees in the published form of each data set: true names and columns, noise for films."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def columns(text):
    return text.split(",")


CHEXPERT_HEADER = columns(
    "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,"
    "Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices"
)
PADCHEST_HEADER = columns(
    ",ImageID,ImageDir,StudyDate_DICOM,StudyID,PatientID,PatientBirth,PatientSex_DICOM,ViewPosition_DICOM,Projection,"
    "MethodProjection,Pediatric,Modality_DICOM,Manufacturer_DICOM,PhotometricInterpretation_DICOM,"
    "PixelRepresentation_DICOM,PixelAspectRatio_DICOM,SpatialResolution_DICOM,BitsStored_DICOM,WindowCenter_DICOM,"
    "WindowWidth_DICOM,Rows_DICOM,Columns_DICOM,XRayTubeCurrent_DICOM,Exposure_DICOM,ExposureInuAs_DICOM,ExposureTime,"
    "RelativeXRayExposure_DICOM,ReportID,Report,MethodLabel,Labels,Localizations,LabelsLocalizationsBySentence,"
    "labelCUIS,LocalizationsCUIS"
)
NIH_HEADER = columns(
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,OriginalImage[Width,"
    "Height],OriginalImagePixelSpacing[x,y]"
)


def film(path, seed=0, size=40, depth=8):
    """A grey ramp with noise, unlike any other seed's."""
    rng = np.random.default_rng(seed)
    unit = np.linspace(0, 0.9, size)[:, None] + rng.uniform(0, 0.1, (size, size))
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = (unit * (2**depth - 1)).astype(np.uint8 if depth == 8 else np.uint16)
    Image.fromarray(pixels).save(path)
    return path


def write_csv(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@dataclass
class Tree:
    """A published tree: its folder, and its rows as dictionaries that a test may change and write again."""

    folder: Path
    table: Path
    header: list
    rows: list

    def write(self):
        write_csv(self.table, self.header, [[row.get(column, "") for column in self.header] for row in self.rows])


def chestxray14_tree(folder, patients=24):
    """ChestX-ray14: patients with two films, the last third in the test list, two archives, one box."""
    rows, n = [], 2 * patients
    for i in range(n):
        patient, visit = i // 2 + 1, i % 2
        labels = ["No Finding", "Effusion", "Effusion|Pleural_Thickening", "Hernia"][i % 4]
        name = f"{patient:08d}_{visit:03d}.png"
        rows.append({"Image Index": name, "Finding Labels": labels, "Patient ID": patient})
        rows[-1]["View Position"] = "AP" if visit else "PA"
        film(folder / f"images_{1 + i % 2:03d}" / "images" / name, i)
    tree = Tree(folder, folder / "Data_Entry_2017_v2020.csv", NIH_HEADER, rows)
    tree.write()
    names, first = [row["Image Index"] for row in rows], 2 * (n // 3)
    (folder / "train_val_list.txt").write_text("\n".join(names[:first]) + "\n")
    (folder / "test_list.txt").write_text("\n".join(names[first:]) + "\n")
    boxes = "Image Index,Finding Label,Bbox [x,y,w,h],,,\n"
    boxes += f"{names[first + 1]},Infiltrate,512.0,256.0,128.0,64.0,,,\nabsent.png,Mass,1,1,1,1,,,\n"
    (folder / "BBox_List_2017.csv").write_text(boxes)
    return tree


@pytest.fixture
def nih(tmp_path):
    """ChestX-ray14 with 24 patients."""
    return chestxray14_tree(tmp_path)


def chexpert_tree(folder, valid=4):
    """CheXpert-v1.0-small: 24 train patients and some valid patients, a frontal and a lateral film each."""
    trees = {}
    for name, first, n in (("train", 1, 24), ("valid", 64541, valid)):
        rows = []
        for i in range(2 * n):
            view = "view2_lateral" if i % 2 else "view1_frontal"
            below = f"{name}/patient{first + i // 2:05d}/study1/{view}.jpg"
            film(folder / below, i + first)
            row = {"Path": f"CheXpert-v1.0-small/{below}", "Sex": "Male", "Age": 60}
            row |= {"Frontal/Lateral": "Lateral" if i % 2 else "Frontal", "AP/PA": "" if i % 2 else "AP"}
            row |= {"Edema": "1.0", "Pneumonia": "-1.0", "Fracture": "0.0"} if i % 4 < 2 else {"No Finding": "1.0"}
            rows.append(row)
        trees[name] = Tree(folder, folder / f"{name}.csv", CHEXPERT_HEADER, rows)
        trees[name].write()
    return trees


@pytest.fixture
def chexpert(tmp_path):
    """CheXpert with four valid patients."""
    return chexpert_tree(tmp_path)


def padchest_tree(folder, patients=30):
    """PadChest: patients with a frontal film of 16 bits each, in folders by ImageDir."""
    findings = ["['normal']", "['pneumonia', ' COPD signs']", "['subcutaneous emphysema', 'stent']", "['nodule', '']"]
    rows = []
    for i in range(patients):
        name = f"216840111366964{i:03d}_01-002-{i:03d}.png"
        row = {"ImageID": name, "ImageDir": i % 3, "PatientID": f"p{i}", "PatientBirth": "1950.0"}
        row |= {"StudyDate_DICOM": "20140915", "PatientSex_DICOM": "F", "Labels": findings[i % 4]}
        row["Projection"] = ["PA", "AP", "AP_horizontal"][i % 3]
        rows.append(row)
        film(folder / str(i % 3) / name, i, depth=16)
    tree = Tree(folder, folder / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv", PADCHEST_HEADER, rows)
    tree.write()
    return tree


@pytest.fixture
def padchest(tmp_path):
    """PadChest with 30 patients."""
    return padchest_tree(tmp_path)


@pytest.fixture
def own(tmp_path):
    """A folder and a CSV of one's own: 12 patients with two films, no split."""
    rows = []
    for i in range(24):
        film(tmp_path / f"p{i // 2}" / f"{i}.png", i)
        rows.append({"image": f"p{i // 2}/{i}.png", "patient": i // 2, "Effusion": i % 2, "Mass": "" if i % 3 else 1})
    tree = Tree(tmp_path, tmp_path / "labels.csv", ["image", "patient", "Effusion", "Mass"], rows)
    tree.write()
    return tree


def write_npz(path, size=28, counts=(6, 2, 3), **changes):
    rng = np.random.default_rng(0)
    arrays = {}
    for split, n in zip(("train", "val", "test"), counts, strict=True):
        arrays[f"{split}_images"] = rng.integers(0, 256, (n, size, size), np.uint8)
        arrays[f"{split}_labels"] = rng.integers(0, 2, (n, 14))
    arrays |= changes
    np.savez_compressed(path, **{name: array for name, array in arrays.items() if array is not None})
    return arrays


@pytest.fixture
def npz(tmp_path):
    """ChestMNIST at 28 pixels, eleven images."""
    return tmp_path / "chestmnist.npz", write_npz(tmp_path / "chestmnist.npz")


@pytest.fixture
def tools():
    """Writers for tests that need a tree of their own."""
    return film, write_csv, write_npz


def hospital(folder, first, parts):
    """A folder of tiny films of as many patients, with a table of two findings; `parts` says how many in each split."""
    from cxrkd.data.readers.folder import FolderConfig

    rows = []
    for i, split in enumerate(split for split, n in parts.items() for _ in range(n)):
        film(folder / f"{first + i}.png", first + i)
        rows.append([f"{first + i}.png", first + i, split, i % 2, i // 2 % 2])
    write_csv(folder / "labels.csv", ["image", "patient", "split", "Effusion", "Mass"], rows)
    return FolderConfig(folder=folder, image_size=32)
