"""The (j, m) engine: N identical cells in N^2 numbers instead of 2^N.

A state of identical cells that is invariant under permutations and without coherence between
energies is the same as its populations p(j, m); docs/physics.md, section 4.
"""
