"""Judgement: pure functions of what was observed. Each yields the failures that it finds, or raises them at once."""
