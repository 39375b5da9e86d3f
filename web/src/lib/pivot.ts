import type { ComplianceRow as Cell } from '../api/types.ts';

export interface Grid {
  items: string[];
  rows: { person: string; name: string | null; place: string; cells: Map<string, Cell>; refused: number }[];
}

/** People down, items across. A person at two places has two rows. */
export function pivot(cells: Iterable<Cell>): Grid {
  const items = new Set<string>();
  const rows = new Map<string, Grid['rows'][number]>();
  for (const cell of cells) {
    items.add(cell.item);
    const key = `${cell.person} ${cell.place}`;
    let row = rows.get(key);
    if (!row) {
      row = { person: cell.person, name: cell.name, place: cell.place, cells: new Map(), refused: 0 };
      rows.set(key, row);
    }
    row.cells.set(cell.item, cell);
    if (cell.verdict === 'DENY') row.refused += 1;
  }
  return { items: [...items].sort(), rows: [...rows.values()] };
}
