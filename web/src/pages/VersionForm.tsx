import { ActionIcon, Button, FileInput, NumberInput, Select, Textarea } from '@mantine/core';
import { IconPlus, IconTrash, IconUpload } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, newKey, Problem } from '../api/client.ts';
import { queries } from '../api/queries.ts';
import type { Version } from '../api/types.ts';
import { DayInput, DocumentSelect, fieldError } from '../components/fields.tsx';
import { ActProblem } from '../components/states.tsx';
import { languages } from '../i18n/index.ts';

const DECISIONS = ['none', 'read', 'read+quiz', 'read+ojt', 'read+quiz+ojt'] as const;
const CLASSES = ['major', 'minor', 'editorial'] as const;
const LIMIT = 20 * 1024 * 1024;

interface Effect {
  id: string;
  place: string;
  on: string;
}

/**
 * A version inside a change: its file, the training that it asks for, and where and when it takes effect. With
 * `version` that draft is edited; its file stays.
 */
export function VersionForm(props: { change: string; version?: Version; close: () => void }) {
  const { t } = useTranslation();
  const { version } = props;
  const sites = useQuery(queries.units('site'));
  const [document, setDocument] = useState(version?.document ?? '');
  const [file, setFile] = useState<File | null>(null);
  const [language, setLanguage] = useState('en');
  const [changeClass, setChangeClass] = useState(version?.change_class ?? '');
  // No default: blank is no decision, and an approval without one is refused (QM-03).
  const [decision, setDecision] = useState(version?.training_decision ?? '');
  const [effective, setEffective] = useState<Effect[]>(
    version?.effective.length
      ? version.effective.map(({ place, on }) => ({ id: newKey(), place, on: on ?? '' }))
      : [{ id: newKey(), place: '*', on: '' }],
  );
  const [summary, setSummary] = useState(version?.summary ?? '');
  const [minutes, setMinutes] = useState<number | string>(version?.minutes ?? '');
  const [reason, setReason] = useState('');
  const [key, setKey] = useState(newKey);
  const tooLarge = file !== null && file.size > LIMIT;

  const dates = effective.filter((row) => row.on).map(({ place, on }) => ({ place, on }));
  const add = () => {
    const form = new FormData();
    if (file) form.set('file', file);
    form.set('document', document);
    form.set('language', language);
    form.set('change_class', changeClass);
    if (decision) form.set('training_decision', decision);
    form.set('effective', JSON.stringify(dates));
    if (summary.trim()) form.set('summary', summary.trim());
    if (minutes !== '') form.set('minutes', String(minutes));
    form.set('reason', reason.trim());
    return api.upload(`/api/changes/${encodeURIComponent(props.change)}/versions`, form, key);
  };
  const edit = (draft: Version) =>
    api.patch(
      `/api/documents/${encodeURIComponent(draft.document)}/versions/${draft.version}`,
      {
        revision: draft.revision,
        change_class: changeClass || null,
        training_decision: decision || null,
        effective: dates,
        summary: summary.trim() || null,
        minutes: minutes === '' ? null : Number(minutes),
        reason: reason.trim(),
      },
      key,
    );
  const save = useMutation({
    mutationFn: (): Promise<unknown> => (version ? edit(version) : add()),
    onSuccess: props.close,
    onError: (error) => error instanceof Problem && setKey(newKey()),
  });
  const error = (name: string) => fieldError(save.error, name);
  const ready = changeClass && reason.trim() && (version ? true : document && file && !tooLarge);

  return (
    <form
      className="form version-form"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      {version ? (
        <h3>
          {version.document} v{version.version}
        </h3>
      ) : (
        <>
          <DocumentSelect
            label={t('field.document')}
            required
            value={document}
            set={setDocument}
            error={error('document')}
          />
          <div className="form-row">
            <FileInput
              label={t('version.file')}
              description={t('version.file_help')}
              required
              accept=".md,.markdown,.pdf,text/markdown,application/pdf"
              leftSection={<IconUpload size={16} />}
              placeholder={t('version.choose')}
              value={file}
              onChange={setFile}
              error={tooLarge ? t('version.too_large') : error('file')}
            />
            <Select
              label={t('version.language')}
              allowDeselect={false}
              data={Object.entries(languages).map(([value, label]) => ({ value, label }))}
              value={language}
              onChange={(value) => value && setLanguage(value)}
              error={error('language')}
            />
          </div>
        </>
      )}
      <div className="form-row">
        <Select
          label={t('document.class')}
          required
          data={CLASSES.map((value) => ({ value, label: t(`change_class.${value}`) }))}
          value={changeClass || null}
          onChange={(value) => setChangeClass(value ?? '')}
          error={error('change_class')}
        />
        <Select
          label={t('document.decision')}
          data={DECISIONS.map((value) => ({ value, label: t(`decision.${value}`) }))}
          value={decision || null}
          onChange={(value) => setDecision(value ?? '')}
          placeholder={t('version.not_decided')}
          clearable
          clearButtonProps={{ 'aria-label': t('common.clear') }}
          error={error('training_decision')}
        />
      </div>
      <fieldset className="form-part">
        <legend>{t('document.effective')}</legend>
        <Dates
          rows={effective}
          set={setEffective}
          sites={sites.data?.items ?? []}
          error={error('effective')}
        />
      </fieldset>
      <Textarea
        label={t('version.summary')}
        description={t('version.summary_help')}
        autosize
        minRows={2}
        maxLength={2000}
        value={summary}
        onChange={(event) => setSummary(event.currentTarget.value)}
        error={error('summary')}
      />
      <NumberInput
        label={t('version.minutes')}
        min={0}
        max={600}
        allowDecimal={false}
        value={minutes}
        onChange={setMinutes}
        hideControls
        error={error('minutes')}
      />
      <Textarea
        label={t('common.reason')}
        description={t('common.reason_help')}
        required
        autosize
        minRows={2}
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        error={error('reason')}
      />
      <ActProblem error={save.error} />
      <div className="form-actions">
        <Button variant="default" onClick={props.close}>
          {t('common.cancel')}
        </Button>
        <Button type="submit" loading={save.isPending} disabled={!ready}>
          {version ? t('change.edit_act') : t('version.act')}
        </Button>
      </div>
    </form>
  );
}

