"""The reference system: four small services of a lead marketplace."""
