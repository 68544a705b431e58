"""Integer counts, from an emulator or a laboratory."""
