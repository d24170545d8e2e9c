import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from zoo.components import Config
from zoo.errors import OutputError
from zoo.model.card import Card
from zoo.prediction.output.header import declare
from zoo.prediction.output.keys import Extras, all_keys, name_keys, refuse_collisions
from zoo.prediction.scoring.pairing import ScoredModel
from zoo.testing.models import CARD


def scored(name, *tracks, version="1.0.0", chosen=False, signed=True):
    outputs = [{"name": "p", "tracks": [{"name": t, "assay": "a"} for t in tracks or ("t",)], "activation": "linear"}]
    card = Card.model_validate({**CARD, "name": name, "version": version, "outputs": outputs})
    scorer = SimpleNamespace(name="difference", summary='ALT - "REF"', signed=signed)
    columns = tuple(range(len(card.track_names)))
    return ScoredModel(SimpleNamespace(card=card, digest="0123456789abcdef"), scorer, Config(), columns, chosen=chosen)


def scores_of(*models, **renames):
    return [keys.scores for keys in name_keys(models, {name.replace("__", ":"): key for name, key in renames.items()})]


def test_one_track_has_the_models_name_several_have_their_own():
    models = scored("gm12878-ctcf", "CTCF"), scored("two", "H3K4me3", "a.b c")
    assert scores_of(*models) == [("ZOO_GM12878_CTCF",), ("ZOO_TWO_H3K4ME3", "ZOO_TWO_A_B_C")]
    assert [keys.skipped for keys in name_keys(models)] == ["ZOO_GM12878_CTCF_SKIPPED", "ZOO_TWO_SKIPPED"]
    assert all_keys(name_keys(models))[0] == "ZOO_SKIPPED"


@pytest.mark.parametrize(("tracks", "top"), [(20, False), (21, True)])
def test_more_than_twenty_tracks_share_one_key_of_the_strongest(tracks, top):
    (keys,) = name_keys([scored("many", *(f"t{number}" for number in range(tracks)))])
    assert keys.top is top
    assert keys.scores == (("ZOO_MANY_TOP",) if top else tuple(f"ZOO_MANY_T{number}" for number in range(tracks)))
    assert len(keys.tracks) == tracks


def test_a_model_or_a_track_can_be_renamed():
    one, two = scored("one"), scored("two", "a", "b")
    assert scores_of(one, two, one="X") == [("X",), ("ZOO_TWO_A", "ZOO_TWO_B")]
    assert scores_of(one, two, two="X", two__b="Y") == [("ZOO_ONE",), ("X_A", "Y")]
    assert name_keys([one], {"one": "X"})[0].skipped == "X_SKIPPED"


def test_versions_of_one_model_collide_until_one_is_renamed():
    models = scored("one"), scored("one", version="2.0.0")
    expected = "key ZOO_ONE: both one@1.0.0 and one@2.0.0 would write it; rename one: --key 'one@2.0.0=OTHER_KEY'"
    with pytest.raises(OutputError, match=f"^{re.escape(expected)}$"):
        name_keys(models)
    assert [keys.scores for keys in name_keys(models, {"one@2.0.0": "NEW"})] == [("ZOO_ONE",), ("NEW",)]
    assert [keys.scores for keys in name_keys(models, {"one": "OLD", "one@2.0.0": "NEW"})] == [("OLD",), ("NEW",)]


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ([scored("a", "b", "c"), scored("a-b")], "key ZOO_A_B: both a@1.0.0:b and a-b@1.0.0 would write it"),
        ([scored("skipped")], "key ZOO_SKIPPED: both the zoo itself and skipped@1.0.0 would write it"),
        ([scored("a", "b.c", "b c")], "key ZOO_A_B_C: both a@1.0.0:b.c and a@1.0.0:b c would write it"),
        ([scored("a", "skipped", "b")], "key ZOO_A_SKIPPED: both a@1.0.0:skipped and a@1.0.0 would write it"),
    ],
)
def test_two_owners_of_one_key_are_an_error_that_says_how_to_rename(models, message):
    with pytest.raises(OutputError, match=f"^{re.escape(message)}; rename one: --key '"):
        name_keys(models)


@pytest.mark.parametrize(
    ("renames", "message"),
    [
        ({"on": "X"}, "--key on=X: 'on' is no model or model:track of this run; expected one of one"),
        ({"one:u": "X"}, "--key one:u=X: 'one:u' is no model or model:track of this run; expected one of one"),
        ({"one": "1X"}, "--key one=1X: expected letters, digits and '_', not starting with a digit"),
        ({"one": "X;Y"}, "--key one=X;Y: expected letters"),
        ({"one": "X\n"}, "--key one=X\n: expected letters"),
    ],
)
def test_a_rename_that_fits_nothing_is_an_error(renames, message):
    with pytest.raises(OutputError, match=f"^{re.escape(message)}"):
        name_keys([scored("one")], renames)


