"""What a measurement is given."""

from __future__ import annotations

from dataclasses import dataclass, field

from attest.client import Api
from attest.demo.people import PASSWORD
from attest.platform.state import StateDir


@dataclass
class Bench:
    """A running platform and who is logged in."""

    state: StateDir
    api: Api
    users: dict[str, Api] = field(default_factory=dict)

    def user(self, name: str) -> Api:
        if name not in self.users:
            self.users[name] = self.api.log_in(name, PASSWORD)
        return self.users[name]
