"""The command line's way to the running helpline: its local JSON API, with the token of the run folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

from helpline.errors import HelplineError, NotRunning, Refused
from helpline.runfolder import RunFolder
from helpline.settings import Settings

ANSWER_SECONDS = 10.0


@dataclass(slots=True)
class Client:
    """One conversation with the running helpline; use it in a `with` block.

    Raises NotRunning when nobody answers, Refused with the helpline's own words when it says no.
    """

    settings: Settings
    transport: httpx.BaseTransport | None = None
    _http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        # trust_env off: a proxy of the machine must never see the token of a loopback service.
        self._http = httpx.Client(
            base_url=self.settings.api_url, timeout=ANSWER_SECONDS, trust_env=False, transport=self.transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str) -> Any:
        """The JSON that the helpline keeps at `path`, e.g. "/api/status"."""
        return self._send("GET", path, None)

    def delete(self, path: str) -> Any:
        """Ask the helpline to take away what `path` names."""
        return self._send("DELETE", path, None)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the helpline to do what `path` names, with `body` as JSON."""
        return self._send("POST", path, body or {})

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        folder = self.settings.run_folder
        if not folder.is_dir():
            raise NotRunning(f"No helpline has run in {folder} yet. Start it: helpline run")
        token = RunFolder(folder).secret("api")
        try:
            response = self._http.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
        except httpx.TimeoutException as error:
            raise NotRunning(
                f"The helpline at {self.settings.api_url} did not answer within {ANSWER_SECONDS:.0f} s. "
                "See what ails it: helpline doctor"
            ) from error
        except httpx.TransportError as error:
            raise NotRunning(
                f"No helpline answers at {self.settings.api_url} (run folder {folder}). Start it: helpline run"
            ) from error
        if response.is_error:
            raise refusal(response, self.settings)
        try:
            return response.json()
        except ValueError:
            raise _stranger(response, self.settings) from None


def refusal(response: httpx.Response, settings: Settings) -> HelplineError:
    """What an answer that is an error means, in the helpline's own words."""
    try:
        answer = response.json()
    except ValueError:
        return _stranger(response, settings)
    if response.status_code == httpx.codes.UNAUTHORIZED:
        return Refused(
            f"The helpline at {settings.api_url} belongs to another run folder than {settings.run_folder}. "
            "Name its settings file: helpline --settings FILE …"
        )
    said = answer.get("error") if isinstance(answer, dict) else None
    return Refused(str(said or f"The helpline answered {response.status_code} and said nothing more."))


def _stranger(response: httpx.Response, settings: Settings) -> HelplineError:
    return HelplineError(
        f"What answers at {settings.api_url} is not this helpline (status {response.status_code}). "
        "Set another [console] port in the settings file."
    )