function Dates(props: {
  rows: Effect[];
  set: React.Dispatch<React.SetStateAction<Effect[]>>;
  sites: { code: string; title: string }[];
  error?: string;
}) {
  const { t } = useTranslation();
  const change = (id: string, next: Partial<Effect>) =>
    props.set((old) => old.map((row) => (row.id === id ? { ...row, ...next } : row)));
  const places = [
    { value: '*', label: t('document.every_site') },
    ...props.sites.map((unit) => ({ value: unit.code, label: `${unit.code} ${unit.title}` })),
  ];
  return (
    <>
      {props.rows.map((row) => (
        <div key={row.id} className="form-row form-row-acts">
          <Select
            label={t('field.site')}
            data={places}
            allowDeselect={false}
            value={row.place}
            onChange={(value) => value && change(row.id, { place: value })}
          />
          <DayInput
            label={t('version.on')}
            value={row.on}
            set={(on) => change(row.id, { on })}
            error={props.error}
          />
          <ActionIcon
            variant="default"
            size="lg"
            aria-label={t('version.remove_date')}
            disabled={props.rows.length === 1}
            onClick={() => props.set((old) => old.filter((each) => each.id !== row.id))}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </div>
      ))}
      <Button
        variant="default"
        size="xs"
        leftSection={<IconPlus size={14} />}
        onClick={() => props.set((old) => [...old, { id: newKey(), place: '*', on: '' }])}
      >
        {t('version.add_date')}
      </Button>
    </>
  );
}
