"""The reports. A new report is one new file of this folder with a `REPORT`: its columns, totals, parameters and query.

`REPORTS` finds them; the routes, the JSON schema, the CSV file and the clients follow from them.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from reporting_svc.projections.report import Report

REPORTS: dict[str, Report[Any]] = {
    report.layout.name: report
    for report in (
        import_module(f"{__name__}.{module.name}").REPORT
        for module in sorted(iter_modules(__path__), key=lambda module: module.name)
    )
}
"""Name -> report."""
