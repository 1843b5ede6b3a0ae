"""Doing harm in a controlled way: faults, experiments and their judgement, healing."""
