import shutil
import subprocess

import pytest

from zoo import annotate
from zoo.errors import OutputError
from zoo.prediction.output.packed import PACKED_FIELDS, refuse_names
from zoo.testing.golden import write_golden
from zoo.testing.models import make_base_at_anchor_graph, write_model_folder

from .test_keys import scored


@pytest.fixture
def packed(tmp_path):
    golden = write_golden(tmp_path / "golden")
    output = tmp_path / "packed.vcf"
    annotate(golden.vcf, golden.genome, golden.models[:2], output, threads=1, packed=True)
    return output


def entries_of(path):
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            columns = line.split("\t")
            values = [value.removeprefix("ZOO_PACKED=") for value in columns[7].split(";") if "PACKED" in value]
            entries = [entry.split("|") for value in values for entry in value.split(",")]
            yield columns[1], columns[4], [dict(zip(PACKED_FIELDS, entry, strict=True)) for entry in entries]


def test_each_allele_has_an_entry_for_each_model_with_its_score_or_its_reason(packed):
    for _, alts, entries in entries_of(packed):
        expected = [] if alts == "." else [(alt, model) for model in ("at", "after") for alt in alts.split(",")]
        found = [(entry["Allele"], entry["Model"].removesuffix("@1.0.0")) for entry in entries]
        assert sorted(found) == sorted(expected)
        for entry in entries:
            assert (entry["Consequence"] == "scored") == (entry["Score"] != "")
            assert entry["Consequence"] != "OK"


def test_an_entry_says_what_the_key_of_its_model_says(packed):
    first = next(entries for position, _, entries in entries_of(packed) if position == "2")
    line = next(line for line in packed.read_text().splitlines() if line.startswith("chr1\t2\t"))
    assert f"ZOO_AT={first[0]['Score']};" in line
    assert (first[0]["Track"], first[0]["Region"], first[0]["SD"]) == ("g", "", "")


@pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not installed")
def test_split_vep_takes_the_entries_apart(packed):
    arguments = ["bcftools", "+split-vep", "-a", "ZOO_PACKED", "-d", "-f", "%POS %Allele %Model %Score\n", packed]
    found = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.splitlines()
    expected = [
        f"{position} {entry['Allele']} {entry['Model']} {entry['Score'] or '.'}"
        for position, _, entries in entries_of(packed)
        for entry in entries
    ]
    assert [line for line in found if " . . " not in line] == expected


def test_names_that_would_need_escaping_are_refused(tmp_path):
    with pytest.raises(OutputError, match=r"--packed: one@1\.0\.0: track 'a\|b': expected letters, digits"):
        refuse_names([scored("one", "a|b")], [])
    with pytest.raises(OutputError, match=r"--packed: region 'my promoter': .*rename it, or leave out --packed"):
        refuse_names([scored("one")], ["p1", "my promoter"])
    refuse_names([scored("one", "H3K4me3", "a.b-c")], ["chr1:5-9"])


def test_an_annotation_stops_before_the_first_record_where_a_name_needs_escaping(tmp_path):
    golden = write_golden(tmp_path / "golden")
    tracks = [{"name": "a,b", "assay": "none"}]
    card = {"outputs": [{"name": "prediction", "tracks": tracks, "activation": "linear"}]}
    folder = write_model_folder(tmp_path / "odd", make_base_at_anchor_graph(), card)
    with pytest.raises(OutputError, match="track 'a,b'"):
        annotate(golden.vcf, golden.genome, folder, tmp_path / "out.vcf", packed=True)
    assert not (tmp_path / "out.vcf").exists()
