import pytest

from zoo.errors import DownloadError
from zoo.registry.stores.local import LocalStore
from zoo.registry.stores.protocol import Missing, Tagged
from zoo.testing.stores import check_reader, check_store


class StartsAtZero(LocalStore):
    def read(self, path, start=0):
        yield from super().read(path)


class GivesNothingForWhatIsMissing(LocalStore):
    def read(self, path, start=0):
        try:
            yield from super().read(path, start)
        except Missing:
            yield b""


class KnowsNoLimit(LocalStore):
    def read_tagged(self, path, limit, known=None):
        return super().read_tagged(path, 1 << 40, known)


class SendsWhatIsKnown(LocalStore):
    def read_tagged(self, path, limit, known=None):
        return super().read_tagged(path, limit)


class TakesAnyTagForTheSame(LocalStore):
    def read_tagged(self, path, limit, known=None):
        found = super().read_tagged(path, limit)
        return Tagged(None, known) if found and known else found


class WritesTheEndOnly(LocalStore):
    def put(self, path, file, *, replace=False):
        file.write_bytes(file.read_bytes()[1:])
        super().put(path, file, replace=replace)


class KeepsWhatIsDamaged(LocalStore):
    def put(self, path, file, *, replace=False):
        super().put(path, file)


class SwapsWhateverIsThere(LocalStore):
    def swap(self, path, content, expected):
        found = super().read_tagged(path, 1 << 40)
        return super().swap(path, content, found.tag if found else None)


class SwapsHalf(LocalStore):
    def swap(self, path, content, expected):
        return super().swap(path, content[: 1 << 20], expected)


class HasASlashAtTheEnd(LocalStore):
    def __init__(self, folder):
        super().__init__(folder)
        self.address += "/"


def test_a_folder_keeps_the_contract(tmp_path):
    check_store(lambda: LocalStore(tmp_path / "store"))


@pytest.mark.parametrize(
    ("store", "message"),
    [
        (StartsAtZero, r"from byte 1 on: expected 4 bytes, found 5 or others"),
        (GivesNothingForWhatIsMissing, r"read\('nothing'\): expected Missing, found 0 bytes"),
        (KnowsNoLimit, r"gives more than the limit"),
        (SendsWhatIsKnown, r"with its own tag gives"),
        (TakesAnyTagForTheSame, r"with another tag gives other bytes"),
        (WritesTheEndOnly, r"changed the file"),
        (KeepsWhatIsDamaged, r"replace=True\) left what was damaged"),
        (SwapsWhateverIsThere, r"a file that is there was replaced as if it were not"),
        (SwapsHalf, r"another connection reads something else"),
        (HasASlashAtTheEnd, r"without a slash at the end"),
    ],
)
def test_a_store_that_breaks_the_contract_learns_where(store, message, tmp_path):
    with pytest.raises(AssertionError, match=message):
        check_store(lambda: store(tmp_path / "store"))


def test_a_store_that_forgets_between_two_connections_is_found(tmp_path):
    folders = iter(range(99))
    with pytest.raises((AssertionError, DownloadError)):
        check_store(lambda: LocalStore(tmp_path / str(next(folders))))


def test_what_can_only_be_read_is_checked_against_its_files(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    check_reader(LocalStore(tmp_path), {"a": b"abc"})
    with pytest.raises(AssertionError, match="a from byte 0 on"):
        check_reader(LocalStore(tmp_path), {"a": b"abd"})
