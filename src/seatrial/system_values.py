"""The values that the parts of ``system.yaml`` are made of, and the words that error messages use for them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Words = dict[str, JsonValue]

# ``noun`` and ``base`` are the words of error messages and of the reference: see seatrial.plain_words.
SECONDS: Words = {"noun": "a duration", "base": "a number of seconds"}
HOURS: Words = {"noun": "a duration", "base": "a number of hours"}
PATH: Words = {"noun": "a path", "base": "a path that begins with / and has no blanks"}
LABEL: Words = {"noun": "a name", "base": "a name of at most 63 lower-case letters, digits and inner dashes"}
DOMAIN: Words = {"noun": "a domain", "base": "a domain such as cluster.local"}
HEADER: Words = {"noun": "a header name", "base": "a header name of letters, digits and dashes"}
COOKIE: Words = {"noun": "a cookie name", "base": "a cookie name of letters, digits, dashes and underscores"}

Seconds = Annotated[float, Field(gt=0, le=3600, json_schema_extra=SECONDS)]
Ratio = Annotated[float, Field(ge=0, le=1, json_schema_extra={"noun": "a ratio"})]
Port = Annotated[int, Field(ge=1, le=65535, json_schema_extra={"noun": "a port"})]
Text = Annotated[str, Field(min_length=1)]
HttpPath = Annotated[str, Field(pattern=r"^/\S*$", json_schema_extra=PATH)]
DnsLabel = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63, json_schema_extra=LABEL)]
DnsDomain = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*$", json_schema_extra=DOMAIN)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$", json_schema_extra=HEADER)]
CookieName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", json_schema_extra=COOKIE)]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]


class Model(BaseModel):
    """Base of all parts: immutable, and no field is accepted that does not exist."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, strict=True)


class Call(Model):
    """One HTTP request of the system's own interface."""

    method: Method = "GET"
    """HTTP method."""
    path: HttpPath
    """Path and query."""
    json_body: Any = Field(default=None, alias="json")
    """Body, sent as JSON; none when left out."""
    login: bool = False
    """Send the token of the declared log-in as bearer token."""
    status: Annotated[int, Field(ge=100, le=599)] = 200
    """HTTP status of a good answer."""

    def bearer(self, token: str) -> dict[str, str]:
        """Return the header with the token when the call asks for a log-in, and there is one."""
        return {"Authorization": f"Bearer {token}"} if self.login and token else {}
