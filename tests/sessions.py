"""Sessions of the explorer without a browser: what a visitor clicks, drops and is shown.

They speak Streamlit's own protocol, protobuf messages over a websocket, so several can be driven at
once, each from a thread of its own, against one real server.
"""

import io
import urllib.request
from contextlib import ExitStack
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import numpy as np
from PIL import Image
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Common_pb2 import FileUploaderState, FileURLsRequest, UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.sync.client import connect

PATIENCE = 200  # seconds for one message, on a machine that does other things
COOKIE = "_streamlit_xsrf"


class Visitor:
    """One session: where it is, what it has set, and the elements that it is shown now."""

    def __init__(self, server: str) -> None:
        self.server = server
        address = f"{server.replace('http', 'ws', 1)}/_stcore/stream"
        self._open = ExitStack()
        self._socket = self._open.enter_context(
            connect(address, subprotocols=["streamlit"], max_size=None, open_timeout=PATIENCE)
        )
        self._page, self._address, self._session = "", "", ""
        self._widgets: dict[str, WidgetState] = {}
        self._shown: dict[tuple[int, ...], Any] = {}

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._open.close()

    def go(self, page: str = "", **address: Any) -> None:
        """Open a page by its path, with an address; what was set in its widgets is forgotten."""
        self._page, self._address = page, urlencode(address)
        self._widgets.clear()
        self._run()

    def set_number(self, label: str, value: float) -> None:
        """Type into a number field."""
        one = self._element("number_input", label)
        self._widgets[one.id] = WidgetState(id=one.id, double_value=value)
        self._run()

    def set_text(self, label: str, value: str) -> None:
        """Type into a text field, or into a box to choose from, whatever that offers."""
        (one,) = [
            found
            for kind in ("text_input", "selectbox")
            for found in self._all(kind)
            if found.label == label
        ]
        self._widgets[one.id] = WidgetState(id=one.id, string_value=value)
        self._run()

    def press(self, label: str) -> None:
        """Press a button; it is not pressed any more in the next run."""
        (one,) = [found for found in self._all("button") if found.label == label]
        self._widgets[one.id] = WidgetState(id=one.id, trigger_value=True)
        self._run()
        del self._widgets[one.id]

    def drop(self, name: str, content: bytes) -> None:
        """Drop a file where one is asked for."""
        uploader = self._element("file_uploader")
        request = FileURLsRequest(request_id="r", file_names=[name], session_id=self._session)
        self._socket.send(BackMsg(file_urls_request=request).SerializeToString())
        while (answer := self._next()).WhichOneof("type") != "file_urls_response":
            pass
        urls = answer.file_urls_response.file_urls[0]
        self._put(urls.upload_url, name, content)
        info = UploadedFileInfo(name=name, size=len(content), file_id=urls.file_id, file_urls=urls)
        self._widgets[uploader.id] = WidgetState(
            id=uploader.id,
            file_uploader_state_value=FileUploaderState(uploaded_file_info=[info]),
        )
        self._run()

    def picture(self, alt: str) -> np.ndarray:
        """Return the pixels of the only picture whose text contains ``alt``."""
        found = [one for one in self.pictures() if alt in one.alt]
        assert len(found) == 1, [one.alt for one in self.pictures()]
        with urllib.request.urlopen(f"{self.server}{found[0].url}", timeout=PATIENCE) as answer:
            assert answer.headers["content-type"] == "image/png"
            return np.asarray(Image.open(io.BytesIO(answer.read())))

    def pictures(self) -> list[Any]:
        """Return what is known of every picture: address and text."""
        return [image for one in self._all("imgs") for image in one.imgs]

    def errors(self) -> list[str]:
        """Return the lines that say what went wrong; an exception with a traceback fails here."""
        raised = [one.message for one in self._all("exception")]
        assert not raised, raised
        return [one.body for one in self._all("alert") if one.format == Alert.ERROR]

    def _all(self, kind: str) -> list[Any]:
        return [
            getattr(element, kind)
            for element in self._shown.values()
            if element.WhichOneof("type") == kind
        ]

    def _element(self, kind: str, label: str = "") -> Any:
        found = [one for one in self._all(kind) if label in one.label]
        assert len(found) == 1, f"{kind} {label!r}: {[one.label for one in self._all(kind)]}"
        return found[0]

    def _put(self, path: str, name: str, content: bytes) -> None:
        with urllib.request.urlopen(f"{self.server}/_stcore/health", timeout=PATIENCE) as answer:
            token = answer.headers["set-cookie"].split(";")[0].removeprefix(f"{COOKIE}=")
        line = f'Content-Disposition: form-data; name="file"; filename="{name}"'
        body = f"--b\r\n{line}\r\n\r\n".encode() + content + b"\r\n--b--\r\n"
        headers = {
            "Cookie": f"{COOKIE}={token}",
            "X-Xsrftoken": token.strip('"'),
            "Content-Type": "multipart/form-data; boundary=b",
        }
        request = urllib.request.Request(
            f"{self.server}{path}", data=body, headers=headers, method="PUT"
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            assert answer.status == 204

    def _run(self) -> None:
        """Have the script run as it is now, and take in what it shows."""
        state = ClientState(
            query_string=self._address,
            page_name=self._page,
            widget_states=WidgetStates(widgets=self._widgets.values()),
        )
        self._socket.send(BackMsg(rerun_script=state).SerializeToString())
        while True:
            message = self._next()
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self._shown.clear()
                self._session = message.new_session.initialize.session_id
            elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                self._shown[tuple(message.metadata.delta_path)] = message.delta.new_element
            elif kind == "script_finished" and message.script_finished in (
                ForwardMsg.FINISHED_SUCCESSFULLY,
                ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
            ):
                return

    def _next(self) -> ForwardMsg:
        message = ForwardMsg()
        message.ParseFromString(self._socket.recv(PATIENCE))
        return message
