"""Genotypes, tiny models, and a slow reference that works on letters, one allele and one window at a time."""

import functools
from dataclasses import dataclass

import numpy as np
import pytest

from zoo.genome.reference import Reference
from zoo.genome.variant import Variant, normalise
from zoo.model.folder import load_folder
from zoo.prediction.alleles.agreement import GenomeAgreement
from zoo.prediction.haplotypes.phasing import place_on_haplotypes
from zoo.prediction.haplotypes.sample import read_sample
from zoo.testing.models import make_model, write_model_folder


@pytest.fixture
def write_genotypes(tmp_path):
    """Write records ``contig position ref alt value…``, a value a sample: GT, or GT:PS."""

    def write(records, *, samples=("S",), version="4.2", set_type="Integer", name="genotypes.vcf", extra=()):
        lines = [
            f"##fileformat=VCFv{version}",
            *(f"##contig=<ID={contig}>" for contig in dict.fromkeys(record.split()[0] for record in records)),
            '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
            f'##FORMAT=<ID=PS,Number=1,Type={set_type},Description="Phase set">',
            *extra,
            "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples]),
        ]
        for record in records:
            contig, position, ref, alt, *values = record.split()
            layout = "GT:PS" if any(":" in value for value in values) else "GT"
            lines.append("\t".join([contig, position, ".", ref, alt, ".", ".", ".", layout, *values]))
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


@pytest.fixture
def read(write_genotypes, open_genome):
    """Read records of one sample on contig chr1, or on several."""

    def read_records(records, genome, *, sample="S", **options):
        contigs = {"chr1": genome} if isinstance(genome, str) else genome
        path = write_genotypes(records, **options)
        reference = open_genome(**contigs)
        return read_sample(path, sample, GenomeAgreement(reference, str(path), {})), reference

    return read_records


@pytest.fixture
def place(read):
    """Read records and place them on haplotypes."""

    def place_records(records, genome, **options):
        sample, reference = read(records, genome, **options)
        return place_on_haplotypes(sample, reference), reference

    return place_records


def count_g(length, *, power):
    """A network that counts the Gs of a window, to some power."""
    from onnx import TensorProto, helper, numpy_helper

    integers = {"starts": [2], "ends": [3], "axis": [2], "bases": [1]}
    constants = [numpy_helper.from_array(np.array(values, dtype=np.int64), name) for name, values in integers.items()]
    constants.append(numpy_helper.from_array(np.float32(power), "power"))
    nodes = [
        helper.make_node("Slice", ["sequence", "starts", "ends", "axis"], ["gs"]),
        helper.make_node("ReduceSum", ["gs", "bases"], ["counts"], keepdims=0),
        helper.make_node("Pow", ["counts", "power"], ["prediction"]),
    ]
    sequence = helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", length, 4])
    prediction = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 1])
    return make_model(helper.make_graph(nodes, "counter", [sequence], [prediction], constants))


def weigh_bases(length):
    """A network that adds up a weight for each base of a window, and squares the sum: every base and place matters."""
    from onnx import TensorProto, helper, numpy_helper

    weights = WEIGHTS[: length * 4]
    shape = numpy_helper.from_array(np.array([0, length * 4]), "shape")
    constants = [numpy_helper.from_array(weights, "weights"), shape, numpy_helper.from_array(np.float32(2), "two")]
    nodes = [
        helper.make_node("Reshape", ["sequence", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["summed"]),
        helper.make_node("Pow", ["summed", "two"], ["prediction"]),
    ]
    sequence = helper.make_tensor_value_info("sequence", TensorProto.FLOAT, ["N", length, 4])
    prediction = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 1])
    return make_model(helper.make_graph(nodes, "weigher", [sequence], [prediction], constants))


WEIGHTS = np.random.default_rng(1).normal(size=(400, 1)).astype(np.float32)


@pytest.fixture(scope="session")
def load_counter(tmp_path_factory):
    """A loaded model that counts Gs (``power`` 1), or squares their number (2)."""

    def load(length=9, anchor=4, power=1, name="counter"):
        folder = tmp_path_factory.mktemp("model")
        card = {
            "name": name,
            "inputs": [{"name": "sequence", "shape": [length, 4]}],
            "window": {"length": length, "anchor": anchor},
        }
        return load_folder(write_model_folder(folder, count_g(length, power=power), card), device="cpu", threads=1)

    return load


