"""The files of a made package: templates, with its names put in."""

from __future__ import annotations

import hashlib
import importlib.resources
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template

import yaml

from zoo import __version__
from zoo.announcements import show_version
from zoo.plugin_kit.example_data import draw_examples, write_fasta, write_table
from zoo.plugin_kit.naming import Kind, Names

RECIPE = "recipe.yaml"


@dataclass(frozen=True, slots=True)
class _Component:
    """How a kind of component stands in a package: its class in ``zoo``, its hook, what the README says of it."""

    type_name: str
    hook: str
    prose: str


_COMPONENTS: Mapping[Kind, _Component] = {
    "architecture": _Component(
        "Architecture",
        "register_architectures",
        "builds the network that a recipe names as `architecture: {name: $component}`",
    ),
    "loader": _Component(
        "DataLoader",
        "register_data_loaders",
        "reads the examples that a recipe names as `data: {loader: $component}`",
    ),
    "scorer": _Component(
        "Scorer",
        "register_scorers",
        "compares the predictions for REF and ALT, by `zoo annotate … --scorer $component`",
    ),
}


def render(names: Names, kinds: Sequence[Kind]) -> dict[str, str]:
    """Return the text of every file, by its path in the package's folder."""
    data = _make_data(kinds)
    words = _choose_words(names, kinds, data)
    files = {
        "pyproject.toml": _fill("pyproject.toml", words),
        "README.md": _fill("README.md", words),
        ".github/workflows/test.yml": _fill("test.yml", words),
        f"{names.package}/__init__.py": _fill("__init__.py", words),
        f"{names.package}/py.typed": "",
    }
    for kind in kinds:
        files[f"{names.package}/{kind}.py"] = _fill(f"{kind}.py", words)
        files[f"tests/test_{kind}.py"] = _fill(f"test_{kind}.py", words)
    if data:
        files[RECIPE] = _fill(RECIPE, words)
    return files | data


def is_trainable(kinds: Sequence[Kind]) -> bool:
    """Whether a package of these kinds has a recipe and data."""
    return "architecture" in kinds or "loader" in kinds


def _make_data(kinds: Sequence[Kind]) -> dict[str, str]:
    """Return what the recipe trains on: the loader's own table, or files that a built-in loader reads."""
    if not is_trainable(kinds):
        return {}
    examples = draw_examples()
    if "loader" in kinds:
        return {"data/examples.tsv": write_table(examples)}
    return {
        "data/positives.fa": write_fasta(examples, bound=True),
        "data/negatives.fa": write_fasta(examples, bound=False),
    }


def _choose_words(names: Names, kinds: Sequence[Kind], data: Mapping[str, str]) -> dict[str, str]:
    """Return what stands for each ``$word`` of the templates."""
    components = {kind: _COMPONENTS[kind] for kind in kinds}
    trains = is_trainable(kinds)
    words = {
        "distribution": names.distribution,
        "package": names.package,
        "component": names.component,
        "component_in_yaml": _quote(names.component),
        "api": show_version(),
        "zoo_version": __version__,
        "kinds": _join([f"a {kind}" if kind != "architecture" else "an architecture" for kind in kinds]),
        "extras": "cpu,train" if trains else "cpu",
        "types": ", ".join(sorted(each.type_name for each in components.values())),
        "imports": "\n".join(f"from {names.package}.{kind} import {kind.upper()}" for kind in kinds),
        "hooks": "\n\n\n".join(
            f"@hookimpl\ndef {each.hook}() -> list[{each.type_name}]:\n    return [{kind.upper()}]"
            for kind, each in components.items()
        ),
        "model": f"{names.component.replace('_', '-')}-example",
        "sources": "\n".join(
            f"    - {{path: {path}, sha256: {hashlib.sha256(text.encode()).hexdigest()}}}"
            for path, text in data.items()
        ),
    }
    words["files"] = "\n".join(
        f"- `{names.package}/{kind}.py` {Template(each.prose).substitute(words)};" for kind, each in components.items()
    )
    sections: dict[str, Sequence[str]] = {
        "untyped": ["untyped.toml"] if "architecture" in kinds else [],
        "trying": [*(["trying_training.md"] if trains else []), *(["trying_scorer.md"] if "scorer" in kinds else [])],
        "ci_training": ["ci_training.yml"] if trains else [],
        "recipe_data": ["recipe_loader.yaml" if "loader" in kinds else "recipe_fasta.yaml"] if trains else [],
        "recipe_network": ["recipe_own.yaml" if "architecture" in kinds else "recipe_cnn.yaml"] if trains else [],
        "recipe_scorer": ["recipe_scorer.yaml"] if trains and "scorer" in kinds else [],
    }
    return words | {word: "".join(_fill(part, words) for part in parts) for word, parts in sections.items()}


def _fill(template: str, words: Mapping[str, str]) -> str:
    folder = importlib.resources.files("zoo.plugin_kit") / "templates"
    return Template((folder / f"{template}.txt").read_text(encoding="utf-8")).substitute(words)


def _join(parts: Sequence[str]) -> str:
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last


def _quote(name: str) -> str:
    """Return a name as a recipe has it, in quotes where it would be read as no name: ``null``, ``on``."""
    return name if yaml.safe_load(name) == name else f'"{name}"'
