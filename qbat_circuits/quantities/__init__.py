"""What a user asks of a charged battery, each a small function (docs/physics.md, section 8)."""
