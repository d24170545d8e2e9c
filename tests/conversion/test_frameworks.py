import pytest

from zoo.conversion.frameworks import telling_of_failures
from zoo.errors import ConversionError, UnsafeModel

TRACED = """in user code:

    File "/home/me/export.py", line 71, in traced  *
        return forward(*tensors)
    File "/home/me/keras.py", line 122, in error_handler  **
        raise ValueError(

    ValueError: \x1b[1mInput 0 is incompatible:\x1b[0m expected 80,
    found 40

Arguments received by Dense.call():
  • inputs=tf.Tensor(shape=(2, 40))
"""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError(TRACED), "n.keras: fails: Input 0 is incompatible: expected 80, found 40"),
        (ValueError("plain\nwords"), "n.keras: fails: plain words"),
        (KeyError(), "n.keras: fails: KeyError"),
        (ValueError("Arguments received by nobody"), "n.keras: fails: ValueError"),
    ],
)
def test_a_failure_is_told_in_one_line_without_the_frames_around_it(error, told):
    with pytest.raises(ConversionError) as caught, telling_of_failures("n.keras: fails"):
        raise error
    assert str(caught.value) == told


def test_what_the_zoo_says_itself_passes():
    with pytest.raises(UnsafeModel, match=r"^holds code$"), telling_of_failures("n.keras: fails"):
        raise UnsafeModel("holds code")
