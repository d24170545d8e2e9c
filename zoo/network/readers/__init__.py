"""What each of ONNX's operators is read as; one that is read as nothing ends the trunk.

A reader takes the node, and its first map where it reads one alone, adds to the scope what the node says, and returns
True; or it changes nothing and returns False, where the operator does other than work along the sequence.

- ``scope``: what was read so far;
- ``sliding``: operators that read neighbours, and dense layers on each position;
- ``pointwise``: operators on each number;
- ``cutting``: channels joined and picked, positions cut off and added;
- ``shapes``: axes that move, come or go, and sizes that are reckoned from shapes;
- ``leaving``: averages over all positions and dense layers on them, where the trunk ends.
"""
