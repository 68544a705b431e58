"""From counts to estimates, without any simulation: counts of a laboratory enter here too."""
