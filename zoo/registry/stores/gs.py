"""A bucket of Google Cloud Storage as a store, by Google's own library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from zoo.errors import DownloadError, MissingExtra, OutputError
from zoo.registry.stores.addresses import hide_secrets
from zoo.registry.stores.faults import naming_faults
from zoo.registry.stores.protocol import IDLE, TRIES, Changed, Missing, Tag, Tagged, leads_out

_PIECE = 8 << 20  # bytes a request: each is one that the library asks for by itself


class GsStore:
    """Objects below ``gs://BUCKET/PREFIX``; a tag is the object's generation, which a swap names as its condition.

    Credentials are Google's application default ones; where there are none, the bucket is read as anybody may.
    """

    def __init__(self, address: str, *, idle: float = IDLE) -> None:
        try:
            from google.auth.exceptions import DefaultCredentialsError
            from google.cloud import storage
        except ImportError as error:
            raise MissingExtra(
                f"{hide_secrets(address)}: needs google-cloud-storage; run pip install 'assayzoo[gs]'"
            ) from error
        self.address = hide_secrets(address).rstrip("/")
        name, _, self._prefix = self.address.partition("://")[2].partition("/")
        if not name:
            raise DownloadError(f"{self.address}: expected gs://BUCKET, or a folder below one")
        try:
            client = storage.Client(project="none")  # objects need none, and without a name the library looks for one
        except DefaultCredentialsError:
            client = storage.Client.create_anonymous_client()
        self._bucket = client.bucket(name)
        self._once: dict[str, Any] = {"timeout": idle, "retry": None}

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """See ``Reader.read``."""
        with self._name(path, DownloadError, "can't be read") as where:
            blob = self._find(path)
            while True:
                try:
                    piece = blob.download_as_bytes(
                        start=start, end=start + _PIECE - 1, raw_download=True, checksum=None, **self._once
                    )
                except Exception as error:
                    if _find_status(error) == 416:
                        return
                    if _find_status(error) == 404:
                        raise Missing(f"{where}: no such object, or no such bucket") from error
                    raise
                yield piece
                if len(piece) < _PIECE:
                    return
                start += len(piece)

    def read_tagged(self, path: str, limit: int, known: Tag | None = None) -> Tagged | None:
        """See ``Reader.read_tagged``."""
        if leads_out(path):
            return None
        with self._name(path, DownloadError, "can't be read") as where:
            for _ in range(TRIES):
                blob = self._bucket.get_blob(self._make_key(path), **self._once)
                if blob is None:
                    return None
                if blob.size > limit:
                    raise DownloadError(f"{where}: expected at most {limit:,} bytes, found {blob.size:,}")
                tag = str(blob.generation)
                if tag == known:
                    return Tagged(None, tag)
                try:
                    content = blob.download_as_bytes(
                        if_generation_match=blob.generation, raw_download=True, **self._once
                    )
                except Exception as error:
                    if _find_status(error) in {404, 412}:  # replaced since; the old one can't be had any more
                        continue
                    raise
                return Tagged(content, tag)
            raise DownloadError(f"{where}: changed {TRIES} times while it was read; try again")

    def put(self, path: str, file: Path, *, replace: bool = False) -> None:
        """See ``Writer.put``."""
        with self._name(path, OutputError, "can't be written"):
            condition = {} if replace else {"if_generation_match": 0}
            try:
                self._find(path).upload_from_filename(str(file), **condition, **self._once)
            except Exception as error:
                if _find_status(error) != 412:
                    raise

    def swap(self, path: str, content: bytes, expected: Tag | None) -> Tag:
        """See ``Writer.swap``."""
        with self._name(path, OutputError, "can't be written"):
            if expected is not None and not expected.isdecimal():
                raise Changed(path)
            blob = self._find(path)
            try:
                blob.upload_from_string(content, if_generation_match=int(expected or 0), **self._once)
            except Exception as error:
                if _find_status(error) == 412:
                    raise Changed(path) from error
                raise
            return str(blob.generation)

    def _find(self, path: str) -> Any:
        return self._bucket.blob(self._make_key(path))

    def _make_key(self, path: str) -> str:
        return f"{self._prefix}/{path}" if self._prefix else path

    def _name(self, path: str, kind: type[DownloadError | OutputError], what: str) -> AbstractContextManager[str]:
        return naming_faults(self.address, path, kind, what, _explain)


def _explain(error: Exception, text: str) -> str:
    if _find_status(error) in {401, 403}:
        return f"{text}; check the credentials: gcloud auth application-default login, GOOGLE_APPLICATION_CREDENTIALS"
    return text


def _find_status(error: BaseException) -> int | None:
    code = getattr(error, "code", None)
    return int(code) if isinstance(code, int) else None
