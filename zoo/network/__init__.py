"""What a network does along the sequence, read from its ONNX graph, and the graphs that do less of it.

Graphs come in, graphs go out. Nothing here knows of cards, strands or ONNX Runtime: :mod:`zoo.model.session` opens what
is written; ``layers`` and ``differences``, which run graphs between their own steps, are given a function that does. A
map of the room:

- **What a network is.** ``operators``: each reads the same few positions wherever it stands, so that what a change
  reaches is arithmetic. ``network``: a *trunk* of operators along the sequence, the *exits* where it ends, and the
  *tail*, which mixes all positions and always runs in full.
- **Read.** ``reading`` walks the graph; ``readers`` say what each of ONNX's operators is. Beside them ``layouts``
  (which axis of a tensor is what), ``sizes`` (shapes that a graph reckons itself), ``versions`` and ``names``, and what
  changes the trunk, but no number beyond rounding: ``folding`` (normalisations into convolutions) and ``alignment``
  (channels).
- **Written.** ``writing``: the whole network, in the layout that runs fastest; all other graphs are made of its pieces.
- **Pairs.** ``changes``: ALT's positions where the allele reaches, REF's around them; ``pairs``: the graph of both.
- **Chunks.** ``stretches``: which positions of a map neighbouring windows share; ``chunks``: the graph that computes
  them once, and takes ALT's from ``changes`` as pairs do.
- **Substitutions.** ``substitutions``: the values; ``reaches``: what each base of a window reaches; ``stages``:
  operators done in one go; ``layers``: these, ready to multiply (``products``) and to add up (``spreading``, or
  ``kernels``, its compiled twin); ``growth``: where differences would lose digits; ``blocks``: follows changes through
  the layers; ``differences``: the window before, the blocks, and what the tail reads behind them.
- **What is made anew.** ``recomputing``: of each map, what is computed for ALT and what is cut out of REF's.
- **What it saves.** ``costs`` of windows, pairs and chunks; ``gains`` of substitutions; ``plan``: what a
  person is shown of them.

The three ways are three because they share different things: pairs one window's maps between two alleles, chunks a
stretch's maps between windows, substitutions one window's maps between hundreds of alleles.
"""
