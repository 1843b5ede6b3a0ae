"""Step definitions, one module per domain noun: each joins an observation with a check."""
