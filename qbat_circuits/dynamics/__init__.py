"""Charging dynamics: engines that take a Battery, and the choice between them."""
