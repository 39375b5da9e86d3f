import { Button, Checkbox, FileButton, Textarea } from '@mantine/core';
import { IconFileZip, IconFolderOpen } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, newKey } from '../api/client.ts';
import { queries } from '../api/queries.ts';
import type { ImportJob } from '../api/types.ts';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { DayInput, fieldError } from '../components/fields.tsx';
import { Page, Panel } from '../components/Page.tsx';
import { DateTime, Day, PersonRef } from '../components/refs.tsx';
import { ActProblem, Answer, Empty } from '../components/states.tsx';
import { useAsOf, useCan, useSession } from '../lib/context.ts';
import { JobState } from './ImportBatch.tsx';

export function Imports() {
  const { t } = useTranslation();
  const can = useCan();
  const { past } = useAsOf();
  const { site } = useSession();
  const jobs = useQuery(queries.imports());
  const columns: Column<ImportJob>[] = [
    {
      id: 'job',
      header: t('import.batch'),
      cell: (row) => (
        <Link to="/import/$job" params={{ job: row.id }} className="ref">
          <DateTime at={row.uploaded_at} place={site} />
        </Link>
      ),
    },
    { id: 'state', header: t('field.state'), cell: (row) => <JobState job={row} /> },
    { id: 'by', header: t('import.by'), cell: (row) => <PersonRef person={row.uploaded_by} plain /> },
    { id: 'files', header: t('import.files'), numeric: true, cell: (row) => row.files.length },
    { id: 'export', header: t('import.export_date'), cell: (row) => <Day on={row.export_date} /> },
  ];
  return (
    <Page title={t('import.title')} lead={t('import.lead')}>
      {can('import.run') && !past ? <Upload /> : null}
      <Panel title={t('import.batches')}>
        <Answer query={jobs}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title={t('import.none')} />
            ) : (
              <DataTable
                caption={t('import.batches')}
                columns={columns}
                rows={items}
                rowKey={(row) => row.id}
              />
            )
          }
        </Answer>
      </Panel>
    </Page>
  );
}

/** A folder, its files or a zip; checked first, and nothing is written before two people have accepted it. */
function Upload() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const folder = useRef<HTMLInputElement>(null);
  const [files, setFiles] = useState<File[]>([]);
  const [exportDate, setExportDate] = useState('');
  const [dryRun, setDryRun] = useState(true);
  const [counts, setCounts] = useState(true);
  const [reason, setReason] = useState('');
  const [over, setOver] = useState(false);
  // React has no property for it, and every browser of the last years knows it.
  useEffect(() => folder.current?.setAttribute('webkitdirectory', ''), []);
  const upload = useMutation({
    mutationFn: () => {
      const form = new FormData();
      for (const file of files) form.append('files', file, file.name);
      form.set('dry_run', String(dryRun));
      form.set('export_date', exportDate);
      form.set('migrated_counts', String(counts));
      form.set('reason', reason.trim());
      return api.upload<ImportJob>('/api/imports', form, newKey());
    },
    onSuccess: async (job) => {
      await client.invalidateQueries({ queryKey: ['/api/imports'] });
      await navigate({ to: '/import/$job', params: { job: job.id } });
    },
  });
  const take = (list: Iterable<File> | null) =>
    list && setFiles([...list].filter((file) => /\.(csv|xlsx|zip)$/i.test(file.name)));
  return (
    <Panel title={t('import.new')}>
      <form
        className="form import-form"
        onSubmit={(event) => {
          event.preventDefault();
          upload.mutate();
        }}
      >
        {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is an extra; the two buttons inside do the same */}
        <div
          className="drop"
          data-over={over || undefined}
          onDragOver={(event) => {
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={(event) => {
            event.preventDefault();
            setOver(false);
            take(event.dataTransfer.files);
          }}
        >
          <p>
            {files.length > 0
              ? t('import.chosen', { count: files.length, names: files.map((file) => file.name).join(', ') })
              : t('import.drop')}
          </p>
          <div className="form-actions">
            <Button
              variant="default"
              leftSection={<IconFolderOpen size={16} />}
              onClick={() => folder.current?.click()}
            >
              {t('import.choose_folder')}
            </Button>
            <input
              ref={folder}
              type="file"
              multiple
              hidden
              aria-label={t('import.choose_folder')}
              onChange={(event) => take(event.currentTarget.files)}
            />
            <FileButton
              multiple
              accept=".csv,.xlsx,.zip"
              onChange={take}
              inputProps={{ 'aria-label': t('import.choose_files') }}
            >
              {(props) => (
                <Button {...props} variant="default" leftSection={<IconFileZip size={16} />}>
                  {t('import.choose_files')}
                </Button>
              )}
            </FileButton>
          </div>
        </div>
        <div className="form-row">
          <DayInput
            label={t('import.export_date')}
            description={t('import.export_help')}
            required
            value={exportDate}
            set={setExportDate}
            error={fieldError(upload.error, 'export_date')}
          />
          <Checkbox
            label={t('import.dry_run')}
            description={t('import.dry_run_help')}
            checked={dryRun}
            onChange={(event) => setDryRun(event.currentTarget.checked)}
          />
        </div>
        <Checkbox
          label={t('import.counts')}
          description={t('import.counts_help')}
          checked={counts}
          onChange={(event) => setCounts(event.currentTarget.checked)}
        />
        <Textarea
          label={t('common.reason')}
          description={t('common.reason_help')}
          required
          autosize
          minRows={2}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          error={fieldError(upload.error, 'reason')}
        />
        <ActProblem error={upload.error} />
        <div className="form-actions">
          <Button
            type="submit"
            loading={upload.isPending}
            disabled={files.length === 0 || !exportDate || !reason.trim()}
          >
            {dryRun ? t('import.check') : t('import.check_and_offer')}
          </Button>
        </div>
      </form>
    </Panel>
  );
}
