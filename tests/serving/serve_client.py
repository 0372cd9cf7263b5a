"""A server of the package on a free port, and requests to it as any client sends them."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn

from clfnews.filtering.filter import PageFilter
from clfnews.serving.app import make_app
from clfnews.serving.headers import LOCAL_HOSTS
from clfnews.serving.limits import Limits
from clfnews.serving.server import bound

JSON = {"Content-Type": "application/json"}


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> str:
        """The one line of an error; fails if there is anything beside it."""
        assert set(self.json) == {"error"}, self.text
        return str(self.json["error"])


class Client(NamedTuple):
    """Sends requests to a server of this machine."""

    port: int

    def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, dict(headers or {}))
            got = connection.getresponse()
            answer = Answer(got.status, dict(got.getheaders()), got.read().decode("utf-8"))
        finally:
            connection.close()
        assert "Traceback" not in answer.text
        return answer

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def tag(self, rows: Any, query: str = "") -> Answer:
        """`POST /tag` of rows, or of a body as it is."""
        body = rows if isinstance(rows, bytes) else json.dumps(rows).encode()
        return self.send("POST", f"/tag{query}", body, JSON)

    def submit(self, text: bytes = b"", file: tuple[str, bytes] | None = None) -> Answer:
        """The form of the page, as a browser sends it."""
        name, content = file or ("", b"")
        body = b'--X\r\nContent-Disposition: form-data; name="text"\r\n\r\n' + text
        body += f'\r\n--X\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode() + content
        return self.send("POST", "/", body + b"\r\n--X--\r\n", {"Content-Type": "multipart/form-data; boundary=X"})


@contextmanager
def serving(model: Path | PageFilter, limits: Limits) -> Iterator[Client]:
    """The server in a thread."""
    page_filter = model if isinstance(model, PageFilter) else PageFilter.load(model)
    with bound("127.0.0.1", 0) as taken:
        app = make_app(page_filter, limits, hosts=LOCAL_HOSTS)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        try:
            yield Client(taken.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(30)
