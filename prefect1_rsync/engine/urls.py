"""Base URLs: a credential goes where the user said, to nothing that merely looks like it."""

import ipaddress
import re
from typing import NamedTuple, Optional

# Deliberately narrow: all that is not plain is refused, so that no two parsers (ours, requests',
# a proxy's) can disagree about which host a text means. No userinfo, no escapes, no IDN.
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
_BASE = re.compile(
    r"(?P<scheme>https?)://(?P<host>" + _HOST + r")(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[A-Za-z0-9._~-]+)*)/*"
)


class BaseUrl(NamedTuple):
    """What stands before an API's own paths."""

    scheme: str
    host: str
    port: Optional[int]
    path: str

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine itself."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False


def parse_base_url(text: object, argument: str) -> BaseUrl:
    """
    Parses a base URL.

    Args:
        - text (str): scheme, host, perhaps a port, perhaps a path prefix; nothing else
        - argument (str): the argument's name, for the error

    Returns:
        - BaseUrl: its parts, scheme and host in lower case, the default port left out

    Raises:
        - ValueError: if it is anything else; the text is not quoted, for it may hold a secret
    """
    match = _BASE.fullmatch(text) if isinstance(text, str) else None
    segments = match.group("path").split("/") if match else []
    port = int(match.group("port")) if match and match.group("port") else None
    if (
        not match
        or "." in segments
        or ".." in segments
        or (port is not None and not 0 < port <= 65535)
        or not _is_host(match.group("host"))
    ):
        raise ValueError(
            f"{argument}: give a plain URL such as https://host.example or "
            "https://host.example:8443/prefix (scheme, host, port and path only; no user, "
            "no password, no query)"
        )
    scheme, host = match.group("scheme"), match.group("host").lower()
    if port == {"http": 80, "https": 443}[scheme]:
        port = None
    return BaseUrl(scheme, host, port, match.group("path"))


def require_encryption(url: BaseUrl, argument: str) -> None:
    """
    Refuses plain `http` to another machine: it would show the credential to the network.

    Raises:
        - ValueError: if the URL is plain `http` and the host is not loopback
    """
    if url.scheme != "https" and not url.is_loopback:
        raise ValueError(
            f"{argument}: plain http would send the credential readable to everyone on the way; "
            "use https (http is accepted on loopback only)"
        )


def _is_host(host: str) -> bool:
    """Whether what is in brackets is an IPv6 address; other hosts are checked by the pattern."""
    if not host.startswith("["):
        return True
    try:
        return bool(ipaddress.IPv6Address(host.strip("[]")))
    except ValueError:
        return False
