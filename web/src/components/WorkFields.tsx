import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries.ts';
import { DayInput, PersonSelect, UnitSelect } from './fields.tsx';

/** With what an employment begins, be it the first or a further one; '' is "not given". */
export interface Work {
  hired_on: string;
  job_function: string;
  site: string;
  department: string;
  area: string;
  shift: string;
  supervisor: string;
}

export function WorkFields({
  work,
  change,
  error,
}: {
  work: Work;
  change: (part: Partial<Work>) => void;
  error: (name: string) => string | undefined;
}) {
  const { t } = useTranslation();
  const sites = useQuery(queries.units('site'));
  const functions = useQuery(queries.units('job_function'));
  const shifts = sites.data?.items.find((unit) => unit.code === work.site)?.shifts ?? [];
  const departments = [
    ...new Set(functions.data?.items.map((unit) => unit.department).filter((each) => each !== null)),
  ].sort();
  const chooseFunction = (code: string) =>
    change({
      job_function: code,
      department: functions.data?.items.find((unit) => unit.code === code)?.department ?? work.department,
    });
  return (
    <>
      <div className="form-row">
        <DayInput
          label={t('field.hired_on')}
          required
          value={work.hired_on}
          set={(hired_on) => change({ hired_on })}
          error={error('hired_on')}
        />
        <UnitSelect
          kind="job_function"
          label={t('field.job_function')}
          required
          value={work.job_function}
          set={chooseFunction}
          error={error('job_function')}
        />
      </div>
      <div className="form-row">
        <UnitSelect
          kind="site"
          label={t('field.site')}
          required
          value={work.site}
          set={(site) => change({ site, area: '', shift: '' })}
          error={error('site')}
        />
        <Select
          label={t('field.department')}
          required
          searchable
          data={departments}
          value={work.department || null}
          onChange={(department) => change({ department: department ?? '' })}
          error={error('department')}
        />
      </div>
      <div className="form-row">
        <UnitSelect
          kind="area"
          site={work.site}
          label={t('field.area')}
          // The code of an area has its site before it; a workplace names the area alone.
          value={work.area && `${work.site}/${work.area}`}
          set={(code) => change({ area: code.slice(code.indexOf('/') + 1) })}
          error={error('area')}
          disabled={!work.site}
        />
        <Select
          label={t('field.shift')}
          data={shifts.map((shift) => ({
            value: shift.shift,
            label: `${shift.shift} ${shift.starts}–${shift.ends}`,
          }))}
          value={work.shift || null}
          onChange={(shift) => change({ shift: shift ?? '' })}
          error={error('shift')}
          disabled={!work.site}
          clearable
          clearButtonProps={{ 'aria-label': t('common.clear') }}
        />
      </div>
      <PersonSelect
        label={t('field.supervisor')}
        value={work.supervisor}
        set={(supervisor) => change({ supervisor })}
        error={error('supervisor')}
      />
    </>
  );
}

export function EmploymentSelect({
  value,
  set,
  error,
}: {
  value: string;
  set: (value: string) => void;
  error: string | undefined;
}) {
  const { t } = useTranslation();
  return (
    <Select
      label={t('field.employment')}
      required
      allowDeselect={false}
      data={[
        { value: 'employee', label: t('hire.employee') },
        { value: 'contractor', label: t('hire.contractor') },
        { value: 'temp', label: t('hire.temp') },
        { value: 'consultant', label: t('hire.consultant') },
        { value: 'visitor', label: t('hire.visitor') },
      ]}
      value={value}
      onChange={(next) => next && set(next)}
      error={error}
    />
  );
}
