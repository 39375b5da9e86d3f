"""What rows may refer to: everything taken so far, in this import or an earlier one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from plantfiles.rows import (
    Area,
    Document,
    DocumentVersion,
    Equipment,
    EquipmentSpell,
    FunctionSpell,
    JobFunction,
    Overlay,
    OverlaySpell,
    Person,
    Row,
    Shift,
    Site,
)


@dataclass(slots=True)
class Index:
    """Rows by the id under which others name them; areas, shifts and equipment by `site/code`.

    refused_people: employee numbers that stand in refused rows alone. holders: (level, source) -> people.
    """

    sites: dict[str, Site] = field(default_factory=dict)
    areas: set[str] = field(default_factory=set)
    shifts: set[str] = field(default_factory=set)
    equipment: set[str] = field(default_factory=set)
    job_functions: set[str] = field(default_factory=set)
    overlays: set[str] = field(default_factory=set)
    documents: dict[str, Document] = field(default_factory=dict)
    versions: dict[tuple[str, int], DocumentVersion] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    refused_people: set[str] = field(default_factory=set)
    holders: defaultdict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, row: Row) -> None:
        match row:
            case Site():
                self.sites[row.site] = row
            case Area():
                self.areas.add(f"{row.site}/{row.area}")
            case Shift():
                self.shifts.add(f"{row.site}/{row.shift}")
            case Equipment():
                self.equipment.add(f"{row.site}/{row.equipment}")
            case JobFunction():
                self.job_functions.add(row.job_function)
            case Overlay():
                self.overlays.add(row.overlay)
            case Document():
                self.documents[row.document] = row
            case DocumentVersion():
                self.versions[row.document, row.version] = row
            case Person():
                self.people[row.employee_no] = row
                self.holders["job_function", row.job_function].add(row.employee_no)
                if row.area:
                    self.holders["area", f"{row.site}/{row.area}"].add(row.employee_no)
            case FunctionSpell():
                self.holders["job_function", row.job_function].add(row.employee_no)
            case OverlaySpell():
                self.holders["overlay", row.overlay].add(row.employee_no)
            case EquipmentSpell():
                self.holders["equipment", row.equipment].add(row.employee_no)
            case _:
                pass

    def sources(self, level: str) -> set[str]:
        """The codes that a column of a matrix sheet of this level may bear."""
        return {
            "job_function": self.job_functions,
            "area": self.areas,
            "equipment": self.equipment,
            "overlay": self.overlays,
        }[level]
