"""Genomes, VCF files and lines, made where a test needs them."""

import pytest

from zoo.genome.reference import Reference


@pytest.fixture
def write_genome(tmp_path):
    """Write contigs, letters by name, as a FASTA file."""

    def write(name="genome.fa", **contigs):
        path = tmp_path / name
        path.write_text("".join(f">{contig}\n{letters}\n" for contig, letters in contigs.items()))
        return path

    return write


@pytest.fixture
def open_genome(write_genome):
    """Open a genome of contigs, letters by name."""
    opened = []

    def open_contigs(**contigs):
        opened.append(Reference(write_genome(**contigs)))
        return opened[-1]

    yield open_contigs
    for reference in opened:
        reference.close()


@pytest.fixture
def write_vcf(tmp_path):
    """Write records, columns separated by spaces, those after ALT may be left out; and the contigs."""

    def write(records, *, declared=("chr1",), header=(), name="in.vcf"):
        lines = ["##fileformat=VCFv4.2", *(f"##contig=<ID={contig}>" for contig in declared), *header]
        lines.append("#CHROM POS ID REF ALT QUAL FILTER INFO".replace(" ", "\t"))
        for record in records:
            columns = record.split(" ")
            lines.append("\t".join(columns + ["."] * (8 - len(columns))))
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


@pytest.fixture
def read_lines():
    """Return the records of a text file, without its header."""
    return lambda path: [line for line in path.read_text().splitlines() if not line.startswith("#")]
