import { Button, Progress, Tabs } from '@mantine/core';
import { IconDownload, IconSignature } from '@tabler/icons-react';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { download } from '../api/download.ts';
import { queries } from '../api/queries.ts';
import type { ImportFile, ImportJob, ImportRow } from '../api/types.ts';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { ActDialog, SignDialog, type SigningRequest } from '../components/dialogs.tsx';
import { Mark } from '../components/Mark.tsx';
import { Page, Panel } from '../components/Page.tsx';
import { DateTime, Day, PersonRef } from '../components/refs.tsx';
import { ActProblem, Answer, Empty } from '../components/states.tsx';
import { useCan, useSession } from '../lib/context.ts';

const RUNNING = new Set(['ACCEPTED', 'COMMITTING']);
const WITHDRAWABLE = new Set(['CHECKED', 'ACCEPTED_ONCE', 'FAILED']);
const STAGES = ['organisation', 'documents', 'people', 'history', 'matrix'];

export function JobState({ job }: { job: ImportJob }) {
  const { t } = useTranslation();
  const shape =
    job.state === 'DONE'
      ? 'dot'
      : job.state === 'FAILED'
        ? 'cross'
        : RUNNING.has(job.state)
          ? 'clock'
          : 'half';
  return (
    <Mark
      shape={shape}
      tone={shape === 'dot' ? 'allow' : shape === 'cross' ? 'deny' : 'none'}
      word={t(`import_state.${job.state}` as 'import_state.CHECKED', { defaultValue: job.state })}
    />
  );
}

export function ImportPage() {
  const { job } = useParams({ from: '/app/import/$job' });
  const query = useQuery({
    ...queries.import(job),
    refetchInterval: (state) => (state.state.data && RUNNING.has(state.state.data.state) ? 1000 : false),
  });
  return (
    <Answer query={query} page>
      {(data) => <Job key={job} job={data} />}
    </Answer>
  );
}

