"""A request as a command line that a shell and curl read back as the same request."""

from __future__ import annotations

import base64
import subprocess

import pytest

from seatrial.fuzz.curl import curl


def request(method: str = "GET", body: bytes = b"", **headers: str) -> dict[str, object]:
    named = {name.replace("_", "-"): [value] for name, value in headers.items()}
    sent = {"body": {"$base64": base64.b64encode(body).decode()}} if body else {}
    return {"method": method, "uri": "https://shop.test/items?q=a'b&n=1", "headers": named, **sent}


def words(command: str) -> list[bytes]:
    """Return what bash makes of a command line, with a token in ``TOKEN``."""
    script = f"curl() {{ printf '%s\\0' \"$@\"; }}; {command}"
    output = subprocess.run(["bash", "-c", script], env={"TOKEN": "secret-1"}, capture_output=True, check=True).stdout
    return output.split(b"\0")[:-1]


def test_a_plain_request_is_a_plain_command():
    command = curl({"method": "GET", "uri": "https://shop.test/items", "headers": {}})
    assert command == "curl https://shop.test/items"


def test_method_headers_and_body_are_told_and_the_token_is_left_to_the_shell():
    sent = request("POST", b'{"n": 1}', Authorization="[Filtered]", Content_Type="application/json", X_Trace="it's me")
    command = curl(sent, ("--connect-to", "::10.0.0.1:443"))
    assert "Filtered" not in command
    assert '-H "Authorization: Bearer $TOKEN"' in command
    assert words(command) == [
        b"--connect-to",
        b"::10.0.0.1:443",
        b"-X",
        b"POST",
        b"https://shop.test/items?q=a'b&n=1",
        b"-H",
        b"Authorization: Bearer secret-1",
        b"-H",
        b"Content-Type: application/json",
        b"-H",
        b"X-Trace: it's me",
        b"--data-binary",
        b'{"n": 1}',
    ]


def test_what_curl_sends_by_itself_is_left_out():
    sent = request(Host="shop.test", User_Agent="x", Accept="*/*", Content_Length="3", X_Schemathesis_TestCaseId="abc")
    assert words(curl(sent)) == [b"https://shop.test/items?q=a'b&n=1"]


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a\nb", "zoë's \\ 🏠".encode(), b"\x01\x7f$HOME `id` $(id)"])
def test_a_body_of_any_bytes_comes_back_as_it_was(body: bytes):
    assert words(curl(request("POST", body)))[-1] == body
