"""Takes secrets out of everything that leaves the HTTP layer."""

import base64
import re
from typing import Any, Iterable, List, Optional, Set
from urllib.parse import quote, quote_plus

MASK = "***"
# Text from outside is cut at this depth and length: it ends in states, logs and databases.
MAX_DEPTH = 40
# A shorter "secret" would blot out half of every message, and is none.
MIN_SECRET_LENGTH = 3

# Keys whose values are credentials, whoever sends them back to us.
_SECRET_KEY = re.compile(
    r"(^|[_-])(authorization|password|passwd|secret|token|credentials?|api[_-]?key)$", re.I
)


class Redactor:
    """
    Replaces the secrets that it was told about by `***`, in texts and in JSON values.

    Args:
        - secrets (iterable of str, optional): the secrets known so far
    """

    def __init__(self, secrets: Iterable[Optional[str]] = ()) -> None:
        self._forms: Set[str] = set()
        self._ordered: List[str] = []
        for secret in secrets:
            self.add(secret)

    def add(self, secret: Optional[str]) -> None:
        """Learns one more secret, in every form in which it might come back."""
        if not secret or len(secret) < MIN_SECRET_LENGTH:
            return
        forms = {secret, quote(secret, safe=""), quote_plus(secret)}
        # Census tokens carry a prefix that people leave out: the part behind it is as secret.
        forms.add(secret.split(":", 1)[1] if ":" in secret else secret)
        for form in list(forms):
            forms.add(base64.b64encode(form.encode("utf-8")).decode("ascii"))
        self._learn(forms)

    def add_basic(self, username: str, password: str) -> None:
        """Learns a user's password, alone and as HTTP Basic sends it."""
        self.add(password)
        pair = f"{username}:{password}".encode()
        self._learn([base64.b64encode(pair).decode("ascii")])

    def _learn(self, forms: Iterable[str]) -> None:
        self._forms.update(form for form in forms if len(form) >= MIN_SECRET_LENGTH)
        # Longest first: a secret may be a part of another form of itself.
        self._ordered = sorted(self._forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for form in self._ordered:
            text = text.replace(form, MASK)
        return text

    def value(self, value: Any, depth: int = 0) -> Any:
        """A copy of a JSON value without secrets, and without the values of secret keys."""
        if isinstance(value, str):
            return self.text(value)
        if depth >= MAX_DEPTH and isinstance(value, (dict, list)):
            return "(cut: nested too deeply)"
        if isinstance(value, dict):
            return {
                self.text(str(key)): MASK
                if item is not None and _SECRET_KEY.search(_snake(str(key)))
                else self.value(item, depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.value(item, depth + 1) for item in value]
        return value

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"


def _snake(key: str) -> str:
    """`accessToken` -> `access_Token`, so that one pattern serves both spellings."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key)