function Job({ job }: { job: ImportJob }) {
  const { t } = useTranslation();
  const can = useCan();
  const session = useSession();
  const client = useQueryClient();
  const [request, setRequest] = useState<SigningRequest | null>(null);
  const [step, setStep] = useState<'resume' | 'withdraw' | null>(null);
  const running = RUNNING.has(job.state);
  const renew = () =>
    client.invalidateQueries({ predicate: (query) => String(query.queryKey[0]).startsWith('/api/imports') });
  const accepted = job.accepted_by.some((each) => each.person === session.person);
  const csv = useMutation({
    mutationFn: () =>
      download(`/api/imports/${encodeURIComponent(job.id)}/report`, 'text/csv', `import-${job.id}.csv`),
  });
  const sum = (pick: (file: ImportFile) => number) =>
    job.files.reduce((total, file) => total + pick(file), 0);
  const columns: Column<ImportFile>[] = [
    { id: 'file', header: t('import.file'), cell: (row) => row.file },
    { id: 'rows', header: t('import.rows'), numeric: true, cell: (row) => row.rows },
    { id: 'taken', header: t('import.taken'), numeric: true, cell: (row) => row.taken },
    { id: 'refused', header: t('import.refused'), numeric: true, cell: (row) => row.refused },
    { id: 'identical', header: t('import.identical'), numeric: true, cell: (row) => row.identical },
    {
      id: 'warned',
      header: t('import.warned'),
      numeric: true,
      cell: (row) => Object.values(row.reasons.W ?? {}).reduce((sum, count) => sum + count, 0),
    },
    {
      id: 'check',
      header: t('import.adds_up'),
      cell: (row) =>
        row.rows === row.taken + row.refused + row.identical ? (
          <Mark shape="dot" tone="allow" word={t('import.yes')} />
        ) : (
          <Mark shape="cross" tone="deny" word={t('import.no')} />
        ),
    },
  ];
  return (
    <Page
      name={t('import.batch')}
      kicker={
        <>
          {t('import.batch')} <span className="mono">{job.id}</span> · <JobState job={job} />
        </>
      }
      title={
        running
          ? t('import.running')
          : job.files.length > 0
            ? t('import.result', {
                taken: sum((f) => f.taken),
                refused: sum((f) => f.refused),
                identical: sum((f) => f.identical),
              })
            : t('import.batch')
      }
      lead={
        <>
          <PersonRef person={job.uploaded_by} plain />, <DateTime at={job.uploaded_at} place={session.site} />
          {job.export_date ? (
            <>
              {', '}
              {t('import.export_date')} <Day on={job.export_date} />
            </>
          ) : null}
          {job.dry_run ? `. ${t('import.was_dry')}` : ''}
          {job.migrated_counts ? '' : `. ${t('import.counts_not')}`}
        </>
      }
      actions={
        <>
          {can('import.run') && !job.dry_run && job.state === 'FAILED' ? (
            <Button onClick={() => setStep('resume')}>{t('import.resume')}</Button>
          ) : null}
          {can('import.run') && !job.dry_run && WITHDRAWABLE.has(job.state) ? (
            <Button variant="default" onClick={() => setStep('withdraw')}>
              {t('import.withdraw')}
            </Button>
          ) : null}
          <Button
            variant="default"
            leftSection={<IconDownload size={16} />}
            loading={csv.isPending}
            onClick={() => csv.mutate()}
          >
            {t('import.report_csv')}
          </Button>
        </>
      }
    >
      <ActProblem error={csv.error} />
      {job.failure ? (
        <div className="banner" data-tone="deny" role="alert">
          {Object.values(job.failure).map(String).join(' · ')}
        </div>
      ) : null}
      {job.state === 'COMMITTING' ||
      job.state === 'FAILED' ||
      (job.state === 'DONE' && job.progress.sent > 0) ? (
        <Committed job={job} />
      ) : null}
      <Panel title={t('import.files')}>
        <DataTable
          caption={t('import.files')}
          columns={columns}
          rows={job.files}
          rowKey={(row) => row.file}
        />
      </Panel>
      {job.dry_run ? null : (
        <Panel
          title={t('import.acceptance', { count: job.accepted_by.length })}
          actions={
            can('import.accept') &&
            (job.state === 'CHECKED' || job.state === 'ACCEPTED_ONCE') &&
            !accepted ? (
              <Button
                leftSection={<IconSignature size={16} />}
                onClick={() =>
                  setRequest({
                    service: 'gateway',
                    kind: 'import_batch',
                    key: job.id,
                    meaning: 'accept',
                    reason: t('import.accept_reason'),
                  })
                }
              >
                {t('import.accept')}
              </Button>
            ) : undefined
          }
        >
          <p className="dim">
            {accepted && job.accepted_by.length < 2 ? t('import.second_needed') : t('import.acceptance_help')}
          </p>
          {job.accepted_by.map((each) => (
            <div key={each.person} className="manifestation">
              <p className="manifestation-name">
                <PersonRef person={each.person} plain />
              </p>
              <p>
                <DateTime at={each.signed_at} place={session.site} seconds />
              </p>
            </div>
          ))}
        </Panel>
      )}
      {job.questions > 0 ? <p className="note">{t('import.questions', { count: job.questions })}</p> : null}
      <Panel title={t('import.report')}>
        <Report job={job.id} />
      </Panel>
      <SignDialog
        request={request}
        title={t('import.accept')}
        close={() => setRequest(null)}
        signed={() => {
          setRequest(null);
          renew();
        }}
      />
      {step ? (
        <ActDialog
          title={t(`import.${step}`)}
          act={t(`import.${step}`)}
          danger={step === 'withdraw'}
          opened
          close={() => {
            setStep(null);
            renew();
          }}
          run={(reason, key) =>
            api.post(`/api/imports/${encodeURIComponent(job.id)}/${step}`, { reason }, key)
          }
        />
      ) : null}
    </Page>
  );
}

