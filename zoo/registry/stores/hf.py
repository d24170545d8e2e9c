"""A repository of the Hugging Face hub as a store, by huggingface_hub: every change is a commit."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from zoo.errors import DownloadError, MissingExtra, OutputError
from zoo.registry.stores.addresses import hide_secrets
from zoo.registry.stores.connection import Connection, ask_range
from zoo.registry.stores.faults import naming_faults
from zoo.registry.stores.pieces import read_whole
from zoo.registry.stores.protocol import IDLE, TRIES, Changed, Tag, Tagged, leads_out

_KINDS = {"datasets": "dataset", "spaces": "space", "models": "model"}


class HfStore:
    """Files of ``hf://[datasets/]OWNER/NAME[@REVISION][/FOLDER]``; a tag is git's hash of a file.

    The token is the one of ``hf auth login`` or ``HF_TOKEN``. A swap is a commit on top of the one whose file was
    compared; where somebody else's came between, it is compared again.
    """

    def __init__(self, address: str, *, idle: float = IDLE) -> None:
        try:
            import huggingface_hub
        except ImportError as error:
            raise MissingExtra(
                f"{hide_secrets(address)}: needs huggingface_hub; run pip install 'assayzoo[hf]'"
            ) from error
        self.address = hide_secrets(address).rstrip("/")
        parts = self.address.partition("://")[2].split("/")
        kind = _KINDS.get(parts[0], "model")
        parts = parts[1:] if parts[0] in _KINDS else parts
        if len(parts) < 2 or not all(parts):
            raise DownloadError(
                f"{self.address}: expected hf://OWNER/NAME, hf://datasets/OWNER/NAME, or a folder below one"
            )
        name, _, revision = parts[1].partition("@")
        self._folder = "/".join(parts[2:])
        self._revision = revision or "main"
        self._repository = {"repo_id": f"{parts[0]}/{name}", "repo_type": kind}
        self._hub = huggingface_hub.HfApi(library_name="assayzoo")
        self._root = f"{self._hub.endpoint}/{'' if kind == 'model' else f'{kind}s/'}{self._repository['repo_id']}"
        self._connection = Connection(idle)

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """See ``Reader.read``."""
        return self._read(path, start, self._revision)

    def read_tagged(self, path: str, limit: int, known: Tag | None = None) -> Tagged | None:
        """See ``Reader.read_tagged``."""
        if leads_out(path):
            return None
        with self._name(path, DownloadError, "can't be read") as where:
            head = self._find_head()
            file = self._find_file(path, head)
            if file is None:
                return None
            if file.size > limit:
                raise DownloadError(f"{where}: expected at most {limit:,} bytes, found {file.size:,}")
            tag = str(file.blob_id)
            if tag == known:
                return Tagged(None, tag)
            return Tagged(read_whole(self._read(path, 0, head), limit, where), tag)

    def put(self, path: str, file: Path, *, replace: bool = False) -> None:  # noqa: ARG002 - a commit always does
        """See ``Writer.put``; one commit."""
        with self._name(path, OutputError, "can't be written"), file.open("rb") as stream:
            self._commit(path, stream, None)

    def swap(self, path: str, content: bytes, expected: Tag | None) -> Tag:
        """See ``Writer.swap``."""
        with self._name(path, OutputError, "can't be written") as where:
            for _ in range(TRIES):
                head = self._find_head()
                file = self._find_file(path, head)
                if (None if file is None else str(file.blob_id)) != expected:
                    raise Changed(path)
                try:
                    commit = self._commit(path, io.BytesIO(content), head)
                except Exception as error:
                    if _find_status(error) in {409, 412}:
                        continue
                    raise
                written = self._find_file(path, commit)
                if written is None:
                    raise OutputError(f"{where}: the hub has taken the file and does not show it; try again")
                return str(written.blob_id)
            raise Changed(path)

    def _read(self, path: str, start: int, revision: str) -> Iterator[bytes]:
        with self._name(path, DownloadError, "can't be read") as where:
            from huggingface_hub.utils import build_hf_headers

            # By our own connection: the hub's own download keeps a second copy, and tries again by itself.
            url = f"{self._root}/resolve/{quote(revision, safe='')}/{quote(self._make_key(path))}"
            headers = {name: value for name, value in build_hf_headers(library_name="assayzoo").items() if value}
            with self._connection.ask(url, {**headers, **ask_range(start)}) as answer:
                absent = "no such file, or no such repository, or no token for it (hf auth login)"
                yield from self._connection.read_from(answer, start, where, absent)

    def _find_head(self) -> str:
        return str(self._hub.repo_info(revision=self._revision, **self._repository).sha)

    def _find_file(self, path: str, commit: str) -> Any:
        key = self._make_key(path)
        found = self._hub.get_paths_info(paths=[key], revision=commit, **self._repository)
        return next((file for file in found if file.path == key and hasattr(file, "blob_id")), None)

    def _commit(self, path: str, content: IO[bytes], parent: str | None) -> str:
        from huggingface_hub import CommitOperationAdd

        commit = self._hub.create_commit(
            operations=[CommitOperationAdd(self._make_key(path), content)],
            commit_message=f"Write {path}",
            revision=self._revision,
            parent_commit=parent,
            **self._repository,
        )
        return str(commit.oid)

    def _make_key(self, path: str) -> str:
        return f"{self._folder}/{path}" if self._folder else path

    def _name(self, path: str, kind: type[DownloadError | OutputError], what: str) -> AbstractContextManager[str]:
        return naming_faults(self.address, path, kind, what, _explain)


def _explain(error: Exception, text: str) -> str:
    if _find_status(error) in {401, 403, 404}:
        return f"{text}; check the name, and the token: hf auth login, HF_TOKEN"
    return text


def _find_status(error: BaseException) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None
