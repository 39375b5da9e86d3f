import { Button, Progress as Meter } from '@mantine/core';
import { IconPlus, IconSend, IconSignature } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { queries } from '../api/queries.ts';
import type { Change, Progress, Version } from '../api/types.ts';
import { ActDialog, SignDialog, type SigningRequest } from '../components/dialogs.tsx';
import { Mark } from '../components/Mark.tsx';
import { Facts, Page, Panel } from '../components/Page.tsx';
import { DateTime, DocumentRef, PersonRef } from '../components/refs.tsx';
import { Answer, Empty } from '../components/states.tsx';
import { Trail } from '../components/Trail.tsx';
import { useAsOf, useCan, useSession } from '../lib/context.ts';
import { ChangeState } from './Changes.tsx';
import { EffectiveList, Files, VersionState } from './Documents.tsx';
import { VersionForm } from './VersionForm.tsx';

export function ChangePage() {
  const { change } = useParams({ from: '/app/changes/$change' });
  const query = useQuery({
    ...queries.change(change),
    // Progress moves while people read.
    refetchInterval: (state) => (state.state.data?.state === 'APPROVED' ? 5000 : false),
  });
  return (
    <Answer query={query} page>
      {(data) => <Details key={change} change={data} />}
    </Answer>
  );
}

type Step = 'submit' | 'recall' | 'cancel';

function Details({ change }: { change: Change }) {
  const { t } = useTranslation();
  const can = useCan();
  const { past } = useAsOf();
  const session = useSession();
  const client = useQueryClient();
  /** `new`, or the version being edited as `document/version`. */
  const [editing, setEditing] = useState<string | null>(null);
  const [step, setStep] = useState<Step | null>(null);
  const [request, setRequest] = useState<SigningRequest | null>(null);
  const draft = change.state === 'DRAFT';
  const open = draft || change.state === 'IN_REVIEW';
  const wrote = session.person !== null && [change.author, ...change.contributors].includes(session.person);
  const mayWrite = can('change.write') && !past;
  const maySign = can('change.sign') && open && !past;
  const undecided = change.versions.filter((version) => !version.training_decision).map(nameOf);
  const blocked = wrote
    ? t('change.own')
    : change.versions.length === 0
      ? t('change.no_version')
      : undecided.length > 0
        ? t('change.undecided', { documents: undecided.join(', ') })
        : null;
  const renew = () =>
    client.invalidateQueries({
      predicate: (query) => /^\/api\/(changes|documents)/.test(String(query.queryKey[0])),
    });
  const stepTexts: Record<Step, string> = {
    submit: t('change.submit', { change: change.change }),
    recall: t('change.recall', { change: change.change }),
    cancel: t('change.cancel'),
  };
  return (
    <Page
      name={change.change}
      kicker={
        <>
          {change.change} · <ChangeState state={change.state} />
        </>
      }
      title={change.title}
      lead={
        <>
          {change.reason}
          {change.risk_reason ? ` ${change.risk_reason}` : ''} · {t('field.author')}{' '}
          <PersonRef person={change.author} />
        </>
      }
      actions={
        <>
          {mayWrite && open ? (
            <Button variant="default" onClick={() => setStep('cancel')}>
              {stepTexts.cancel}
            </Button>
          ) : null}
          {mayWrite && change.state === 'IN_REVIEW' ? (
            <Button variant="default" onClick={() => setStep('recall')}>
              {stepTexts.recall}
            </Button>
          ) : null}
          {mayWrite && draft && change.versions.length > 0 ? (
            <Button leftSection={<IconSend size={16} />} onClick={() => setStep('submit')}>
              {stepTexts.submit}
            </Button>
          ) : null}
          {maySign ? (
            <Button
              leftSection={<IconSignature size={18} />}
              disabled={blocked !== null}
              aria-describedby={blocked ? 'blocked' : undefined}
              onClick={() =>
                setRequest({
                  service: 'qms',
                  kind: 'change',
                  key: change.change,
                  meaning: 'approve',
                  reason: t('change.approve_reason', { change: change.change }),
                })
              }
            >
              {t('change.approve', { change: change.change })}
            </Button>
          ) : null}
        </>
      }
    >
      {maySign && blocked ? (
        <p id="blocked" className="note">
          {blocked}
        </p>
      ) : null}
      {change.state === 'APPROVED' ? <Progressed progress={change.progress} /> : null}
      <Panel
        title={t('change.versions')}
        actions={
          mayWrite && draft && editing === null ? (
            <Button variant="default" leftSection={<IconPlus size={16} />} onClick={() => setEditing('new')}>
              {t('change.add_version')}
            </Button>
          ) : undefined
        }
      >
        {change.versions.length === 0 && editing === null ? (
          <Empty title={t('change.no_version')}>{mayWrite ? t('change.no_version_help') : null}</Empty>
        ) : null}
        {change.versions.map((version) => {
          const key = `${version.document}/${version.version}`;
          const close = () => {
            setEditing(null);
            renew();
          };
          return editing === key ? (
            <VersionForm key={key} change={change.change} version={version} close={close} />
          ) : (
            <VersionItem
              key={key}
              version={version}
              edit={mayWrite && draft && editing === null ? () => setEditing(key) : undefined}
            />
          );
        })}
        {editing === 'new' ? (
          <VersionForm
            change={change.change}
            close={() => {
              setEditing(null);
              renew();
            }}
          />
        ) : null}
      </Panel>
      <Panel
        title={t('change.approvals', { done: change.approvals.length, required: change.required_approvals })}
      >
        {change.approvals.length === 0 ? <p className="dim">{t('change.no_approvals')}</p> : null}
        {change.approvals.map((approval) => (
          <div key={approval.signature} className="manifestation">
            <p className="manifestation-name">{approval.printed_name}</p>
            <p>{approval.meaning_text}</p>
            <p>
              <DateTime
                at={approval.signed_at}
                place={session.site}
                zone={session.site ? null : approval.time_zone}
                seconds
              />
            </p>
            <p className="dim small mono break">{approval.signature}</p>
          </div>
        ))}
      </Panel>
      {can('audit.read') ? (
        <Panel title={t('record.trail')}>
          <Trail of={change.change} />
        </Panel>
      ) : null}
      <SignDialog
        request={request}
        title={t('change.approve', { change: change.change })}
        close={() => setRequest(null)}
        signed={() => {
          setRequest(null);
          renew();
        }}
      >
        <p className="note">{t('change.effect')}</p>
      </SignDialog>
      {step ? (
        <ActDialog
          title={stepTexts[step]}
          act={stepTexts[step]}
          danger={step === 'cancel'}
          opened
          close={() => {
            setStep(null);
            renew();
          }}
          run={(reason, key) =>
            api.post(`/api/changes/${encodeURIComponent(change.change)}/${step}`, { reason }, key)
          }
        >
          {step === 'recall' && change.approvals.length > 0 ? (
            <p className="note">{t('change.recall_note')}</p>
          ) : null}
        </ActDialog>
      ) : null}
    </Page>
  );
}

