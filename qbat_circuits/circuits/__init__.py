"""Circuits of the package: Qiskit only, no simulator."""
