"""States and operators to and from QuTiP, whose users order things the other way.

QuTiP writes the lowered state of a qubit as ``basis(2, 1)`` (sigma_z = -1) and puts cell 0 first in
a tensor product; here |0> is the ground state and cell 0 is the last Kronecker factor
(docs/physics.md, section 1). Both differences are undone by reversing bits and order of the index.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from qbat_circuits.cells import ComplexArray, n_cells_of


def _index(n_cells: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """QuTiP index of each of our basis states: bit i of ours, inverted, is bit N-1-i of QuTiP's."""
    ours = np.arange(2**n_cells)
    index = np.zeros_like(ours)
    for i in range(n_cells):
        index |= (1 - ((ours >> i) & 1)) << (n_cells - 1 - i)
    return index


def to_qutip(matrix: ComplexArray | sp.sparray) -> Any:
    """A 2^N x 2^N operator or density matrix as a QuTiP `Qobj` in QuTiP's convention.

    A sparse operator stays sparse, which QuTiP's solvers need to be fast.
    """
    import qutip

    sparse = sp.issparse(matrix)
    entries: Any = sp.coo_array(matrix)  # type: ignore[arg-type]
    if not sparse:
        n_cells_of(np.asarray(matrix))
    n = entries.shape[0].bit_length() - 1
    index = _index(n)
    placed = (entries.data, (index[entries.row], index[entries.col]))
    converted = sp.csr_matrix(placed, shape=entries.shape, dtype=np.complex128)
    dims = [[2] * n, [2] * n]
    return qutip.Qobj(converted if sparse else converted.toarray(), dims=dims)


def from_qutip(operator: Any) -> ComplexArray:
    """A QuTiP operator or ket (which becomes its projector) in this package's convention."""
    array = np.asarray(operator.full(), dtype=np.complex128)
    if array.shape[1] == 1:
        array = array @ array.conj().T
    index = _index(n_cells_of(array))
    return array[np.ix_(index, index)]
