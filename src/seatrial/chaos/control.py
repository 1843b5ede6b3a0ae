"""The control of every experiment: it bounds the run and judges the effect."""
