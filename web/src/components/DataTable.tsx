import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import {
  createSortedRowModel,
  rowSortingFeature,
  type SortingState,
  tableFeatures,
  useTable,
} from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePrinting } from '../lib/printing.ts';

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() });
const VIRTUAL_FROM = 120;
const ROW = 36;
const ROW_TOUCH = 48;

export interface Column<Row> {
  id: string;
  header: string;
  cell: (row: Row) => React.ReactNode;
  /** Makes the column sortable; only sensible when all rows are loaded. */
  sort?: (row: Row) => string | number;
  numeric?: boolean;
  /** CSS width, e.g. `9rem`. */
  width?: string;
}

/**
 * A real table that scales: above some hundred rows only those in view are in the page, with spacer rows around them.
 * `more` is called when the end comes near.
 */
export function DataTable<Row>(props: {
  caption: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string;
  more?: () => void;
  total?: number;
  frozen?: boolean;
}) {
  const { t } = useTranslation();
  const [sorting, setSorting] = useState<SortingState>([]);
  const columns = useMemo(
    () =>
      props.columns.map((column) => ({
        id: column.id,
        accessorFn: (row: object) => column.sort?.(row as Row) ?? '',
        enableSorting: column.sort !== undefined,
        sortFn: (
          a: { getValue: (id: string) => unknown },
          b: { getValue: (id: string) => unknown },
          id: string,
        ) => {
          const left = a.getValue(id) as string | number;
          const right = b.getValue(id) as string | number;
          return left < right ? -1 : left > right ? 1 : 0;
        },
      })),
    [props.columns],
  );
  const table = useTable({
    features,
    columns,
    data: props.rows as object[],
    state: { sorting },
    onSortingChange: setSorting,
    getRowId: (row: object) => props.rowKey(row as Row),
  });
  const rows = table.getRowModel().rows;
  const frame = useRef<HTMLElement>(null);
  // Paper has no scroll: what is printed is whole.
  const printing = usePrinting();
  const virtual = rows.length > VIRTUAL_FROM && !printing;
  const touch = typeof matchMedia === 'function' && matchMedia('(pointer: coarse)').matches;
  const virtualizer = useVirtualizer({
    count: rows.length,
    enabled: virtual,
    getScrollElement: () => frame.current,
    estimateSize: () => (touch ? ROW_TOUCH : ROW),
    overscan: 16,
  });
  const window = virtual ? virtualizer.getVirtualItems() : null;
  const shown = window
    ? window.map((item) => ({ row: rows[item.index], index: item.index }))
    : rows.map((row, index) => ({ row, index }));
  const before = window?.[0]?.start ?? 0;
  const after = window ? virtualizer.getTotalSize() - (window[window.length - 1]?.end ?? 0) : 0;

  const onScroll = (event: React.UIEvent<HTMLElement>) => {
    const box = event.currentTarget;
    if (props.more && box.scrollHeight - box.scrollTop - box.clientHeight < 600) props.more();
  };

  return (
    <section
      ref={frame}
      className="table-frame"
      data-virtual={virtual || props.more !== undefined || undefined}
      data-frozen={props.frozen || undefined}
      onScroll={onScroll}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={props.caption}
    >
      <table className="table" aria-rowcount={(props.total ?? rows.length) + 1}>
        <caption className="visually-hidden">{props.caption}</caption>
        <thead>
          <tr>
            {props.columns.map((column) => {
              const sorted = sorting.find((sort) => sort.id === column.id);
              return (
                <th
                  key={column.id}
                  scope="col"
                  data-numeric={column.numeric || undefined}
                  style={column.width ? { width: column.width } : undefined}
                  aria-sort={sorted ? (sorted.desc ? 'descending' : 'ascending') : undefined}
                >
                  {column.sort ? (
                    <button
                      type="button"
                      className="sort"
                      title={t('table.sort')}
                      onClick={() =>
                        setSorting(sorted?.desc ? [] : [{ id: column.id, desc: sorted !== undefined }])
                      }
                    >
                      {column.header}
                      {sorted ? sorted.desc ? <IconArrowDown size={14} /> : <IconArrowUp size={14} /> : null}
                    </button>
                  ) : (
                    column.header
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {before > 0 ? <Spacer height={before} span={props.columns.length} /> : null}
          {shown.map(({ row, index }) =>
            row ? (
              <tr key={row.id} aria-rowindex={index + 2}>
                {props.columns.map((column, at) =>
                  at === 0 ? (
                    <th key={column.id} scope="row">
                      {column.cell(row.original as Row)}
                    </th>
                  ) : (
                    <td key={column.id} data-numeric={column.numeric || undefined}>
                      {column.cell(row.original as Row)}
                    </td>
                  ),
                )}
              </tr>
            ) : null,
          )}
          {after > 0 ? <Spacer height={after} span={props.columns.length} /> : null}
        </tbody>
      </table>
    </section>
  );
}

/** Takes the place of rows that are not in the page. */
export function Spacer({ height, span }: { height: number; span: number }) {
  return (
    <tr>
      <td colSpan={span} className="spacer" style={{ height }} />
    </tr>
  );
}
