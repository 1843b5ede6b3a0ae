"""The names by which what faults did can be found again, by whoever comes to heal: no log is needed for these."""

from __future__ import annotations

from seatrial.cluster import drain

CHAOS = "seatrial.dev/chaos"
"""Label of every object that a fault creates: a stress pod, a Job. They are deleted."""
CORDONED = drain.CORDONED
"""Annotation of a node that a fault cordoned, whatever its value: one that a person cordoned is left alone."""
REPLICAS_BEFORE = "seatrial.dev/replicas-before"
"""Annotation of a Deployment that a fault scaled: the number of replicas that it had."""
TEMPLATE_BEFORE = "seatrial.dev/template-before"
"""Annotation of a Deployment that a fault rolled out anew: the template of its pods before, as JSON."""
RULE_COMMENT = "seatrial"
"""Comment of every iptables rule that a fault adds, or its first word: ``seatrial``, ``seatrial: auth to users``."""
ACCOUNT = "seatrial.dev/chaos-account"
"""Label of the objects of an account that an experiment runs under; left over when no lease is held."""
DEAD_MAN = "seatrial.dev/dead-man"
"""Label of the objects of a dead man's lease; its value is their common name."""