function nameOf(version: Version): string {
  return `${version.document} v${version.version}`;
}

function VersionItem({ version, edit }: { version: Version; edit?: () => void }) {
  const { t } = useTranslation();
  const document = useQuery(queries.document(version.document));
  const changed = new Set(version.sections_changed ?? []);
  return (
    <article className="version-item">
      <header>
        <h3>
          <DocumentRef document={version.document} version={version.version} /> {document.data?.title}
        </h3>
        <VersionState state={version.state} />
        {edit ? (
          <Button
            variant="default"
            size="xs"
            onClick={edit}
            aria-label={`${t('change.edit')} ${nameOf(version)}`}
          >
            {t('change.edit')}
          </Button>
        ) : null}
      </header>
      {version.summary ? <p>{version.summary}</p> : null}
      <Facts
        facts={[
          [
            t('document.decision'),
            version.training_decision ? (
              t(`decision.${version.training_decision}` as 'decision.read', {
                defaultValue: version.training_decision,
              })
            ) : (
              <Mark key="d" shape="cross" tone="deny" word={t('change.blank')} />
            ),
          ],
          [t('document.effective'), <EffectiveList key="e" version={version} />],
          [
            t('document.class'),
            version.change_class
              ? t(`change_class.${version.change_class}` as 'change_class.major', {
                  defaultValue: version.change_class,
                })
              : null,
          ],
          [t('field.minutes'), version.minutes ? t('training.minutes', { count: version.minutes }) : null],
          [t('document.files'), <Files key="f" content={version.content} />],
          [
            t('read.sections'),
            <ul key="s" className="plain-list">
              {version.sections.map((section) => (
                <li key={section.id}>
                  {section.title}{' '}
                  {changed.has(section.id) ? (
                    <span className="count">{t('document.changed_section')}</span>
                  ) : null}
                </li>
              ))}
            </ul>,
          ],
        ]}
      />
    </article>
  );
}

function Progressed({ progress }: { progress: Progress }) {
  const { t } = useTranslation();
  return (
    <Panel title={t('change.progress')}>
      <p>
        {t('change.progress_text', {
          done: progress.done,
          assigned: progress.assigned,
          open: progress.open,
          overdue: progress.overdue,
          paused: progress.paused,
          upcoming: progress.upcoming,
          otherwise: progress.resolved_otherwise,
        })}
      </p>
      <Meter
        value={progress.assigned ? (progress.done / progress.assigned) * 100 : 0}
        size="lg"
        radius="sm"
        aria-label={t('change.progress')}
      />
    </Panel>
  );
}
