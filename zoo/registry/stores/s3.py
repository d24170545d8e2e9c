"""An S3 bucket as a store, by s3fs: AWS, or another server that ``AWS_ENDPOINT_URL`` names."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

from zoo.errors import DownloadError, MissingExtra, OutputError
from zoo.registry.stores.addresses import hide_secrets
from zoo.registry.stores.faults import naming_faults
from zoo.registry.stores.protocol import IDLE, PIECE, Changed, Missing, Tag, Tagged, leads_out

_OTHER_TAG = '"00000000000000000000000000000000"'
_TAKEN = frozenset({409, 412})  # another one was first, or is writing now


class S3Store:
    """Objects below ``s3://BUCKET/PREFIX``; a tag is the object's ETag.

    Credentials and region are found as AWS's own tools find them; where there are none, the bucket is read as anybody
    may. A registry's swap is one ``PutObject`` with ``If-Match`` or ``If-None-Match``.
    """

    def __init__(self, address: str, *, idle: float = IDLE) -> None:
        try:
            import botocore.session  # type: ignore[import-untyped]
            import s3fs
            from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]
        except ImportError as error:
            raise MissingExtra(f"{hide_secrets(address)}: needs s3fs; run pip install 'assayzoo[s3]'") from error
        self.address = hide_secrets(address).rstrip("/")
        self._bucket, _, self._prefix = self.address.partition("://")[2].partition("/")
        if not self._bucket:
            raise DownloadError(f"{self.address}: expected s3://BUCKET, or a folder below one")
        try:
            credentials = botocore.session.get_session().get_credentials()
        except BotoCoreError as error:
            raise DownloadError(
                f"{self.address}: no credentials: {hide_secrets(str(error))}; check AWS_PROFILE and ~/.aws"
            ) from error
        self._keeps_conditions = False
        # An instance of its own: s3fs shares them, with what they have listed, within a process.
        self._files = s3fs.S3FileSystem(
            anon=credentials is None,
            skip_instance_cache=True,
            use_listings_cache=False,
            config_kwargs={
                "connect_timeout": idle,
                "read_timeout": idle,
                "retries": {"total_max_attempts": 1},
            },
        )
        self._files.retries = 1

    def read(self, path: str, start: int = 0) -> Iterator[bytes]:
        """See ``Reader.read``."""
        from fsspec.asyn import sync

        with self._name(path, DownloadError, "can't be read") as where:
            try:
                body = self._ask(path, **({"Range": f"bytes={start}-"} if start else {}))["Body"]
            except Exception as error:
                status = _find_status(error)
                if status == 416:
                    return
                if status == 404 and _find_code(error) != "NoSuchBucket":
                    raise Missing(f"{where}: no such object") from error
                raise
            with contextlib.closing(body):
                while piece := sync(self._files.loop, body.read, PIECE):
                    yield piece

    def read_tagged(self, path: str, limit: int, known: Tag | None = None) -> Tagged | None:
        """See ``Reader.read_tagged``."""
        from fsspec.asyn import sync

        if leads_out(path):
            return None
        with self._name(path, DownloadError, "can't be read") as where:
            try:
                answer = self._ask(path, **({"IfNoneMatch": known} if known else {}))
            except Exception as error:
                status = _find_status(error)
                if status == 304 and known is not None:
                    return Tagged(None, known)
                if status == 404 and _find_code(error) != "NoSuchBucket":
                    return None
                raise
            with contextlib.closing(answer["Body"]) as body:
                if answer["ContentLength"] > limit:
                    raise DownloadError(f"{where}: expected at most {limit:,} bytes, found {answer['ContentLength']:,}")
                return Tagged(sync(self._files.loop, body.read), answer["ETag"])

    def put(self, path: str, file: Path, *, replace: bool = False) -> None:  # noqa: ARG002 - it always is
        """See ``Writer.put``; an object of that name is written again."""
        with self._name(path, OutputError, "can't be written"), file.open("rb") as stream:
            self._put(path, stream)

    def swap(self, path: str, content: bytes, expected: Tag | None) -> Tag:
        """See ``Writer.swap``.

        Raises:
            OutputError: Besides, the server does not heed conditions, as some that speak S3 do not.
        """
        with self._name(path, OutputError, "can't be written"):
            self._expect_conditions(path)
            condition = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}
            try:
                return str(self._put(path, io.BytesIO(content), **condition)["ETag"])
            except Exception as error:
                status = _find_status(error)
                if status in _TAKEN or (status == 404 and expected is not None and _find_code(error) != "NoSuchBucket"):
                    raise Changed(path) from error
                raise

    def _expect_conditions(self, path: str) -> None:
        """Ask once for what must be refused: a server that does it all the same would lose a publisher's entry."""
        if self._keeps_conditions:
            return
        probe = f"{path}.conditions"
        try:
            self._put(probe, io.BytesIO(b""), IfMatch=_OTHER_TAG)
        except Exception as error:
            if _find_status(error) not in {404, *_TAKEN, 501} or _find_code(error) == "NoSuchBucket":
                raise
            self._keeps_conditions = _find_status(error) != 501
            left = ""
        else:
            left = self._remove(probe)
        if not self._keeps_conditions:
            raise OutputError(
                f"{self.address}: its server takes no conditional writes (If-Match), so two who publish at once could "
                f"lose an entry; keep the registry in another store: --registry{left}"
            )

    def _remove(self, path: str) -> str:
        """Remove an object; return what is to be said where that is denied."""
        try:
            self._files.call_s3("delete_object", Bucket=self._bucket, Key=self._find_key(path))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not why we are here
            reason = hide_secrets(str(error).partition("\n")[0])
            return f"; {path}, by which that was found out, is left there and may be removed ({reason})"
        return ""

    def _put(self, path: str, stream: IO[bytes], **condition: str) -> Any:
        # One request, whatever the size: an upload in parts does not heed conditions, and may leave parts.
        return self._files.call_s3(
            "put_object", Bucket=self._bucket, Key=self._find_key(path), Body=stream, **condition
        )

    def _ask(self, path: str, **arguments: str) -> Any:
        return self._files.call_s3("get_object", Bucket=self._bucket, Key=self._find_key(path), **arguments)

    def _find_key(self, path: str) -> str:
        return f"{self._prefix}/{path}" if self._prefix else path

    def _name(self, path: str, kind: type[DownloadError | OutputError], what: str) -> AbstractContextManager[str]:
        return naming_faults(self.address, path, kind, what, _explain)


def _explain(error: Exception, text: str) -> str:
    status = _find_status(error)
    if status in {401, 403} or type(error).__name__ == "NoCredentialsError":
        return (
            f"{text}; check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID), and that they may list the bucket: else "
            "an object that is missing looks like one that is forbidden"
        )
    if _find_code(error) == "NoSuchBucket":
        return f"{text}; create the bucket, or mend the address"
    return text


def _find_answer(error: BaseException | None) -> Any:
    """Return the server's answer behind an error; s3fs hides it behind one of Python's own."""
    while error is not None:
        if answer := getattr(error, "response", None):
            return answer
        error = error.__cause__
    return {}


def _find_status(error: BaseException) -> int | None:
    status = _find_answer(error).get("ResponseMetadata", {}).get("HTTPStatusCode")
    return None if status is None else int(status)


def _find_code(error: BaseException) -> str:
    return str(_find_answer(error).get("Error", {}).get("Code", ""))
