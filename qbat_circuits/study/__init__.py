"""Studies: whole jobs from an experiment to a result."""
