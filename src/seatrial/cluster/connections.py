"""Connections in the tracking tables of a node that nobody answered: what the loss of another node leaves behind.

The kernel keeps such an entry, with the replica that was chosen for it, for two minutes. A new connection that happens
to use the same port of the same client is sent to that replica, which is gone, whatever the Service leads to now.
"""

from __future__ import annotations

KEPT_SECONDS = 120
"""How long an entry without an answer is kept (the kernel's nf_conntrack_tcp_timeout_syn_sent)."""
GIVEN_UP_SECONDS = 5
"""After which whoever asked has given up, or asked again and renewed the entry."""
_COUNT = f'$3 < {KEPT_SECONDS - GIVEN_UP_SECONDS} {{ n[$10]++ }} END {{ for (at in n) print "unanswered", at, n[at] }}'
_FIND = f"conntrack -L -p tcp --state SYN_SENT 2>/dev/null | awk '{_COUNT}'"
LIST = f"{_FIND}\n"
"""Shell: a line ``unanswered src=<address> <number>`` for each replica that was asked, with how many were given up;
nothing where there is no tool."""
FORGET = (
    f"{_FIND} | while read -r _ at _; do conntrack -D -p tcp --state SYN_SENT --reply-src ${{at#src=}}; done "
    ">/dev/null 2>&1\n"
)
"""Shell: forget all that these replicas have not answered; one by one, thousands of them would take a minute."""