/** Stage by stage; the next one waits until everybody concerned has read the one before. */
function Committed({ job }: { job: ImportJob }) {
  const { t } = useTranslation();
  const { progress } = job;
  const waits = Object.entries(progress.waiting_for).map(([what, count]) => `${what} (${count})`);
  const waiting = waits.length > 0 ? t('import.waiting_for', { what: waits.join(', ') }) : null;
  const at = job.state === 'DONE' ? STAGES.length : STAGES.indexOf(progress.stage);
  return (
    <Panel title={t('import.stages')}>
      <ol className="stages">
        {STAGES.map((stage, index) => (
          <li key={stage} aria-current={index === at ? 'step' : undefined}>
            <Mark
              shape={index < at ? 'dot' : index === at ? 'clock' : 'ring'}
              tone={index < at ? 'allow' : 'none'}
              word={t(`stage.${stage}` as 'stage.people', { defaultValue: stage })}
            />
            <span className="dim">{index === at ? waiting : null}</span>
          </li>
        ))}
      </ol>
      <Progress
        value={progress.total ? (progress.sent / progress.total) * 100 : 100}
        aria-label={t('import.stages')}
        size="lg"
        radius="sm"
      />
      <p className="numeric">{t('import.sent', { sent: progress.sent, total: progress.total })}</p>
      {RUNNING.has(job.state) ? <p className="dim small">{t('import.may_leave')}</p> : null}
    </Panel>
  );
}

function Report({ job }: { job: string }) {
  const { t } = useTranslation();
  const [severity, setSeverity] = useState('all');
  const query = useInfiniteQuery(queries.importReport(job, severity === 'all' ? undefined : severity));
  const rows = query.data?.pages.flatMap((page) => page.items) ?? [];
  const columns: Column<ImportRow>[] = [
    {
      id: 'where',
      header: t('import.where'),
      cell: (row) => <span className="mono small">{`${row.file}:${row.line}`}</span>,
    },
    {
      id: 'severity',
      header: t('import.severity'),
      cell: (row) => (
        <Mark
          shape={row.severity.startsWith('R') ? 'cross' : row.severity.startsWith('W') ? 'clock' : 'dash'}
          tone={row.severity.startsWith('R') ? 'deny' : row.severity.startsWith('W') ? 'condition' : 'none'}
          word={t(`severity.${row.severity.charAt(0)}` as 'severity.R', { defaultValue: row.severity })}
        />
      ),
    },
    { id: 'column', header: t('trail.column'), cell: (row) => row.column || '–' },
    {
      id: 'value',
      header: t('import.value'),
      cell: (row) => <span className="mono small">{row.value}</span>,
    },
    { id: 'code', header: t('import.reason'), cell: (row) => row.message || row.reason },
  ];
  return (
    <Tabs value={severity} onChange={(value) => setSeverity(value ?? 'all')}>
      <Tabs.List>
        <Tabs.Tab value="all">{t('common.all')}</Tabs.Tab>
        <Tabs.Tab value="R">{t('severity.R')}</Tabs.Tab>
        <Tabs.Tab value="W">{t('severity.W')}</Tabs.Tab>
        <Tabs.Tab value="I">{t('severity.I')}</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value={severity}>
        <Answer query={query}>
          {() =>
            rows.length === 0 ? (
              <Empty title={t('import.clean')} />
            ) : (
              <DataTable
                caption={t('import.report')}
                columns={columns}
                rows={rows}
                rowKey={(row) => `${row.file}:${row.line}:${row.column}:${row.reason}:${row.message}`}
                more={
                  query.hasNextPage && !query.isFetchingNextPage ? () => query.fetchNextPage() : undefined
                }
              />
            )
          }
        </Answer>
      </Tabs.Panel>
    </Tabs>
  );
}
