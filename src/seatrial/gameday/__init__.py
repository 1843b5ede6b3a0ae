"""Game days: a plan of experiments under load that people watch, steer, and approve."""
