"""What is installed holds what it needs: wheel, sdist and editable install, built offline."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
BUNDLED = sorted(path.stem for path in (ROOT / "calibration").glob("*.json"))

# -I -S: neither the working directory nor the .pth files of this environment are looked at, so
# the package can come from the given folder only.
PROBE = """
import json, site, sys
site.addsitedir(sys.argv[1])
sys.path.append(sys.argv[2])  # the libraries
import qbat_circuits
from qbat_circuits.calibration import bundled_calibrations, load_calibration
names = bundled_calibrations()
found = {name: len(load_calibration(name).qubits) for name in names}
print(json.dumps([qbat_circuits.__file__, found]))
"""


def probe(folder: Path, cwd: Path) -> tuple[Path, dict[str, int]]:
    """Where a package comes from whose site folder is ``folder``, and its calibrations."""
    libraries = sysconfig.get_path("purelib")
    command = [sys.executable, "-I", "-S", "-c", PROBE, str(folder), libraries]
    output = subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.PIPE, timeout=60)
    file, found = json.loads(output.stdout)
    return Path(file), found


def build(target: str, source: Path, out: Path) -> Path:
    """The one file that a hatchling build of ``source`` leaves in ``out``."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    subprocess.run(command, cwd=source, check=True, timeout=120)
    (built,) = out.iterdir()
    return built


def unpacked(archive: Path, to: Path) -> Path:
    """The folder that an archive was unpacked into."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(to)
        return to
    with tarfile.open(archive) as sdist:
        sdist.extractall(to, filter="data")
    (tree,) = to.iterdir()
    return tree


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_wheel_finds_its_calibrations(wheel: Path, tmp_path: Path) -> None:
    folder = unpacked(wheel, tmp_path / "site")
    file, found = probe(folder, tmp_path)
    assert file == folder / "qbat_circuits" / "__init__.py"
    assert sorted(found) == BUNDLED != []
    assert not (folder / "calibration").exists()
    assert not (folder / "tests").exists()


def test_the_sdist_finds_its_calibrations(sdist: Path, tmp_path: Path) -> None:
    tree = unpacked(sdist, tmp_path / "tree")
    file, found = probe(tree, tmp_path)
    assert file == tree / "qbat_circuits" / "__init__.py"
    assert sorted(found) == BUNDLED


def test_the_sdist_builds_the_same_wheel(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    again = build("wheel", unpacked(sdist, tmp_path / "tree"), tmp_path / "again")
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        assert [(i.filename, i.CRC) for i in one.infolist()] == [
            (i.filename, i.CRC) for i in other.infolist()
        ]


def test_the_editable_install_finds_its_calibrations(tmp_path: Path) -> None:
    out = tmp_path / "editable"
    out.mkdir()
    code = f"import hatchling.build; hatchling.build.build_editable({str(out)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)
    (editable,) = out.iterdir()
    file, found = probe(unpacked(editable, tmp_path / "site"), tmp_path)
    assert file == ROOT / "qbat_circuits" / "__init__.py"
    assert sorted(found) == BUNDLED


def test_the_wheel_carries_license_types_and_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (scripts,) = [name for name in names if name.endswith("entry_points.txt")]
        assert "qbat = qbat_circuits.cli:main" in archive.read(scripts).decode()
    assert "qbat_circuits/py.typed" in names
    assert any(re.fullmatch(r"qbat_circuits/examples/.+\.toml", name) for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_one_version_everywhere(wheel: Path) -> None:
    version = wheel.name.split("-")[1]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [version]
    assert re.findall(r"^## \[(\d.+?)\]", changes, re.MULTILINE)[0] == version


def test_constraints_pin_every_dependency_within_its_bounds(project: dict[str, Any]) -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [re.fullmatch(r"([a-z0-9-]+)==([0-9a-z.]+)", ln) for ln in lines if ln[:1] != "#"]
    assert None not in pins  # exact versions only: no host, no path
    pinned = {pin[1]: pin[2] for pin in pins if pin}
    wanted = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(r for extra in project["project"]["optional-dependencies"].values() for r in extra),
        *(r for group in project["dependency-groups"].values() for r in group),
    ]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("folder", [".", "docs", "calibration"])
def test_documents_name_files_that_exist(folder: str) -> None:
    missing = []
    for page in sorted((ROOT / folder).glob("*.md")):
        text = page.read_text(encoding="utf-8")
        links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
        named = re.findall(r"`((?:tests|docs|benchmarks|notebooks|qbat_circuits)/[\w./-]+)`", text)
        missing += [(page.name, link) for link in links if not (page.parent / link).exists()]
        missing += [(page.name, path) for path in named if not (ROOT / path).exists()]
    assert missing == []
