"""Connections in the tracking tables of a node that nobody answered: what the loss of another node leaves behind.

The kernel keeps such an entry, with the replica that was chosen for it, for two minutes. A new connection that happens
to use the same port of the same client is sent to that replica, which is gone, whatever the Service leads to now.
"""

from __future__ import annotations

KEPT_SECONDS = 120
"""How long an entry without an answer is kept (the kernel's nf_conntrack_tcp_timeout_syn_sent)."""
GIVEN_UP_SECONDS = 5
"""After which whoever asked has given up, or asked again and renewed the entry."""
_FIND = (
    "conntrack -L -p tcp --state SYN_SENT 2>/dev/null"
    f" | awk '$3 < {KEPT_SECONDS - GIVEN_UP_SECONDS} {{ print \"unanswered\", $5, $6, $7, $8 }}'"
)
LIST = f"{_FIND}\n"
"""Shell: a line ``unanswered src=… dst=… sport=… dport=…`` for each that was given up; none where there is no tool."""
FORGET = (
    f"{_FIND} | while read -r _ src dst sport dport; do conntrack -D -p tcp --orig-src ${{src#src=}} "
    "--orig-dst ${dst#dst=} --sport ${sport#sport=} --dport ${dport#dport=}; done >/dev/null 2>&1\n"
)
"""Shell: forget them, and no other."""