@pytest.fixture(scope="session")
def load_weigher(tmp_path_factory):
    """A loaded model whose prediction ``weigh`` of the slow reference repeats; the same one for the same window."""

    @functools.cache
    def load(length, anchor):
        folder = tmp_path_factory.mktemp("model")
        card = {
            "name": f"weigher-{length}-{anchor}",
            "inputs": [{"name": "sequence", "shape": [length, 4]}],
            "window": {"length": length, "anchor": anchor},
        }
        return load_folder(write_model_folder(folder, weigh_bases(length), card), device="cpu", threads=1)

    return load


@dataclass(frozen=True)
class SlowCopy:
    """One allele on one haplotype, in letters: ``genome[first:last]`` gives way to ``alt``."""

    start: int
    ref: str
    spelled: str
    first: int
    last: int
    alt: str
    haplotype: int
    phase_set: str | None
    order: tuple[int, int]

    @property
    def slots(self):
        """What of the contig is taken: changed bases, and the gaps before bases that nothing else may fill."""
        inner = range(self.first + 1, self.last)
        gaps = {("gap", place) for place in inner} | ({("gap", self.first)} if self.first == self.last else set())
        return gaps | {("base", place) for place in range(self.first, self.last)}

    def meets(self, other):
        together = self.haplotype == other.haplotype
        return together and (None in (self.phase_set, other.phase_set) or self.phase_set == other.phase_set)


class Slow:
    """String surgery on letters."""

    @staticmethod
    def copy(genome, reference, record, haplotype, phase_set, order):
        position, ref, alt = record
        found = normalise(Variant("chr1", position, ref, alt), reference)
        first, last, changed = found.start, found.start + len(found.ref), found.alt
        if len(found.ref) != len(found.alt) and 1 in (len(found.ref), len(found.alt)):
            if found.ref[0] == found.alt[0]:
                first, changed = first + 1, changed[1:]
            elif found.ref[-1] == found.alt[-1]:
                last, changed = last - 1, changed[:-1]
        return SlowCopy(found.start, found.ref, found.alt, first, last, changed, haplotype, phase_set, order)

    @staticmethod
    def keep(copies):
        """Leave out what overlaps a copy to the left."""
        kept = []
        for copy in sorted(copies, key=lambda one: (one.first, one.first < one.last, one.order)):
            if not any(copy.meets(other) and copy.slots & other.slots for other in kept):
                kept.append(copy)
        return kept

    @staticmethod
    def settle(copies):
        """Give what every haplotype carries the phase set of the nearest heterozygous allele, the left one of two."""
        hets = [copy for copy in copies if copy.phase_set is not None]

        def nearest(copy):
            if copy.phase_set is not None:
                return copy.phase_set
            distances = [
                (abs(het.first - copy.first), het.first > copy.first, het.order, het.phase_set) for het in hets
            ]
            return min(distances)[-1] if distances else "."

        return {copy: nearest(copy) for copy in copies}

    @staticmethod
    def mutate(genome, start, length, copies):
        """Return a window from base ``start`` on that carries copies."""
        letters = genome + "N" * (length + 100)
        for copy in sorted(copies, key=lambda one: (one.first, one.last), reverse=True):
            letters = letters[: copy.first] + copy.alt + letters[copy.last :]
        return ("N" * max(-start, 0) + letters[max(start, 0) :])[:length]

    @classmethod
    def on_haplotype(cls, genome, copy, neighbours, length, anchor):
        """Return both windows of a copy among its neighbours."""
        left, right = genome[: copy.first], genome[copy.last :] + "N" * (length + 100)
        for other in sorted(neighbours, key=lambda one: (one.first, one.last), reverse=True):
            if other.last <= copy.first:
                left = left[: other.first] + other.alt + left[other.last :]
            else:
                first, last = other.first - copy.last, other.last - copy.last
                right = right[:first] + other.alt + right[last:]
        offset = anchor + copy.first - copy.start
        left = ("N" * offset + left)[len(left) :]
        return tuple((left + mine + right)[:length] for mine in (genome[copy.first : copy.last], copy.alt))

    @staticmethod
    def weigh(window):
        weights = WEIGHTS.reshape(-1, 4)
        return (
            float(sum(weights[place]["ACGT".index(base)] for place, base in enumerate(window) if base in "ACGT")) ** 2
        )


@pytest.fixture(scope="session")
def slow():
    return Slow


@pytest.fixture(scope="session")
def open_letters(tmp_path_factory):
    """Open a genome of one contig, anew for every example of a property."""

    def open_one(letters):
        path = tmp_path_factory.mktemp("genome") / "genome.fa"
        path.write_text(f">chr1\n{letters}\n")
        return Reference(path)

    return open_one
