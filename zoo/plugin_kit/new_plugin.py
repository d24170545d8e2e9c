"""Writes a package with components to fill in, ready to install and to test."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from zoo.errors import OutputError
from zoo.plugin_kit.naming import choose_kinds, choose_names, refuse_taken
from zoo.plugin_kit.rendering import render


def write_plugin(name: str, kinds: str | Collection[str], folder: str | Path | None = None) -> Path:
    """Write the package and return its folder, which appears with all of its files or not at all.

    Args:
        name: What its components are called, ``motif-scanner`` say.
        kinds: One or more of ``architecture``, ``loader`` and ``scorer``.
        folder: To be made; by default ``zoo-NAME`` in the working folder.

    Raises:
        PluginError: The name fits no package, or a kind can't be made.
        DuplicateName: Something that is installed has the name.
        OutputError: The folder exists, or can't be written.
    """
    names = choose_names(name)
    chosen = choose_kinds([kinds] if isinstance(kinds, str) else kinds)
    target = Path(names.distribution if folder is None else folder)
    if target.exists() or target.is_symlink():
        raise OutputError(f"{target}: expected a folder to be made, found that it exists; name another, or remove it")
    if not target.parent.is_dir():
        raise OutputError(f"{target}: can't be written: there is no folder {target.parent}; make it first")
    refuse_taken(names, chosen)
    files = render(names, chosen)
    try:
        _write_together(files, target)
    except OSError as error:
        raise OutputError(f"{target}: can't be written: {error.strerror or error}") from error
    return target


def _write_together(files: Mapping[str, str], target: Path) -> None:
    """Write files into a folder beside the target, and give it the target's name when it is whole."""
    with tempfile.TemporaryDirectory(prefix=".new-plugin-", dir=target.parent) as beside:
        made = Path(beside) / "package"  # has the rights of any new folder, unlike the one around it
        for path, text in files.items():
            file = made / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        made.rename(target)
