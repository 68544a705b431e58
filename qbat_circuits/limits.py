"""What a run may use; requests beyond it are refused before anything is allocated."""

from __future__ import annotations

from typing import Final

#: A run that would need more memory than this is refused.
MEMORY_LIMIT_BYTES: Final = 4 * 2**30
#: Dense states are given out up to this many cells.
MAX_DENSE_CELLS: Final = 10
