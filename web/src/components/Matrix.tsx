import { Popover } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ComplianceRow } from '../api/types.ts';
import { useAsOf } from '../lib/context.ts';
import type { Grid } from '../lib/pivot.ts';
import { usePrinting } from '../lib/printing.ts';
import { STATUS } from '../lib/status.ts';
import { CellFacts } from './CellFacts.tsx';
import { Spacer } from './DataTable.tsx';
import { Glyph, StatusMark } from './Mark.tsx';
import { DocumentRef } from './refs.tsx';

const ROW = 36;

/** People down, items across, one mark a cell; headers stay in view, and each mark explains itself. */
export function Matrix({ grid }: { grid: Grid }) {
  const { t } = useTranslation();
  const frame = useRef<HTMLElement>(null);
  const [open, setOpen] = useState<string | null>(null);
  const printing = usePrinting();
  const virtual = grid.rows.length > 60 && !printing;
  const virtualizer = useVirtualizer({
    count: grid.rows.length,
    enabled: virtual,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  const window = virtual ? virtualizer.getVirtualItems() : null;
  const shown = window ? window.map((item) => item.index) : grid.rows.map((_, index) => index);
  const before = window?.[0]?.start ?? 0;
  const after = window ? virtualizer.getTotalSize() - (window[window.length - 1]?.end ?? 0) : 0;
  return (
    <>
      <section
        ref={frame}
        className="table-frame matrix"
        data-virtual=""
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        tabIndex={0}
        aria-label={t('compliance.grid')}
      >
        <table className="table" aria-rowcount={grid.rows.length + 1}>
          <caption className="visually-hidden">{t('compliance.grid')}</caption>
          <thead>
            <tr>
              <th scope="col">{t('field.person')}</th>
              <th scope="col" data-numeric="">
                {t('compliance.refused')}
              </th>
              {grid.items.map((item) => (
                <th key={item} scope="col" className="matrix-item">
                  <DocumentRef document={item} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {before > 0 ? <Spacer height={before} span={grid.items.length + 2} /> : null}
            {shown.map((index) => {
              const row = grid.rows[index];
              if (!row) return null;
              return (
                <tr key={`${row.person} ${row.place}`} aria-rowindex={index + 2}>
                  <th scope="row">
                    <Link to="/people/$person" params={{ person: row.person }} className="ref">
                      {row.name ?? row.person}{' '}
                      <span className="dim">
                        {row.person} {row.place}
                      </span>
                    </Link>
                  </th>
                  <td data-numeric="">{row.refused}</td>
                  {grid.items.map((item) => {
                    const cell = row.cells.get(item);
                    const key = `${row.person}/${item}/${row.place}`;
                    return (
                      <td key={item} className="matrix-cell">
                        <Mark
                          cell={cell}
                          opened={open === key}
                          toggle={(wanted) => setOpen(wanted ? key : null)}
                        />
                      </td>
                    );
                  })}
                </tr>
              );
            })}
            {after > 0 ? <Spacer height={after} span={grid.items.length + 2} /> : null}
          </tbody>
        </table>
      </section>
      <Legend />
    </>
  );
}

function Mark({
  cell,
  opened,
  toggle,
}: {
  cell: ComplianceRow | undefined;
  opened: boolean;
  toggle: (open: boolean) => void;
}) {
  const { t } = useTranslation();
  const asOf = useAsOf();
  const place = useRef<HTMLButtonElement>(null);
  const was = useRef(opened);
  useEffect(() => {
    // The popover goes with the button that it hung on: a keyboard that was in it goes on from the new one.
    if (was.current && !opened && document.activeElement === document.body) place.current?.focus();
    was.current = opened;
  }, [opened]);
  if (!cell) return <StatusMark status="NOT_REQUIRED" compact />;
  const button = (
    <button
      ref={place}
      type="button"
      className="matrix-mark"
      onClick={() => toggle(!opened)}
      aria-expanded={opened}
      aria-label={`${cell.item}: ${t(`status.${cell.status}`)}`}
    >
      <Glyph shape={STATUS[cell.status]?.shape ?? 'cross'} tone={STATUS[cell.status]?.tone ?? 'deny'} />
    </button>
  );
  // Thousands of closed popovers would cost more than the table: only the open one exists.
  if (!opened) return button;
  return (
    <Popover
      opened
      onChange={toggle}
      position="bottom"
      withArrow
      width={340}
      shadow="md"
      trapFocus
      returnFocus
    >
      <Popover.Target>{button}</Popover.Target>
      <Popover.Dropdown>
        <CellFacts
          cell={cell}
          ask={asOf.at ? { person: cell.person, at: asOf.at, known: asOf.known ?? asOf.at } : undefined}
        />
      </Popover.Dropdown>
    </Popover>
  );
}

export function Legend() {
  const { t } = useTranslation();
  return (
    <ul className="legend" aria-label={t('compliance.legend')}>
      {Object.keys(STATUS).map((status) => (
        <li key={status}>
          <StatusMark status={status} />
        </li>
      ))}
    </ul>
  );
}
