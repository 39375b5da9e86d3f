import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, type Query } from './client.ts';
import type * as T from './types.ts';

const PAGE = 500;
const MINUTE = 60_000;
const id = encodeURIComponent;

const list = <Row>(path: string, query: Query = {}) =>
  queryOptions({
    queryKey: [path, query],
    queryFn: ({ signal }) => api.get<T.Page<Row>>(path, { limit: PAGE, ...query }, signal),
  });

/** A list that goes on: pages by cursor, kept together. */
const endless = <P extends T.Page<unknown>>(path: string, query: Query = {}, limit = PAGE) =>
  infiniteQueryOptions({
    queryKey: [path, 'pages', query],
    queryFn: ({ pageParam, signal }) => api.get<P>(path, { limit, ...query, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });

const one = <Thing>(path: string, query: Query = {}) =>
  queryOptions({ queryKey: [path, query], queryFn: ({ signal }) => api.get<Thing>(path, query, signal) });

export const queries = {
  session: () => ({ ...one<T.Session>('/api/session'), retry: false, staleTime: 5 * MINUTE }),
  clock: () => ({ ...one<T.Clock>('/api/clock'), staleTime: MINUTE, refetchInterval: MINUTE }),
  units: (kind: string, site?: string) => ({
    ...list<T.Unit>('/api/organisation', { kind, site }),
    staleTime: 5 * MINUTE,
  }),
  people: (query: Query) => endless<T.Page<T.PersonRow>>('/api/people', query, 200),
  findPeople: (q: string) => list<T.PersonRow>('/api/people', { q, limit: 8 }),
  person: (person: string) => one<T.Person>(`/api/people/${id(person)}`),
  tasks: () => ({ ...list<T.Task>('/api/tasks'), staleTime: 5 * MINUTE }),
  assignments: (query: Query) => list<T.Assignment>('/api/assignments', query),
  authorizations: (person: string) => list<T.Authorization>('/api/authorizations', { person }),
  cells: (query: Query) => list<T.Cell>('/api/qualification/cells', query),
  timelines: (person: string, known_at?: string) =>
    list<T.Timeline>('/api/qualification/timeline', { person, known_at }),
  compliance: (query: Query, limit: number) => endless<T.Compliance>('/api/reports/compliance', query, limit),
  /** The totals alone. */
  complianceTotals: (query: Query) => ({
    ...one<T.Compliance>('/api/reports/compliance', { ...query, limit: 1 }),
    staleTime: 30_000,
  }),
  /** The answers about one moment as known at two times, and what made them differ. */
  differences: (query: Query) => one<T.Differences>('/api/reports/differences', query),
  documents: (query: Query) => endless<T.Page<T.DocumentRow>>('/api/documents', query, 200),
  findDocuments: (q: string) => list<T.DocumentRow>('/api/documents', { q, limit: 8 }),
  document: (document: string) => ({
    ...one<T.Document>(`/api/documents/${id(document)}`),
    staleTime: MINUTE,
  }),
  changes: () => list<T.ChangeRow>('/api/changes'),
  change: (change: string) => one<T.Change>(`/api/changes/${id(change)}`),
  reading: (document: string, version: number, language?: string) =>
    one<T.Reading>('/api/reading', { document, version, language }),
  content: (sha256: string) =>
    queryOptions({
      queryKey: ['/api/content', sha256],
      queryFn: ({ signal }) => api.text(`/api/content/${sha256}`, signal),
      // Content is named by its digest: it never changes.
      staleTime: Number.POSITIVE_INFINITY,
    }),
  records: (query: Query) => list<T.RecordRow>('/api/records', query),
  record: (record: string) => one<T.TrainingRecord>(`/api/records/${id(record)}`),
  lateEntries: (query: Query) => list<T.LateEntry>('/api/records/late-entries', query),
  audit: (query: Query) => list<T.AuditEntry>('/api/audit', query),
  imports: () => list<T.ImportJob>('/api/imports'),
  import: (job: string) => one<T.ImportJob>(`/api/imports/${id(job)}`),
  importReport: (job: string, severity?: string) =>
    endless<T.Page<T.ImportRow>>(`/api/imports/${id(job)}/report`, { severity }),
  accounts: () => list<T.Account>('/api/accounts'),
  roles: () => ({ ...list<T.Role>('/api/roles'), staleTime: 5 * MINUTE }),
  tokens: () => list<T.MachineToken>('/api/tokens'),
  health: () => ({ ...one<T.Health>('/api/health'), refetchInterval: 5_000 }),
  about: () => one<T.About>('/api/about'),
};
