"""What the sandbox's tests share: a clock to wind, and requests without a socket."""

import json

from prefect1_rsync.sandbox import Sandbox
from tests.specs import check_answer, check_request, why_not


class Clock:
    """A clock that stands still until a test winds it."""

    def __init__(self):
        self.at = 1000.0

    def __call__(self):
        return self.at

    def wind(self, seconds):
        self.at += seconds


class Caller:
    """Asks a sandbox, with credentials; the vendors' documents judge what it says."""

    def __init__(self):
        self.clock = Clock()
        self.sandbox = Sandbox(clock=self.clock)
        self.checked = 0

    def __call__(self, method, path, fields=None, status=200, headers=None, check=True):
        """The answer's JSON, or its text if it is none."""
        sent = {"Authorization": self._credentials(path)} if headers is None else headers
        body = b""
        if fields is not None:
            body = json.dumps(fields).encode()
            sent = dict(sent, **{"Content-Type": "application/json"})
        response = self.sandbox.respond(method, path, sent, body)
        assert response.status == status, response.body
        if "json" not in response.headers["Content-Type"]:
            return response.body.decode()
        answer = response.json()
        recorded = self.sandbox.requests[-1]
        if check and why_not() is None and recorded.operation:
            if status < 400:
                check_request(recorded)
            self.checked += check_answer(recorded, status, answer)
        return answer

    def _credentials(self, path):
        sandbox = self.sandbox
        if path.startswith("/census"):
            v2 = "/v2/" in path
            token = sandbox.census.personal_access_token if v2 else sandbox.census.token
        elif path.startswith("/hightouch"):
            token = sandbox.hightouch.api_key
        else:
            token = sandbox.airbyte.bearer_token
        return "Bearer " + token
