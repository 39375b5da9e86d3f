import { Button, Menu, Tabs } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries.ts';
import type { Assignment, Person, RecordRow, Spell } from '../api/types.ts';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { Mark } from '../components/Mark.tsx';
import { Page } from '../components/Page.tsx';
import { DateTime, Day, DocumentRef, PersonRef } from '../components/refs.tsx';
import { Answer, Empty } from '../components/states.tsx';
import { Timelines } from '../components/Timelines.tsx';
import { nameOf, useAsOf, useCan, useNow, useSession, useSites } from '../lib/context.ts';
import { dayOf } from '../lib/time.ts';
import { WaitingLateEntries } from './LateEntries.tsx';
import { EndDialog, LeaveDialog, MoveDialog, RehireDialog } from './PersonDialogs.tsx';
import { MayRun } from './Training.tsx';

export function PersonPage() {
  const { person } = useParams({ from: '/app/people/$person' });
  const query = useQuery(queries.person(person));
  return (
    <Answer query={query} page>
      {(data) => <Details key={person} person={data} />}
    </Answer>
  );
}

export function holdsOn(day: string): (spell: Spell) => boolean {
  return (spell) => spell.from <= day && (spell.to === null || spell.to > day);
}

function Details({ person }: { person: Person }) {
  const { t } = useTranslation();
  const can = useCan();
  const asOf = useAsOf();
  const { now } = useNow();
  const sites = useSites();
  const client = useQueryClient();
  const session = useSession();
  const navigate = useNavigate();
  const { tab } = useSearch({ from: '/app/people/$person' });
  const [dialog, setDialog] = useState<'move' | 'leave' | 'end' | 'rehire' | null>(null);
  const instant = asOf.at ? Date.parse(asOf.at) : now;
  const lastPlace = person.places[person.places.length - 1];
  const day = dayOf(instant, sites.zone(lastPlace?.site));
  const holds = holdsOn(day);
  const place = person.places.find(holds) ?? lastPlace;
  const jobFunction = person.functions.find(holds) ?? person.functions[person.functions.length - 1];
  const leave = person.leaves.find(holds);
  const employment = person.employments.find(holds);
  const left = person.employments.every((spell) => spell.to !== null && spell.to <= day);
  const shift = person.shifts.find(holds);
  const opener = useRef<HTMLButtonElement>(null);
  const close = () => {
    setDialog(null);
    // The item of the menu that opened it is gone; without this the focus would be at the top of the page.
    opener.current?.focus();
    // Obligations, verdicts and assignments follow from the spells within seconds.
    for (const delay of [0, 1500, 4000]) setTimeout(() => client.invalidateQueries(), delay);
  };
  const assignments = useQuery(queries.assignments({ person: person.person }));
  // Nobody enters a paper record of their own (PL-06).
  const entersLate = can('record.late_entry') && session.person !== null && session.person !== person.person;
  const records = useQuery(queries.records({ person: person.person }));
  const stays = asOf.past ? <p className="note">{t('asof.stays_here')}</p> : null;
  return (
    <Page
      name={nameOf(person)}
      title={
        <>
          {nameOf(person)} <span className="dim">{person.person}</span>
        </>
      }
      lead={
        <span className="facts-line">
          {employment ? (
            leave ? (
              <Mark shape="pause" tone="none" word={t('person.on_leave')} />
            ) : (
              <Mark shape="dot" tone="allow" word={t('person.employed')} />
            )
          ) : (
            <Mark
              shape="dash"
              tone="none"
              word={
                person.employments.some((spell) => spell.from > day) ? t('person.starts') : t('person.left')
              }
            />
          )}
          {employment && leave?.to ? (
            <span>
              {t('person.back_on')} <Day on={leave.to} place={place?.site} />
            </span>
          ) : null}
          <span>
            {t('field.job_function')} {jobFunction?.job_function ?? '–'}
          </span>
          <span>
            {place?.site} {place?.department} {place?.area}
          </span>
          {shift ? (
            <span>
              {t('field.shift')} {shift.shift}
            </span>
          ) : null}
          {person.supervisor ? (
            <span>
              {t('field.supervisor')} <PersonRef person={person.supervisor} />
            </span>
          ) : null}
        </span>
      }
      actions={
        (can('person.write') || entersLate) && !asOf.past ? (
          <Menu withInitialFocusPlaceholder={false} position="bottom-end">
            <Menu.Target>
              <Button ref={opener} variant="default" rightSection={<IconChevronDown size={16} />}>
                {t('person.act')}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {can('person.write') ? (
                <>
                  <Menu.Item onClick={() => setDialog('move')}>{t('move.act_short')}</Menu.Item>
                  <Menu.Item onClick={() => setDialog('leave')}>{t('leave.act_short')}</Menu.Item>
                  {left ? (
                    <Menu.Item onClick={() => setDialog('rehire')}>{t('rehire.act_short')}</Menu.Item>
                  ) : (
                    <Menu.Item onClick={() => setDialog('end')}>{t('end.act_short')}</Menu.Item>
                  )}
                </>
              ) : null}
              {entersLate ? (
                <Menu.Item
                  onClick={() =>
                    navigate({ to: '/people/$person/late-entry', params: { person: person.person } })
                  }
                >
                  {t('late.act_short')}
                </Menu.Item>
              ) : null}
            </Menu.Dropdown>
          </Menu>
        ) : null
      }
    >
      <Tabs defaultValue={tab ?? 'qualification'} keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="qualification">{t('person.qualification')}</Tabs.Tab>
          <Tabs.Tab value="assignments">
            {t('person.assignments')}{' '}
            {assignments.data ? (
              <span className="count">
                {assignments.data.items.filter((row) => row.closed_at === null).length}
              </span>
            ) : null}
          </Tabs.Tab>
          <Tabs.Tab value="records">{t('person.records')}</Tabs.Tab>
          <Tabs.Tab value="roles">{t('person.roles')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="qualification">
          <Timelines person={person.person} />
          {asOf.past ? null : <MayRun person={person.person} place={place?.site} />}
        </Tabs.Panel>
        <Tabs.Panel value="assignments">
          {stays}
          <Answer query={assignments}>{(data) => <Assignments rows={data.items} />}</Answer>
        </Tabs.Panel>
        <Tabs.Panel value="records">
          {stays}
          {asOf.past ? null : <WaitingLateEntries person={person.person} />}
          <Answer query={records}>{(data) => <Records rows={data.items} />}</Answer>
        </Tabs.Panel>
        <Tabs.Panel value="roles">
          {stays}
          <Roles person={person} />
        </Tabs.Panel>
      </Tabs>
      <MoveDialog person={person} current={jobFunction} opened={dialog === 'move'} close={close} />
      <LeaveDialog person={person} opened={dialog === 'leave'} close={close} />
      <EndDialog person={person} opened={dialog === 'end'} close={close} />
      {/* What it offers is of the person as last known: it begins anew when that changes. */}
      <RehireDialog key={person.version} person={person} opened={dialog === 'rehire'} close={close} />
    </Page>
  );
}

/** Open ones first; each says why it is there. */
export function Assignments({ rows }: { rows: Assignment[] }) {
  const { t } = useTranslation();
  const columns: Column<Assignment>[] = [
    {
      id: 'item',
      header: t('field.document'),
      sort: (row) => row.item,
      cell: (row) => <DocumentRef document={row.item} version={row.target_version} />,
    },
    {
      id: 'state',
      header: t('field.state'),
      sort: (row) => row.state,
      cell: (row) =>
        row.state === 'PAUSED' ? (
          <Mark shape="pause" tone="none" word={t('assignment.PAUSED')} />
        ) : row.closed_at ? (
          <Mark
            shape={row.closing_reason === 'COMPLETED' ? 'dot' : 'dash'}
            tone={row.closing_reason === 'COMPLETED' ? 'allow' : 'none'}
            word={t(`closing.${row.closing_reason}` as 'closing.COMPLETED', {
              defaultValue: row.closing_reason ?? '',
            })}
          />
        ) : (
          <Mark
            shape="ring"
            tone="none"
            word={row.state === 'UPCOMING' ? t('assignment.UPCOMING') : t('assignment.OPEN')}
          />
        ),
    },
    {
      id: 'due',
      header: t('field.due'),
      sort: (row) => row.due_at ?? '',
      cell: (row) => <DateTime at={row.due_at} place={row.place} />,
    },
    {
      id: 'why',
      header: t('field.why'),
      cell: (row) => (
        <>
          {t(`trigger.${row.trigger}` as 'trigger.REVISION', { defaultValue: row.trigger })}
          {row.change ? (
            <>
              {', '}
              <Link to="/changes/$change" params={{ change: row.change }}>
                {row.change}
              </Link>
            </>
          ) : null}
        </>
      ),
    },
    {
      id: 'opened',
      header: t('field.opened'),
      sort: (row) => row.opened_at,
      cell: (row) => <DateTime at={row.opened_at} place={row.place} />,
    },
    {
      id: 'closed',
      header: t('field.closed'),
      sort: (row) => row.closed_at ?? '',
      cell: (row) => <DateTime at={row.closed_at} place={row.place} />,
    },
  ];
  if (rows.length === 0) return <Empty title={t('person.no_assignments')} />;
  const sorted = [...rows].sort(
    (a, b) =>
      Number(a.closed_at !== null) - Number(b.closed_at !== null) ||
      (a.due_at ?? '9').localeCompare(b.due_at ?? '9'),
  );
  return (
    <DataTable
      caption={t('person.assignments')}
      columns={columns}
      rows={sorted}
      rowKey={(row) => row.assignment}
    />
  );
}

export function Records({ rows }: { rows: RecordRow[] }) {
  const { t } = useTranslation();
  const columns: Column<RecordRow>[] = [
    {
      id: 'item',
      header: t('field.record'),
      sort: (row) => row.item,
      cell: (row) => (
        <Link to="/records/$record" params={{ record: row.record }} className="ref">
          <DocumentRef document={row.item} version={row.version} plain />
        </Link>
      ),
    },
    {
      id: 'completed',
      header: t('field.completed'),
      sort: (row) => row.completed_at,
      cell: (row) => <DateTime at={row.completed_at} place={row.place} zone={row.time_zone} />,
    },
    {
      id: 'methods',
      header: t('field.methods'),
      cell: (row) =>
        row.methods.map((method) => t(`method.${method}` as 'method.R', { defaultValue: method })).join(', '),
    },
    {
      id: 'result',
      header: t('field.result'),
      cell: (row) =>
        row.mark === 'marked' ? (
          <Mark shape="dash" tone="none" word={t('record.in_error')} />
        ) : (
          <Mark
            shape={row.result === 'PASS' ? 'dot' : 'cross'}
            tone={row.result === 'PASS' ? 'allow' : 'deny'}
            word={
              row.score === null
                ? t(`result.${row.result}` as 'result.PASS', { defaultValue: row.result })
                : `${row.score} %`
            }
          />
        ),
    },
    {
      id: 'source',
      header: t('field.source'),
      sort: (row) => row.source_class,
      cell: (row) =>
        t(`source_class.${row.source_class}` as 'source_class.NATIVE', { defaultValue: row.source_class }),
    },
  ];
  if (rows.length === 0) return <Empty title={t('person.no_records')} />;
  const sorted = [...rows].sort((a, b) => b.completed_at.localeCompare(a.completed_at));
  return (
    <DataTable caption={t('person.records')} columns={columns} rows={sorted} rowKey={(row) => row.record} />
  );
}

function Roles({ person }: { person: Person }) {
  const { t } = useTranslation();
  const kinds: [string, Spell[], (spell: Spell) => string][] = [
    ['employment', person.employments, () => t('person.employed')],
    ['job_function', person.functions, (spell) => spell.job_function ?? ''],
    ['place', person.places, (spell) => [spell.site, spell.department, spell.area].filter(Boolean).join(' ')],
    ['overlay', person.overlays, (spell) => spell.overlay ?? ''],
    ['equipment', person.equipment, (spell) => spell.equipment ?? ''],
    ['shift', person.shifts, (spell) => spell.shift ?? ''],
    [
      'leave',
      person.leaves,
      (spell) => t(`leave_kind.${spell.kind}` as 'leave_kind.other', { defaultValue: spell.kind ?? '' }),
    ],
  ];
  const rows = kinds.flatMap(([kind, spells, text]) =>
    [...spells]
      .sort((a, b) => a.from.localeCompare(b.from))
      .map((spell) => ({ kind, spell, text: text(spell) })),
  );
  const site = person.places[person.places.length - 1]?.site;
  const columns: Column<(typeof rows)[number]>[] = [
    {
      id: 'kind',
      header: t('field.kind'),
      sort: (row) => row.kind,
      cell: (row) => t(`spell.${row.kind}` as 'spell.leave', { defaultValue: row.kind }),
    },
    { id: 'what', header: t('field.what'), cell: (row) => row.text },
    {
      id: 'from',
      header: t('field.from'),
      sort: (row) => row.spell.from,
      cell: (row) => <Day on={row.spell.from} />,
    },
    {
      id: 'to',
      header: t('field.first_day_without'),
      sort: (row) => row.spell.to ?? '9',
      cell: (row) => (row.spell.to ? <Day on={row.spell.to} /> : t('common.open_end')),
    },
    {
      id: 'known',
      header: t('field.known_since'),
      sort: (row) => row.spell.recorded_at,
      cell: (row) => <DateTime at={row.spell.recorded_at} place={site} />,
    },
  ];
  return (
    <DataTable
      caption={t('person.roles')}
      columns={columns}
      rows={rows}
      rowKey={(row) => `${row.kind}/${row.spell.id}`}
    />
  );
}
