import re

from zoo.plugin_kit.example_data import LENGTH, MOTIF, draw_examples, write_fasta, write_table


def test_half_of_the_sequences_hold_the_motif_and_the_others_do_not():
    examples = draw_examples()
    assert [MOTIF in each.letters for each in examples] == [each.bound for each in examples]
    assert sum(each.bound for each in examples) * 2 == len(examples)
    assert {len(each.letters) for each in examples} == {LENGTH}
    assert len({each.letters for each in examples}) == len(examples)


def test_every_contig_has_as_many_of_both_classes():
    counts = {}
    for each in draw_examples():
        counts.setdefault(each.contig, []).append(each.bound)
    assert sorted(counts) == ["chr1", "chr2", "chr3", "chr4", "chr5", "chr6"]
    assert {(len(bound), sum(bound)) for bound in counts.values()} == {(60, 30)}


def test_the_same_are_drawn_each_time():
    assert draw_examples() == draw_examples()


def test_both_files_hold_every_example():
    examples = draw_examples()
    table = [line.split("\t") for line in write_table(examples).splitlines()]
    assert table == [[each.contig, each.letters, "1" if each.bound else "0"] for each in examples]
    for bound in (True, False):
        records = re.findall(r">(chr\d)_(\d+)\n([ACGT]+)\n", write_fasta(examples, bound=bound))
        assert [(contig, letters) for contig, _, letters in records] == [
            (each.contig, each.letters) for each in examples if each.bound == bound
        ]
        assert len({number for _, number, _ in records}) == len(records)
