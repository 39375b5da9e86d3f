import { Select } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { Person, Spell } from '../api/types.ts';
import { ActDialog } from '../components/dialogs.tsx';
import { DayInput, fieldError, UnitSelect } from '../components/fields.tsx';
import { EmploymentSelect, WorkFields } from '../components/WorkFields.tsx';
import { nameOf } from '../lib/context.ts';

interface Props {
  person: Person;
  opened: boolean;
  close: () => void;
}
const path = (person: Person, rest: string) => `/api/people/${encodeURIComponent(person.person)}/${rest}`;

/** Another job function from a day on; the present one ends the day before, or goes on beside it. */
export function MoveDialog({ person, current, opened, close }: Props & { current: Spell | undefined }) {
  const { t } = useTranslation();
  const [jobFunction, setJobFunction] = useState('');
  const [from, setFrom] = useState('');
  const [ends, setEnds] = useState('current');
  const name = nameOf(person);
  return (
    <ActDialog
      title={t('move.title', { name })}
      act={t('move.act', { name, job_function: jobFunction || '…' })}
      opened={opened}
      close={close}
      ready={jobFunction !== '' && from !== ''}
      run={(reason, key) =>
        api.post(
          path(person, 'functions'),
          // The function that the dialog shows, by its id: a person may have several.
          {
            job_function: jobFunction,
            from,
            ends: ends === 'current' ? (current?.id ?? null) : null,
            reason,
          },
          key,
        )
      }
    >
      {(error) => (
        <>
          <UnitSelect
            kind="job_function"
            label={t('move.new')}
            required
            value={jobFunction}
            set={setJobFunction}
            error={fieldError(error, 'job_function')}
          />
          <DayInput
            label={t('move.from')}
            required
            value={from}
            set={setFrom}
            error={fieldError(error, 'from')}
          />
          {current ? (
            <Select
              label={t('move.present', { job_function: current.job_function })}
              allowDeselect={false}
              value={ends}
              onChange={(value) => value && setEnds(value)}
              data={[
                { value: 'current', label: t('move.ends') },
                { value: 'none', label: t('move.stays') },
              ]}
              error={fieldError(error, 'ends')}
            />
          ) : null}
        </>
      )}
    </ActDialog>
  );
}

const LEAVE_KINDS = ['medical', 'parental', 'unpaid', 'other'] as const;

export function LeaveDialog({ person, opened, close }: Props) {
  const { t } = useTranslation();
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [kind, setKind] = useState<string>('medical');
  const name = nameOf(person);
  return (
    <ActDialog
      title={t('leave.title', { name })}
      act={t('leave.act')}
      opened={opened}
      close={close}
      ready={from !== '' && (to === '' || to > from)}
      run={(reason, key) => api.post(path(person, 'leaves'), { from, to: to || null, kind, reason }, key)}
    >
      {(error) => (
        <>
          <p className="note">{t('leave.effect')}</p>
          <div className="form-row">
            <DayInput
              label={t('leave.from')}
              required
              value={from}
              set={setFrom}
              error={fieldError(error, 'from')}
            />
            <DayInput
              label={t('leave.to')}
              description={t('leave.to_help')}
              value={to}
              set={setTo}
              error={fieldError(error, 'to')}
            />
          </div>
          <Select
            label={t('field.kind')}
            allowDeselect={false}
            value={kind}
            onChange={(value) => value && setKind(value)}
            data={LEAVE_KINDS.map((value) => ({ value, label: t(`leave_kind.${value}`) }))}
            error={fieldError(error, 'kind')}
          />
        </>
      )}
    </ActDialog>
  );
}

export function EndDialog({ person, opened, close }: Props) {
  const { t } = useTranslation();
  const [on, setOn] = useState('');
  const name = nameOf(person);
  return (
    <ActDialog
      title={t('end.title', { name })}
      act={t('end.act', { name })}
      danger
      opened={opened}
      close={close}
      ready={on !== ''}
      run={(reason, key) => api.post(path(person, 'end'), { ended_on: on, reason }, key)}
    >
      {(error) => (
        <>
          <p className="note">{t('end.effect')}</p>
          <DayInput
            label={t('end.on')}
            description={t('end.on_help')}
            required
            value={on}
            set={setOn}
            error={fieldError(error, 'ended_on')}
          />
        </>
      )}
    </ActDialog>
  );
}

/** A further employment of somebody who has left. It begins with what is named here alone; what was true before is
 * offered, since most come back to their old work. */
export function RehireDialog({ person, opened, close }: Props) {
  const { t } = useTranslation();
  const place = person.places[person.places.length - 1];
  const [employment, setEmployment] = useState(person.employment);
  const [work, setWork] = useState({
    hired_on: '',
    job_function: person.functions[person.functions.length - 1]?.job_function ?? '',
    site: place?.site ?? '',
    department: place?.department ?? '',
    area: place?.area ?? '',
    shift: person.shifts[person.shifts.length - 1]?.shift ?? '',
    supervisor: person.supervisor ?? '',
  });
  const name = nameOf(person);
  return (
    <ActDialog
      title={t('rehire.title', { name })}
      act={t('rehire.act', { name })}
      size="lg"
      opened={opened}
      close={close}
      ready={work.hired_on !== '' && work.site !== '' && work.department !== '' && work.job_function !== ''}
      run={(reason, key) =>
        api.post(
          path(person, 'employments'),
          {
            ...Object.fromEntries(Object.entries(work).filter(([, value]) => value !== '')),
            employment,
            reason,
          },
          key,
        )
      }
    >
      {(error) => (
        <>
          <p className="note">{t('rehire.effect')}</p>
          <EmploymentSelect value={employment} set={setEmployment} error={fieldError(error, 'employment')} />
          <WorkFields
            work={work}
            change={(part) => setWork((old) => ({ ...old, ...part }))}
            error={(field) => fieldError(error, field)}
          />
        </>
      )}
    </ActDialog>
  );
}
