"""A change of a registry as a commit on a branch of its git checkout, for others to look at before it counts.

Only git's plumbing is used, with an index of its own: the working tree, the user's index and the branch that is checked
out stay as they are. Until the branch is set, which is one step, there are only objects that nothing leads to.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import tempfile
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from zoo.errors import DownloadError, OutputError, PublishConflict
from zoo.publishing.target import RegistryFile
from zoo.registry.stores.pieces import read_whole
from zoo.registry.stores.protocol import PIECE, Changed, Missing, Tag, Tagged, leads_out

_OF_ANOTHER = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
)  # what a hook would hand on
_SETTINGS = ("core.splitIndex=false", "core.fsmonitor=false", "i18n.commitEncoding=utf-8")
_PLAIN = "100644"


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch that holds a change; ``push`` is the command that sends it to where it can be asked for."""

    name: str
    commit: str
    push: str


@dataclass(frozen=True, slots=True)
class _File:
    """A file in a tree of git's: its mode and its object."""

    mode: str
    object: str


class Checkout:
    """The git checkout that a registry lies in, and what is to be changed in it.

    Args:
        registry: The path of the registry's file, which need not be there yet.

    Raises:
        OutputError: It does not lie in a git checkout, or git is not installed.
    """

    def __init__(self, registry: str) -> None:
        if "://" in registry:
            raise OutputError(f"{registry}: expected a registry in a git checkout on this disk, to make a branch there")
        file = Path(registry)
        if not file.parent.is_dir():
            raise OutputError(f"{file.parent}: no folder there, expected a git checkout")
        self.folder = file.parent
        self.root = self.folder
        self.root = Path(self._run("rev-parse", "--show-toplevel")).resolve()
        self.branch = ""
        self._head = self._base = self._tip = ""
        self._changed: dict[str, _File] = {}
        path = (self.folder.resolve() / file.name).relative_to(self.root)
        self.registry = RegistryFile(CheckoutStore(self, str(self.folder), path.parent), path.name, registry)

    def open_store(self, folder: str) -> CheckoutStore | None:
        """Return a folder of the checkout as a store, whose files become part of the commit; None for another one."""
        path = Path(os.path.realpath(folder))
        if "://" in folder or not path.is_relative_to(self.root):
            return None
        if ".git" in path.relative_to(self.root).parts or (path.exists() and not path.is_dir()):
            raise OutputError(f"{folder}: expected a folder whose files git takes into a commit; choose another one")
        return CheckoutStore(self, folder, path.relative_to(self.root))

    def start(self, branch: str) -> None:
        """Begin a branch on top of what is checked out, or go on with one that stands there.

        Raises:
            PublishConflict: It holds something else, or is checked out itself.
            OutputError: There is no commit to begin from.
        """
        self.branch = branch
        head = self._find("HEAD^{commit}")
        if not head:
            raise OutputError(f"{self.root}: expected a commit to begin a branch from, found none")
        self._tip = self._find(f"refs/heads/{branch}^{{commit}}")
        self._head = self._base = head
        if self._tip and self._stands_on(self._tip, head):
            self._base = self._tip
        elif self._tip and not self._stands_on(head, self._tip):  # one that was merged moves on
            raise PublishConflict(
                f"{self.root}: there is a branch {branch} that does not stand on what is checked out; "
                f"git branch -D {branch} removes it"
            )
        if place := self._run("for-each-ref", "--format=%(worktreepath)", f"refs/heads/{branch}"):
            raise PublishConflict(
                f"{self.root}: branch {branch} is checked out in {place}; check out another one there"
            )

    def commit(self, message: str) -> Branch | None:
        """Set the branch to a commit of all changes; None if neither they nor an earlier commit change anything.

        Raises:
            PublishConflict: Somebody else has set it meanwhile.
            OutputError: git refuses.
        """
        with tempfile.TemporaryDirectory(prefix="zoo-index-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self._run("read-tree", self._base, environment=index)
            lines = "".join(f"{file.mode} {file.object}\t{path}\0" for path, file in sorted(self._changed.items()))
            self._run("update-index", "-z", "--index-info", content=os.fsencode(lines), environment=index)
            tree = self._run("write-tree", environment=index)
        for path, file in self._changed.items():  # of names that git keeps to itself it says nothing, and goes on
            if self._find(f"{tree}:{path}") != file.object:
                raise OutputError(f"{self.root}: git takes no file {path} into a commit; choose another folder")
        if tree == self._find(f"{self._base}^{{tree}}"):
            return self._describe(self._tip) if self._base != self._head else None
        commit = self._run("commit-tree", tree, "-p", self._base, "-F", "-", content=message.encode())
        reference = f"refs/heads/{self.branch}"
        # Only if it is where it was; where there was none, an empty name says that there must be none now.
        done = self._ask("update-ref", "-m", "zoo", reference, commit, self._tip)
        if done.returncode:
            raise PublishConflict(f"{self.root}: branch {self.branch} can't be set: {_first_line(done.stderr)}")
        return self._describe(commit)

    def look_up(self, path: str) -> _File | None:
        """Return a file as it will be."""
        if path in self._changed:
            return self._changed[path]
        found = self._run("ls-tree", "-z", "--full-tree", self._base, "--", path).rstrip("\0")
        if not found:
            return None
        mode, kind, named = found.partition("\t")[0].split(" ")
        if kind != "blob" or mode == "120000":
            raise OutputError(
                f"{self.root}: expected {path} to be a file, found a {'link' if mode == '120000' else kind}"
            )
        return _File(mode, named)

    def read(self, file: _File) -> Generator[bytes, None, None]:
        """Give a file in pieces."""
        with tempfile.TemporaryFile() as told:
            with self._start("cat-file", "blob", file.object, stdout=subprocess.PIPE, stderr=told) as process:
                while piece := process.stdout.read(PIECE) if process.stdout is not None else b"":
                    yield piece
            if process.returncode:
                told.seek(0)
                raise DownloadError(f"{self.root}: {file.object} can't be read: {_first_line(told.read())}")

    def write(self, path: str, content: bytes | IO[bytes]) -> str:
        """Keep a file for the commit, byte for byte; return its object."""
        before = self.look_up(path)
        written = self._run("hash-object", "-w", "--no-filters", "--stdin", content=content)
        self._changed[path] = _File(before.mode if before is not None else _PLAIN, written)
        return written

    def _describe(self, commit: str) -> Branch:
        push = ["git", "-C", str(self.folder), "push", self._find_remote(), self.branch]
        return Branch(self.branch, commit, shlex.join(push))

    def _find(self, name: str) -> str:
        return self._ask("rev-parse", "--verify", "--quiet", name).stdout.decode().strip()

    def _stands_on(self, commit: str, base: str) -> bool:
        return self._ask("merge-base", "--is-ancestor", base, commit).returncode == 0

    def _find_remote(self) -> str:
        chosen = self._ask("config", "--get", "remote.pushDefault").stdout.decode().strip()
        remotes = self._ask("remote").stdout.decode().split()
        return chosen or ("origin" if "origin" in remotes or not remotes else remotes[0])

    def _run(
        self, *arguments: str, content: bytes | IO[bytes] = b"", environment: Mapping[str, str] | None = None
    ) -> str:
        """Return what a git command prints."""
        done = self._ask(*arguments, content=content, environment=environment)
        if done.returncode:
            raise OutputError(f"{self.root}: git {arguments[0]} failed: {_first_line(done.stderr)}")
        return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")

    def _ask(
        self, *arguments: str, content: bytes | IO[bytes] = b"", environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        text, stream = (content, subprocess.PIPE) if isinstance(content, bytes) else (None, content)
        with self._start(
            *arguments, stdin=stream, stdout=subprocess.PIPE, stderr=subprocess.PIPE, environment=environment
        ) as process:
            answer, told = process.communicate(text)
        return subprocess.CompletedProcess(arguments, process.returncode, answer, told)

    def _start(
        self, *arguments: str, environment: Mapping[str, str] | None = None, **streams: int | IO[bytes]
    ) -> subprocess.Popen[bytes]:
        kept = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER}
        own = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", **(environment or {})}
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        try:
            return subprocess.Popen(
                ["git", "-C", str(self.root), *settings, *arguments],
                env={**kept, **own},
                stdin=streams.get("stdin", subprocess.DEVNULL),
                stdout=streams["stdout"],
                stderr=streams["stderr"],
            )
        except FileNotFoundError as error:
            raise OutputError("git is not installed, and --pull-request makes a branch with it") from error
        except OSError as error:
            raise OutputError(f"git can't be started: {error.strerror or error}") from error


class CheckoutStore:
    """A folder of a git checkout as it will be in the next commit; a tag is git's hash of a file."""

    def __init__(self, checkout: Checkout, address: str, folder: Path) -> None:
        self.address = address.rstrip("/") or "/"
        self._checkout = checkout
        self._folder = folder

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """See ``Reader.read``."""
        file = self._look_up(path)
        if file is None:
            raise Missing(f"{self.address}/{path}: no such file in git")
        with contextlib.closing(self._checkout.read(file)) as pieces:
            for piece in pieces:
                if kept := piece[start:]:
                    yield kept
                start = max(0, start - len(piece))

    def read_tagged(self, path: str, limit: int, known: Tag | None = None) -> Tagged | None:
        """See ``Reader.read_tagged``."""
        file = self._look_up(path)
        if file is None:
            return None
        if file.object == known:
            return Tagged(None, file.object)
        return Tagged(read_whole(self._checkout.read(file), limit, f"{self.address}/{path}"), file.object)

    def put(self, path: str, file: Path, *, replace: bool = False) -> None:
        """See ``Writer.put``."""
        if leads_out(path):
            raise OutputError(f"{self.address}: {path!r} leads out of the store")
        if not replace and self._look_up(path) is not None:
            return
        try:
            with file.open("rb") as stream:
                self._checkout.write(self._make_key(path), stream)
        except OSError as error:
            raise OutputError(f"{file}: can't be read: {error.strerror or error}") from error

    def swap(self, path: str, content: bytes, expected: Tag | None) -> Tag:
        """See ``Writer.swap``; between processes it is the branch that is compared."""
        if leads_out(path):
            raise OutputError(f"{self.address}: {path!r} leads out of the store")
        found = self._look_up(path)
        if (None if found is None else found.object) != expected:
            raise Changed(path)
        return self._checkout.write(self._make_key(path), content)

    def _look_up(self, path: str) -> _File | None:
        return None if leads_out(path) else self._checkout.look_up(self._make_key(path))

    def _make_key(self, path: str) -> str:
        return (self._folder / path).as_posix()


def _first_line(message: bytes) -> str:
    """Return what git says, in one line."""
    lines = [line.strip() for line in message.decode("utf-8", "replace").splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return " ".join((told or lines or ["it does not say why"])[:2])[:300]
