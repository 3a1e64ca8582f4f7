"""The wheel: complete, without tests, and usable far from the sources."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from crossbar import __version__
from tests.ops.processes import PATIENCE, ROOT, environment

SOURCES = ("setup.py", "setup.cfg", "pyproject.toml", "README.md")
SETUPTOOLS = 77
"""The version that pyproject.toml asks for. Nothing is downloaded here: it has to be installed."""

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(
        int(version("setuptools").partition(".")[0]) < SETUPTOOLS,
        reason=f"building needs setuptools {SETUPTOOLS}, here is {version('setuptools')}",
    ),
]


def run(folder: Path, *command: str | Path) -> str:
    """What a command prints. It has to succeed, and to print nothing else."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment(measured=False), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that a clean copy of the sources gives."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "copy"
    copy.mkdir()
    litter = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("crossbar", "schemas", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=litter)
    for name in SOURCES:
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, copy)
    options = ("--no-build-isolation", "--no-deps", "--no-index", "--quiet")
    run(folder, sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", folder, copy)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands of an environment with nothing but the wheel.

    It borrows what the wheel depends on from the environment of the tests.
    """
    folder = tmp_path_factory.mktemp("environment")
    run(folder, sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin/python"
    options = ("--no-deps", "--no-index", "--quiet", "--disable-pip-version-check")
    run(folder, sys.executable, "-m", "pip", "--python", python, "install", *options, wheel)
    paths = run(folder, python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    Path(paths.strip(), "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def test_the_wheel_has_everything_but_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "crossbar").rglob("*.py")}
    schemas = {f"crossbar/schemas/{path.name}" for path in (ROOT / "schemas").glob("*.json")}
    assert modules - names == set()
    assert schemas - names == set()
    served = (
        *ROOT.glob("crossbar/dialects/assets/*"),
        *ROOT.glob("crossbar/console/static/**/*.*"),
    )
    assert {str(path.relative_to(ROOT)) for path in served} - names == set()
    assert "crossbar/py.typed" in names
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"crossbar", f"crossbar_gateway-{__version__}.dist-info"}


def test_the_installed_command_works_from_an_unrelated_folder(
    installed: Path, tmp_path: Path
) -> None:
    crossbar = installed / "crossbar"
    where = run(tmp_path, installed / "python", "-c", "import crossbar; print(crossbar.__file__)")
    assert where.startswith(str(installed.parent))
    assert run(tmp_path, crossbar, "--version") == f"crossbar {__version__}\n"
    assert "/v2/accounts/{account_id}/users" in run(tmp_path, crossbar, "routes")
    run(tmp_path, crossbar, "init", "--password", "s3cret")
    number = len([*(ROOT / "schemas").glob("*.json")])
    assert f"schemas: {number} are sound" in run(tmp_path, crossbar, "doctor")
