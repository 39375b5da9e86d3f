"""What a migration says of the platform, in one line each.

    operations.install_platform(op)                       the first act of the first migration
    operations.uninstall_platform(op)                     the last one of its downgrade
    operations.protect_table(op, "app.site", "aggregate") after op.create_table
    operations.forget_table(op, "app.site")               after op.drop_table

`servicekit.db.migrate revision` writes these lines by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.operations.ops import MigrateOperation
from sqlalchemy import Connection

from servicekit.db import kinds, platform
from servicekit.db.parameters import parameters
from servicekit.db.platform import HasBind

_IMPORT = "from servicekit.db import operations"


def install_platform(op: Connection | HasBind) -> None:
    """`servicekit.db.platform.install` with the parameters of the running migration."""
    p = parameters()
    platform.install(
        op,
        service=p.service,
        app_role=p.app_role,
        owner_role=p.owner_role,
        mode=p.mode,
        clock_offset=p.clock_offset,
    )


def uninstall_platform(op: Connection | HasBind) -> None:
    """`servicekit.db.platform.uninstall`."""
    platform.uninstall(op)


def protect_table(
    op: Connection | HasBind,
    name: str,
    kind: kinds.Kind,
    *,
    personal: Sequence[str] = (),
    context: kinds.Source | None = None,
) -> None:
    """`servicekit.db.kinds.protect` for the runtime role of the running migration."""
    kinds.protect(op, name, kind, parameters().app_role, personal=personal, context=context)


def forget_table(op: Connection | HasBind, name: str) -> None:
    """`servicekit.db.kinds.forget`."""
    kinds.forget(op, name)


class InstallPlatform(MigrateOperation):
    """Stands for `install_platform` while a migration is generated."""

    def to_diff_tuple(self) -> tuple[Any, ...]:
        return ("install_platform",)

    def reverse(self) -> MigrateOperation:
        return UninstallPlatform()


class UninstallPlatform(MigrateOperation):
    """Stands for `uninstall_platform` while a migration is generated."""

    def to_diff_tuple(self) -> tuple[Any, ...]:
        return ("uninstall_platform",)

    def reverse(self) -> MigrateOperation:
        return InstallPlatform()


class ProtectTable(MigrateOperation):
    """Stands for `protect_table` while a migration is generated."""

    def __init__(self, name: str, info: dict[Any, Any]) -> None:
        self.name = name
        self.kind = info.get("kind")
        self.personal = list(info.get("personal", ()))
        self.context = info.get("context")

    def to_diff_tuple(self) -> tuple[Any, ...]:
        return ("protect_table", self.name, self.kind)

    def reverse(self) -> MigrateOperation:
        return ForgetTable(self.name)


class ForgetTable(MigrateOperation):
    """Stands for `forget_table` while a migration is generated."""

    def __init__(self, name: str) -> None:
        self.name = name

    def to_diff_tuple(self) -> tuple[Any, ...]:
        return ("forget_table", self.name)


@renderers.dispatch_for(InstallPlatform)
def _render_install(context: AutogenContext, _: InstallPlatform) -> str:
    context.imports.add(_IMPORT)
    return "operations.install_platform(op)"


@renderers.dispatch_for(UninstallPlatform)
def _render_uninstall(context: AutogenContext, _: UninstallPlatform) -> str:
    context.imports.add(_IMPORT)
    return "operations.uninstall_platform(op)"


@renderers.dispatch_for(ProtectTable)
def _render_protect(context: AutogenContext, operation: ProtectTable) -> str:
    context.imports.add(_IMPORT)
    more = f", personal={operation.personal!r}" if operation.personal else ""
    more += f", context={operation.context!r}" if operation.context else ""
    return f"operations.protect_table(op, {operation.name!r}, {operation.kind!r}{more})"


@renderers.dispatch_for(ForgetTable)
def _render_forget(context: AutogenContext, operation: ForgetTable) -> str:
    context.imports.add(_IMPORT)
    return f"operations.forget_table(op, {operation.name!r})"


def render_kinds(context: Any, revision: Any, directives: list[Any]) -> None:
    """Adds to a generated migration what the tables' kinds ask for, and to the first one the platform."""
    for script in directives:
        if script.upgrade_ops is None or script.downgrade_ops is None:
            continue
        up, down = script.upgrade_ops.ops, script.downgrade_ops.ops
        if not up and not down:
            continue
        up[:] = _with_kinds(up)
        down[:] = _with_kinds(down)
        if not tuple(revision):
            up.insert(0, InstallPlatform())
            down.append(UninstallPlatform())


def _with_kinds(operations: Iterable[MigrateOperation]) -> list[MigrateOperation]:
    result: list[MigrateOperation] = []
    late: list[MigrateOperation] = []
    for operation in operations:
        result.append(operation)
        if isinstance(operation, ops.CreateTableOp):
            late.append(ProtectTable(f"{operation.schema or 'app'}.{operation.table_name}", operation.info))
            operation.info.clear()
        elif isinstance(operation, ops.DropTableOp):
            late.append(ForgetTable(f"{operation.schema or 'app'}.{operation.table_name}"))
    return result + late
