"""The wheel brings the registry and its models, where the package looks for them."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from zoo.model.card import read_card
from zoo.model.checksums import hash_file
from zoo.registry.index import Registry, read_registry
from zoo.registry.writing import describe, format_registry

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def unpacked_wheel(tmp_path_factory):
    pytest.importorskip("hatchling", reason="building the wheel needs hatchling, of the extra `dev`")
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip(f"{ROOT} is not the repository")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_every_model_of_the_wheel_is_found_there_and_is_whole(unpacked_wheel):
    code = (
        "import zoo, zoo.registry as registry\n"
        "opened = registry.open_registry()\n"
        "print(opened.path)\n"
        "for listing in opened.list_models():\n"
        "    print(registry.locate(listing.full_name).folder)\n"
        "    zoo.model.checksums.verify_checksums(registry.locate(listing.full_name).folder)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=unpacked_wheel,
        env={"PYTHONPATH": str(unpacked_wheel)},
        check=True,
        capture_output=True,
        text=True,
    )
    registry, *folders = done.stdout.splitlines()
    assert registry == str(unpacked_wheel / "zoo" / "bundled" / "registry.yaml")
    assert folders
    assert all(folder.startswith(str(unpacked_wheel / "zoo" / "bundled" / "models")) for folder in folders)


def test_the_wheel_brings_the_built_in_plugins(unpacked_wheel):
    for name in ("zoo_loaders", "zoo_architectures", "zoo_scorers"):
        assert (unpacked_wheel / name / "__init__.py").is_file()


def test_the_registry_lists_what_the_cards_say_as_the_zoo_writes_it():
    path = ROOT / "registry.yaml"
    if not path.is_file():
        pytest.skip(f"{ROOT} is not the repository")
    index = read_registry(path).index
    assert index.schema_version == 2
    assert path.read_text() == format_registry(index)
    for listing in Registry(path, index).list_models():
        folder = ROOT / str(listing.entry.url)
        described = describe(read_card(folder / "model.yaml"), hash_file(folder / "SHA256SUMS"), url=listing.entry.url)
        assert listing.entry == described, listing.full_name
        assert listing.entry.url == f"models/{listing.name}/{listing.version}"
