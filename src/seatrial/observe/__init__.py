"""Observation: looks at the cluster and its traffic, returns frozen data, judges nothing."""
