import { Select, type SelectProps, TextInput, type TextInputProps } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '../api/client.ts';
import { queries } from '../api/queries.ts';
import { nameOf } from '../lib/context.ts';
import { showDay } from '../lib/time.ts';

interface Choice extends Omit<SelectProps, 'value' | 'onChange' | 'data'> {
  value: string;
  set: (value: string) => void;
}

/** A unit of the organisation by its code: site, area, job function, overlay, equipment. */
export function UnitSelect({ kind, site, value, set, ...rest }: Choice & { kind: string; site?: string }) {
  const { t } = useTranslation();
  const { data } = useQuery(queries.units(kind, site));
  return (
    <Select
      data={(data?.items ?? [])
        .filter((unit) => unit.active !== false)
        .map((unit) => ({ value: unit.code, label: `${unit.code} ${unit.title}` }))}
      value={value || null}
      onChange={(next) => set(next ?? '')}
      searchable
      clearable={!rest.required}
      clearButtonProps={{ 'aria-label': t('common.clear') }}
      {...rest}
    />
  );
}

export function PersonSelect({ value, set, ...rest }: Choice) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text.trim(), 200);
  const { data } = useQuery(queries.findPeople(q));
  const chosen = useQuery({ ...queries.person(value), enabled: value !== '', retry: false });
  const rows = (data?.items ?? []).map((row) => ({
    value: row.person,
    label: `${nameOf(row)} (${row.person})`,
  }));
  if (value && !rows.some((row) => row.value === value))
    rows.unshift({ value, label: chosen.data ? `${nameOf(chosen.data)} (${value})` : value });
  return (
    <Select
      data={rows}
      value={value || null}
      onChange={(next) => set(next ?? '')}
      searchable
      onSearchChange={setText}
      // The server has searched already; the label need not contain the typed text.
      filter={({ options }) => options}
      clearable={!rest.required}
      clearButtonProps={{ 'aria-label': t('common.clear') }}
      {...rest}
    />
  );
}

export function DocumentSelect({ value, set, ...rest }: Choice) {
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text.trim(), 200);
  const { data } = useQuery(queries.findDocuments(q));
  const rows = (data?.items ?? []).map((row) => ({
    value: row.document,
    label: `${row.document} ${row.title}`,
  }));
  if (value && !rows.some((row) => row.value === value)) rows.unshift({ value, label: value });
  return (
    <Select
      data={rows}
      value={value || null}
      onChange={(next) => set(next ?? '')}
      searchable
      onSearchChange={setText}
      filter={({ options }) => options}
      {...rest}
    />
  );
}

/**
 * A local day of the place, by the browser's own date field, which works with keyboard and touch. That field writes
 * days in the browser's way (03/04 is two days), so the chosen day also stands beside the label in words.
 */
export function DayInput({
  value,
  set,
  label,
  ...rest
}: Omit<TextInputProps, 'value' | 'onChange'> & { value: string; set: (value: string) => void }) {
  const { i18n } = useTranslation();
  return (
    <TextInput
      type="date"
      label={
        value ? (
          <>
            {label} <span className="dim">{showDay(value, i18n.language)}</span>
          </>
        ) : (
          label
        )
      }
      value={value}
      onChange={(event) => set(event.currentTarget.value)}
      {...rest}
    />
  );
}

export function fieldError(error: unknown, name: string): string | undefined {
  return error instanceof Problem ? error.forField(name) : undefined;
}
