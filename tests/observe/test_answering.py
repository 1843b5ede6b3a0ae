"""Whether anybody answers is found out before anything is started."""

from __future__ import annotations

import socket

import pytest

from seatrial.errors import EnvironmentFault
from seatrial.observe.answering import require_answers


def test_addresses_that_answer_are_good() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        require_answers({"auth": url, "items": url})


def test_all_that_do_not_are_told_with_whom_they_are_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        dead = {"auth": "http://127.0.0.1:9", "items": url, "users": "http://127.0.0.1:9"}
        with pytest.raises(EnvironmentFault) as caught:
            require_answers(dead)
    assert str(caught.value) == (
        "nobody answers at http://127.0.0.1:9 (auth, users): Connection refused; nothing was started; "
        "run 'seatrial up', or see 'seatrial status'"
    )
