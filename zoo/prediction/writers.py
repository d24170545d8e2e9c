"""What a run writes: the header and the lines of an annotated VCF, or of a table."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.genome.vcf import RecordBatch
from zoo.prediction.alleles.batch import AlleleBatch
from zoo.prediction.output.header import declare, knows_number_a
from zoo.prediction.output.keys import all_keys, refuse_collisions
from zoo.prediction.output.lines import Layout, format_vcf, make_rows, table_header
from zoo.prediction.output.rows import Rows
from zoo.prediction.run import Run
from zoo.prediction.scoring.scores import ModelScores


def declare_run(run: Run, layout: Layout, command: str, digests: Mapping[str, str] | None = None) -> list[str]:
    """Return the header lines that say what a run computed, from what, by what."""
    return declare(
        layout.models,
        layout.keys,
        run.agreement.reference,
        command,
        layout.extras,
        digests,
        backgrounds=run.engine.backgrounds,
        knows_number_a=knows_number_a(run.reader.header),
    )


class VcfWriter:
    """The header and the lines of an annotated VCF."""

    def __init__(self, run: Run, layout: Layout, command: str) -> None:
        self._run = run
        self._layout = layout
        self._command = command
        self.refuse_collisions()

    def refuse_collisions(self) -> None:
        """Raise OutputError where the input carries one of our keys, and they were not to be replaced."""
        if not self._layout.dropped:
            refuse_collisions(self._layout.keys, self._run.reader.info_ids, self._run.reader.name)

    def header(self, digests: Mapping[str, str] | None = None) -> str:
        """Return the input's header with our lines, and its undeclared contigs, before the line of columns."""
        reader, reference, layout = self._run.reader, self._run.agreement.reference, self._layout
        *lines, columns = reader.header.rstrip("\n").split("\n")
        replaced = tuple(f"##INFO=<ID={key}," for key in all_keys(layout.keys))
        kept = [line for line in lines if not line.startswith(replaced)]
        contigs = []
        for name in reader.undeclared_contigs:
            found = reference.resolve(name)
            contigs.append(
                f"##contig=<ID={name},length={reference.lengths[found]}>" if found else f"##contig=<ID={name}>"
            )
        declared = declare_run(self._run, layout, self._command, digests)
        new = [line for line in declared if line not in kept]
        return "\n".join([*kept, *contigs, *new, columns, ""])

    def format(self, batch: RecordBatch, alleles: AlleleBatch, scores: list[ModelScores]) -> str:
        """Return the lines of a batch."""
        return format_vcf(batch, alleles, scores, self._layout)


class TableWriter:
    """The header and the rows of a table."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def header(self, digests: Mapping[str, str] | None = None) -> str:  # noqa: ARG002 - a table has no place for them
        """Return the line of column names."""
        return table_header(self._layout)

    def format(self, batch: RecordBatch, alleles: AlleleBatch, scores: list[ModelScores]) -> Rows:
        """Return the rows of a batch."""
        return make_rows(batch, alleles, scores, self._layout)
