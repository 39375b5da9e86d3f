import { Button } from '@mantine/core';
import { IconPrinter } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries.ts';
import type { TrainingRecord } from '../api/types.ts';
import { Mark } from '../components/Mark.tsx';
import { Facts, Page, Panel } from '../components/Page.tsx';
import { DateTime, DocumentRef, PersonRef } from '../components/refs.tsx';
import { Answer } from '../components/states.tsx';
import { Trail } from '../components/Trail.tsx';
import { useCan, useNow } from '../lib/context.ts';
import { ProposedErrorMark, ProposeErrorMark } from './ErrorMark.tsx';
import { languageName } from './Read.tsx';

/** One record as evidence: what the signature says, what was shown, and the trail. */
export function RecordPage() {
  const { record } = useParams({ from: '/app/records/$record' });
  const query = useQuery(queries.record(record));
  return (
    <Answer query={query} page>
      {(data) => <Evidence record={data} />}
    </Answer>
  );
}

function Evidence({ record }: { record: TrainingRecord }) {
  const { t, i18n } = useTranslation();
  const can = useCan();
  const { now } = useNow();
  const zone = record.time_zone;
  const when = (at: string | null, seconds = false) => (
    <DateTime at={at} place={record.place} zone={zone} seconds={seconds} />
  );
  return (
    <Page
      name={record.record}
      kicker={t('record.kicker')}
      title={
        <>
          <PersonRef person={record.person} plain /> ·{' '}
          <DocumentRef document={record.item} version={record.version} plain />
        </>
      }
      lead={
        <>
          <span className="mono break">{record.record}</span>
          <span className="print-only">
            {' · '}
            {t('common.printed_at')}{' '}
            <DateTime at={new Date(now).toISOString()} place={record.place} zone={zone} seconds />
          </span>
        </>
      }
      actions={
        <>
          <ProposeErrorMark record={record} />
          <Button variant="default" leftSection={<IconPrinter size={16} />} onClick={() => window.print()}>
            {t('common.print')}
          </Button>
        </>
      }
    >
      <Banners record={record} />
      <div className="columns">
        <Panel title={t('record.what')}>
          <Facts
            facts={[
              [t('field.person'), <PersonRef key="p" person={record.person} />],
              [t('field.document'), <DocumentRef key="d" document={record.item} version={record.version} />],
              [
                t('field.methods'),
                record.methods
                  .map((method) => t(`method.${method}` as 'method.R', { defaultValue: method }))
                  .join(', '),
              ],
              [
                t('field.result'),
                `${t(`result.${record.result}` as 'result.PASS', { defaultValue: record.result })}${record.score === null ? '' : `, ${record.score} %`}`,
              ],
              [t('field.completed'), when(record.completed_at, true)],
              [t('field.valid_from'), when(record.valid_from, true)],
              [
                t('field.evaluator'),
                record.evaluator ? (
                  <PersonRef key="e" person={record.evaluator} />
                ) : (
                  `${t('common.not_applicable')}. ${record.not_applicable.evaluator ?? ''}`
                ),
              ],
              [
                t('field.source'),
                t(`source_class.${record.source_class}` as 'source_class.NATIVE', {
                  defaultValue: record.source_class,
                }),
              ],
              [t('field.known_since'), when(record.recorded_at, true)],
            ]}
          />
        </Panel>
        <Panel title={t('record.signature')}>
          {record.signatures.length === 0 ? <p className="dim">{t('record.no_signature')}</p> : null}
          {record.signatures.map((signature) => (
            <div key={signature.id} className="manifestation">
              <p className="manifestation-name">{signature.printed_name}</p>
              <p>{signature.meaning_text}</p>
              <p>
                <DateTime at={signature.signed_at} place={record.place} zone={signature.time_zone} seconds />{' '}
                <span className="dim small">{signature.time_zone}</span>
              </p>
              <p>
                <Mark
                  shape={signature.matches ? 'dot' : 'cross'}
                  tone={signature.matches ? 'allow' : 'deny'}
                  word={signature.matches ? t('record.matches') : t('record.differs')}
                />
              </p>
              <p className="dim small mono break">
                {signature.id} · {signature.digest}
              </p>
            </div>
          ))}
        </Panel>
      </div>
      <Panel title={t('record.shown')}>
        {record.content ? (
          <Facts
            facts={[
              [
                t('record.content'),
                <a key="c" href={`/api/content/${record.content.sha256}`} className="mono break small">
                  {record.content.sha256}
                </a>,
              ],
              [t('field.language'), languageName(record.content.language, i18n.language)],
              [t('record.first_opened'), when(record.content.first_opened_at, true)],
              [t('record.last_opened'), when(record.content.last_opened_at, true)],
              [
                t('read.sections'),
                <ul key="s" className="plain-list">
                  {record.content.sections.map((section) => (
                    <li key={section.id}>
                      {section.title} <span className="dim small">{when(section.first_opened_at, true)}</span>
                    </li>
                  ))}
                </ul>,
              ],
            ]}
          />
        ) : (
          <p className="dim">{t('record.no_content')}</p>
        )}
      </Panel>
      {can('audit.read') ? (
        <Panel title={t('record.trail')}>
          <Trail of={record.record} place={record.place} zone={zone} />
        </Panel>
      ) : null}
    </Page>
  );
}

function Banners({ record }: { record: TrainingRecord }) {
  const { t } = useTranslation();
  const { late_entry: late, source, corrections } = record;
  const when = (at: string | null) => <DateTime at={at} place={record.place} zone={record.time_zone} />;
  const mark = corrections.entered_in_error;
  return (
    <>
      {mark ? (
        <div className="banner" data-tone="deny" role="note">
          <strong>{t('record.in_error')}</strong> {when(mark.marked_at)},{' '}
          <PersonRef person={mark.marked_by ?? mark.proposed_by} />: {mark.reason}
        </div>
      ) : null}
      <ProposedErrorMark record={record} />
      {corrections.corrects ? (
        <div className="banner" data-tone="none" role="note">
          {t('record.corrects')} <RecordLink record={corrections.corrects} />
        </div>
      ) : null}
      {corrections.corrected_by.map((each) => (
        <div key={each} className="banner" data-tone="none" role="note">
          {t('record.corrected_by')} <RecordLink record={each} />
        </div>
      ))}
      {late ? (
        <div className="banner" data-tone="condition" role="note">
          <strong>{t('record.late_entry')}</strong> {t('record.ink')} {when(late.ink_signed_at)},{' '}
          {t('record.known')} {when(record.recorded_at)}, {t('record.entered_by')}{' '}
          <PersonRef person={late.entered_by} />, {t('record.second')}{' '}
          <PersonRef person={late.second_person} />: {late.reason}
        </div>
      ) : null}
      {source ? (
        <div className="banner" data-tone="none" role="note">
          <strong>{t('source_class.MIGRATED')}</strong> {source.source_record}, {source.file}:{source.line},{' '}
          <span className="mono">{source.completed_at_text}</span>{' '}
          <span className="mono small break">{source.file_sha256}</span>
        </div>
      ) : null}
    </>
  );
}

function RecordLink({ record }: { record: string }) {
  return (
    <Link to="/records/$record" params={{ record }} className="mono">
      {record}
    </Link>
  );
}