def test_a_track_of_a_model_that_has_too_many_cannot_be_renamed():
    with pytest.raises(OutputError, match="'many:t3' is no model or model:track of this run"):
        name_keys([scored("many", *(f"t{number}" for number in range(21)))], {"many:t3": "X"})


def test_keys_that_are_there_already_are_an_error_that_says_what_to_do():
    keys = name_keys([scored("one")])
    refuse_collisions(keys, {"AC", "ZOO_OTHER"}, "in.vcf")
    expected = "in.vcf: INFO ZOO_ONE is there already; rename ours (--key NAME=KEY), or replace what is there with"
    with pytest.raises(OutputError, match=f"^{re.escape(expected)} --overwrite$"):
        refuse_collisions(keys, {"ZOO_ONE", "ZOO_SKIPPED"}, "in.vcf")
    with pytest.raises(
        OutputError, match=r"ZOO_SKIPPED is there already, from an earlier annotation; .*keeps the scores of"
    ):
        refuse_collisions(keys, {"ZOO_SKIPPED", "ZOO_OTHER"}, "in.vcf")


def test_tracks_that_were_asked_for_have_keys_however_many_they_are():
    (keys,) = name_keys([scored("many", *(f"t{number}" for number in range(21)), chosen=True)])
    assert keys.scores[20] == "ZOO_MANY_T20"


def test_a_track_chosen_of_several_keeps_its_name():
    one = replace(scored("two", "a", "b"), columns=(1,), chosen=True)
    assert name_keys([one])[0].scores == ("ZOO_TWO_B",)


def test_what_is_asked_for_beside_the_scores_has_keys_by_track():
    extras = Extras(spread=True, percentile=True, region=True, seen=True)
    signed, unsigned = name_keys([scored("two", "a", "b"), scored("level", signed=False)], None, extras)
    assert signed.spread == ("ZOO_TWO_A_SD", "ZOO_TWO_B_SD")
    assert signed.disagree == ("ZOO_TWO_A_DISAGREE", "ZOO_TWO_B_DISAGREE")
    assert (signed.percentile[0], signed.p[0]) == ("ZOO_TWO_A_PERCENTILE", "ZOO_TWO_A_P")
    assert (signed.region, signed.seen) == ("ZOO_TWO_REGION", "ZOO_TWO_SEEN")
    assert unsigned.disagree == ()
    assert {*signed.all, *unsigned.all} < set(all_keys([signed, unsigned]))


def test_the_header_says_model_digest_scorer_track_and_genome_in_lines_of_their_own(open_genome):
    models = [scored("one"), scored("many", *(f"t{number}" for number in range(21)))]
    reference = open_genome(chr1="ACGT")
    lines = declare(models, name_keys(models), reference, 'zoo annotate "a\nb"', Extras(), {"chr1": "SQ.x"})
    text = "\n".join(lines)
    assert f'File="genome.fa",Contigs=1,NameLengthDigest="{reference.name_length_digest}"' in text
    assert '##zoo_contig=<ID=chr1,Refget="SQ.x">' in lines
    assert '##zoo_command=zoo annotate "a b"' in lines
    assert (
        '##INFO=<ID=ZOO_ONE,Number=A,Type=Float,Description="one@1.0.0, sha256sums 0123456789ab, scorer difference, '
        'track t: ALT - \\"REF\\"",' in text
    )
    assert "##INFO=<ID=ZOO_MANY_TOP,Number=A,Type=String," in text
    assert all(f"##INFO=<ID={key},Number=.,Type=String," in text for key in ("ZOO_ONE_SKIPPED", "ZOO_SKIPPED"))


def test_every_key_is_declared_once_as_what_it_is(open_genome):
    models = [scored("two", "a", "b")]
    extras = Extras(spread=True, percentile=True, region=True, seen=True, packed=True, sample="S")
    keys = name_keys(models, None, extras)
    lines = declare(models, keys, open_genome(chr1="ACGT"), "zoo", extras)
    declared = dict(re.findall(r"##INFO=<ID=(\w+),(Number=.,Type=\w+)", "\n".join(lines)))
    assert sorted(declared) == sorted(all_keys(keys))
    assert declared["ZOO_TWO_B_SD"] == declared["ZOO_TWO_B_P"] == "Number=A,Type=Float"
    assert declared["ZOO_TWO_A_DISAGREE"] == "Number=A,Type=Integer"
    assert declared["ZOO_TWO_REGION"] == "Number=A,Type=String"
    assert declared["ZOO_TWO_SEEN"] == "Number=0,Type=Flag"
    assert declared["ZOO_PACKED"] == "Number=.,Type=String"
