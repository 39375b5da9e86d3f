"""The jars of Apache Kafka: pinned Maven artifacts, fetched once a machine and checked against a list of digests.

`python -m servicekit.embedded.jars` resolves the artifacts again and writes the list, for a new version.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from servicekit.embedded.errors import EmbeddedServerError
from servicekit.embedded.files import cache_dir, locked, require_space
from servicekit.retries import a_few_times

PROGRAM = "Kafka"
VERSION = "4.3.1"
ROOTS = (f"org.apache.kafka:kafka_2.13:{VERSION}", "org.slf4j:slf4j-simple:1.7.36")
LIST = Path(__file__).with_name("kafka-jars.txt")


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the list: what is fetched and what it must be."""

    sha256: str
    size: int
    coordinates: str

    @property
    def name(self) -> str:
        """File name of the artifact."""
        _, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"


def listed(path: Path = LIST) -> list[Jar]:
    """The committed list."""
    lines = [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return [Jar(digest, int(size), coordinates) for digest, size, coordinates in lines]


def folder() -> Path:
    """Where the jars are kept: another list is another folder, so that versions live side by side."""
    return cache_dir() / f"kafka-{VERSION}-{hashlib.sha256(LIST.read_bytes()).hexdigest()[:12]}"


def progress(line: str) -> None:
    """Write a progress line to standard error."""
    print(line, file=sys.stderr, flush=True)


def ensure_jars(say: Callable[[str], None] = progress) -> Path:
    """Return the folder of the jars, fetching what is missing.

    Several processes may call it at once: one fetches, the others wait. `SERVICEKIT_MAVEN_URL` names another
    repository than Maven Central, for a closed network.

    Raises:
        EmbeddedServerError: an artifact cannot be fetched, differs from the list, or the disk is full.
    """
    target = folder()
    if (target / "complete").exists():
        return target
    jars = listed()
    try:
        with locked(cache_dir() / "kafka.lock"):
            if (target / "complete").exists():
                return target
            target.mkdir(parents=True, exist_ok=True)
            missing = [jar for jar in jars if digest(target / jar.name) != jar.sha256]
            total = sum(jar.size for jar in missing)
            require_space(PROGRAM, target, 3 * total)
            say(f"Kafka {VERSION}: fetching {len(missing)} artifacts, {total / 1e6:.0f} MB, to {target}")
            _fetch(missing, target, say)
            (target / "complete").touch()
    except OSError as error:
        raise EmbeddedServerError(PROGRAM, f"cannot write {target}: {error.strerror}", path=target) from error
    return target


def digest(path: Path) -> str:
    """SHA-256 of a file, empty when there is none."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(jars: list[Jar], target: Path, say: Callable[[str], None]) -> None:
    guard = threading.Lock()
    total = sum(jar.size for jar in jars)
    done = 0
    tenth = 0

    def fetch(jar: Jar) -> None:
        nonlocal done, tenth
        path = _resolve(jar, target)
        found = digest(path)
        if found != jar.sha256:
            # Kept, a damaged download would be found again by the next try.
            path.unlink()
            raise EmbeddedServerError(
                PROGRAM, f"{jar.coordinates} has SHA-256 {found}, the list says {jar.sha256}", path=path
            )
        path.replace(target / jar.name)
        with guard:
            done += jar.size
            if done * 10 // total > tenth:
                tenth = done * 10 // total
                say(f"Kafka {VERSION}: {done / 1e6:.0f} of {total / 1e6:.0f} MB")

    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(fetch, jar) for jar in sorted(jars, key=lambda jar: -jar.size)]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    shutil.rmtree(target / "maven", ignore_errors=True)


def _resolve(jar: Jar, target: Path) -> Path:
    try:
        from jgo.maven import MavenContext
    except ImportError as error:
        raise EmbeddedServerError(
            PROGRAM, "the package jgo is not installed (servicekit[embedded])"
        ) from error
    url = os.environ.get("SERVICEKIT_MAVEN_URL")
    context = MavenContext(
        repo_cache=target / "maven", remote_repos={"mirror": url.rstrip("/")} if url else None, timeout=60
    )
    group, artifact, version = jar.coordinates.split(":")
    wanted = context.project(group, artifact).at_version(version).artifact()
    if wanted.cached_path is not None:
        # The resolver takes a download that was cut off for a whole one.
        with contextlib.suppress(FileNotFoundError):
            wanted.cached_path.unlink()
    try:
        for attempt in a_few_times(_is_of_the_network, attempts=3, first=0.2, most=2.0):
            with attempt:
                try:
                    return wanted.resolve()
                except Exception:
                    if wanted.cached_path is not None:
                        wanted.cached_path.unlink(missing_ok=True)
                    raise
    except Exception as error:
        if not _is_of_the_network(error):
            raise
        raise EmbeddedServerError(PROGRAM, f"cannot fetch {jar.coordinates}: {error}", path=target) from error
    raise AssertionError("unreachable")


def _is_of_the_network(error: Exception) -> bool:
    """Whether the network failed. An OSError of the disk has an error number; one of requests has the request."""
    if isinstance(error, OSError):
        return error.errno is None or hasattr(error, "request")
    return isinstance(error, RuntimeError)


def write_list() -> None:
    """Resolve the artifacts with everything that they need, and write the committed list."""
    import jgo
    from jgo.maven import MavenContext

    context = MavenContext(timeout=60)
    coordinates = {
        f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
        for root in ROOTS
        for artifact in jgo.resolve(root)
    }
    lines = [
        f"# Apache Kafka {VERSION} and what it needs at run time, one Maven artifact a line: SHA-256, bytes, coordinates.",
        "# Written by `python -m servicekit.embedded.jars`; a jar that differs is refused.",
    ]
    for name in sorted(coordinates):
        group, artifact, version = name.split(":")
        path = context.project(group, artifact).at_version(version).artifact().resolve()
        lines.append(f"{digest(path)}  {path.stat().st_size:>9}  {name}")
    LIST.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write_list()
