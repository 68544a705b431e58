"""NetCDF files out and in.

HDF5, which lies under NetCDF, was not made for files of strangers: a damaged one can keep it busy
for ever, or fill the memory. A file is therefore read first by a process of its own, with limits.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from qbat_circuits.errors import InputError
from qbat_circuits.json_files import reason_of

if TYPE_CHECKING:
    import xarray as xr

#: Largest file and largest content, in bytes: small files can hold large arrays.
MAX_NETCDF_BYTES: Final = 256 * 1024**2
#: Seconds of the process that reads a file first; a good one takes a tenth of a second.
_PATIENCE_S: Final = 4.0
#: Reads everything that xarray would; the limits are set before anything is imported that may
#: fill the memory.
_PROBE: Final = """
import sys
path, most = sys.argv[1], int(sys.argv[2])
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (4 * most, 4 * most))
except (ImportError, ValueError, OSError):
    pass
import math
import h5netcdf
with h5netcdf.File(path, "r") as file:
    dict(file.attrs), dict(file.dimensions)
    size = sum(math.prod(v.shape) * v.dtype.itemsize for v in file.variables.values())
    if size > most:
        sys.exit(3)
    for variable in file.variables.values():
        dict(variable.attrs), variable.dimensions, variable[...]
"""
_TOO_MUCH: Final = 3


def netcdf_bytes(dataset: xr.Dataset) -> bytes:
    """A dataset as a NetCDF file."""
    buffer = io.BytesIO()
    with _without_dask():
        dataset.to_netcdf(buffer, engine="h5netcdf", invalid_netcdf=True)
    return buffer.getvalue()


def read_netcdf(path: Path) -> xr.Dataset:
    """The content of a NetCDF file that this package wrote.

    Raises:
        InputError: if the file cannot be read, is too large or damaged.
    """
    import xarray as xr

    name = f"The file {os.fspath(path)!r}"
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
    except (OSError, ValueError) as error:
        raise InputError(f"{name} cannot be read: {reason_of(error)}.") from None
    if size > MAX_NETCDF_BYTES:
        raise InputError(f"{name} is larger than {MAX_NETCDF_BYTES // 1024**2} MiB.")
    _probe(path, name)
    try:
        with _without_dask(), xr.open_dataset(path, engine="h5netcdf") as dataset:
            return dataset.load()
    except Exception as error:  # whatever the libraries make of it
        raise _damaged(name, type(error).__name__) from None


def _without_dask() -> AbstractContextManager[Any]:
    """xarray asks Dask, if it is there, who computes; a closed client leaves a wrong answer."""
    try:
        import dask
    except ImportError:
        return nullcontext()
    found: AbstractContextManager[Any] = dask.config.set(scheduler="synchronous")
    return found


def _probe(path: Path, name: str) -> None:
    """Read the file in a process of its own, which may hang, crash or fill its memory."""
    command = [sys.executable, "-c", _PROBE, os.path.abspath(path), str(MAX_NETCDF_BYTES)]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        raise _damaged(name, f"not read within {_PATIENCE_S:g} s") from None
    if done.returncode == _TOO_MUCH:
        raise InputError(f"{name} holds more than {MAX_NETCDF_BYTES // 1024**2} MiB of arrays.")
    if done.returncode:
        raise _damaged(name, "damaged")


def _damaged(name: str, why: str) -> InputError:
    return InputError(f"{name} is no NetCDF file of a result ({why}).")
