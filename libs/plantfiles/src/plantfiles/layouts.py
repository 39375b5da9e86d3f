"""The columns of each file, and which of them are its key (C-30)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """required: columns that the file must have. optional: may have. key: None = all columns.

    Where other rows refer to a row by an id, that id is its key: two rows that say different things about one id
    cannot both be taken, whatever else they say.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    key: tuple[str, ...] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return self.required + self.optional


LAYOUTS: dict[str, Layout] = {
    "sites.csv": Layout(("site", "name", "time_zone"), key=("site",)),
    "shifts.csv": Layout(("site", "shift", "starts", "ends"), key=("site", "shift")),
    "areas.csv": Layout(("site", "area", "name"), key=("site", "area")),
    "job_functions.csv": Layout(("job_function", "name"), ("department",), key=("job_function",)),
    "equipment.csv": Layout(("site", "area", "equipment", "name"), key=("site", "equipment")),
    "overlays.csv": Layout(("overlay", "name"), key=("overlay",)),
    "documents.csv": Layout(
        ("document", "title", "type", "framework"), ("owner_department", "category"), key=("document",)
    ),
    "document_versions.csv": Layout(
        ("document", "version", "approved_on", "effective_on", "change_class", "retraining"),
        ("change_control",),
        key=("document", "version"),
    ),
    "people.csv": Layout(
        (
            "employee_no",
            "given_name",
            "family_name",
            "employment",
            "site",
            "job_function",
            "function_from",
            "hired_on",
            "ended_on",
        ),
        ("email", "department", "area", "shift", "supervisor_no", "language"),
        key=("employee_no",),
    ),
    "function_history.csv": Layout(("employee_no", "job_function", "from", "to")),
    "people_overlays.csv": Layout(("employee_no", "overlay", "from", "to")),
    "people_equipment.csv": Layout(("employee_no", "equipment", "from", "to")),
    "leaves.csv": Layout(("employee_no", "from", "to", "kind")),
    "roster.csv": Layout(("employee_no", "date", "shift"), key=("employee_no", "date")),
    "tasks.csv": Layout(("task", "job_function", "items"), ("name", "equipment"), key=("task",)),
    "training_history.csv": Layout(
        ("employee_no", "document", "version", "completed_at", "method", "source_record"),
        ("score", "evaluator_no"),
        key=("source_record",),
    ),
}
