/**
 * What the gateway answers, by the names that the pages use. The shapes are those of its OpenAPI document
 * (`generated.ts`, made by `make generate`); what the document leaves open is said here. Times are RFC 3339, days are
 * `YYYY-MM-DD`.
 */
import type { components } from './generated.ts';

type Schemas = components['schemas'];
/** The fields of a schema, some of them said more precisely than the document does. */
type Refined<Base, Fields> = Omit<Base, keyof Fields> & Fields;

export interface Page<T> {
  items: T[];
  next?: string | null;
  complete_up_to?: string | null;
}

export type Status =
  | 'NOT_REQUIRED'
  | 'SUSPENDED'
  | 'IN_WINDOW'
  | 'EXPIRING'
  | 'CARRIED_FORWARD'
  | 'QUALIFIED'
  | 'WAIVED'
  | 'SUPERVISED_ONLY'
  | 'LAPSED'
  | 'SUPERSEDED'
  | 'INCOMPLETE'
  | 'NEVER_TRAINED';
export type Verdict = 'ALLOW' | 'ALLOW_WITH_CONDITION' | 'DENY' | 'NONE';

interface Judged {
  status: Status;
  verdict: Verdict;
}

export type Reason = Schemas['CheckReason'] | Schemas['Reason'];
export type GrantScope = Schemas['Scope'];
export type Grant = Schemas['GrantOut'];
export type Session = Schemas['SessionOut'];
export type Clock = Schemas['ClockOut'];

export type Shift = Schemas['ShiftTime'];
export type Unit = Refined<Schemas['UnitOut'], { shifts: Shift[] }>;

export type PersonRow = Schemas['PersonRow'];
/** The document says no more of a spell than that it is an object. */
export interface Spell {
  id: string;
  from: string;
  to: string | null;
  recorded_at: string;
  site?: string;
  department?: string | null;
  area?: string | null;
  job_function?: string;
  overlay?: string;
  equipment?: string;
  kind?: string;
  shift?: string;
}
type Spells = 'employments' | 'places' | 'functions' | 'overlays' | 'equipment' | 'leaves' | 'shifts';
export type Person = Refined<Schemas['PersonOut'], Record<Spells, Spell[]>>;

export type Cell = Refined<Schemas['AssignmentCell'], Judged>;
export type ComplianceRow = Refined<Schemas['ComplianceRow'], Judged>;
export type Segment = Refined<Schemas['SegmentOut'], Judged>;
export type Timeline = Refined<Schemas['Bar'], { segments: Segment[] }>;

export interface Cause {
  kind: string;
  id: string;
  change?: string | null;
}
export type Assignment = Refined<Schemas['AssignmentOut'], { cause: Cause | null }>;

export type Task = Schemas['MatrixTaskOut'];
export type Authorization = Refined<Schemas['AssignmentTaskOut'], { verdict: Verdict }>;

export type Content = Schemas['FileOut'];
/** Lines [line_from, line_to) of the Markdown counted from 1; of a PDF: pages. */
export type Section = Schemas['QmsSectionOut'];
export type Effective = Schemas['EffectiveOut'];
export type Version = Schemas['QmsVersionOut'];
export type DocumentRow = Schemas['DocumentRow'];
export type Governs = Schemas['GoverningAt'];
export type Document = Schemas['QmsDocumentOut'];

export type Approval = Schemas['ApprovalOut'];
/** assigned = done + open + paused + upcoming + resolved_otherwise; overdue is a part of open. */
export type Progress = Schemas['QmsProgress'];
export type ChangeRow = Schemas['QmsChangeRow'];
export type Change = Schemas['QmsChangeOut'];

export type ReadingSection = Schemas['RecordsSectionOut'];
/** `signed`: standing records of the reader on this version, newest first. */
export type Reading = Schemas['RecordsReadingOut'];

/** `matches`: the digest, computed again from the record as it is stored, is the one that was signed. */
export type Signature = Schemas['records_svc__api__schemas__SignatureOut'];
export type RecordRow = Schemas['RecordRow'];
export type ErrorMark = Schemas['MarkOut'];
/** `not_applicable`: field -> why it does not apply. */
export type TrainingRecord = Schemas['RecordsRecordOut'];
export type LateEntry = Schemas['LateEntryOut'];

export type AuditEntry = Schemas['AuditEntry'];

/** `excluded`: class -> cells that are in neither number. `figures`: each figure -> what it counts. */
export type Totals = Refined<Schemas['ComplianceTotals'], { figures: Record<Figure, number> }>;
/** The numbers of the totals that can be asked back for their rows. */
export type Figure = Schemas['Figure'];
export const FIGURES = Object.keys({
  REQUIRED: true,
  IN_PLACE: true,
  NOT_IN_PLACE: true,
  CONDITIONAL: true,
  HELD: true,
  OVERDUE: true,
  APPROACHING: true,
  EXCLUDED: true,
  NOT_REQUIRED: true,
  ON_LEAVE: true,
  WITHDRAWN: true,
} satisfies Record<Figure, true>) as Figure[];
export type Compliance = Refined<Schemas['Compliance'], { items: ComplianceRow[]; totals: Totals }>;

/** `a`, `b`: the answers as known at `known_a` and `known_b`; null: not known then. */
export type KnownCell = Refined<Schemas['ReportingCell'], Judged>;
/** How a paper record came in, and how one was marked in error: as the contract of records announces them. */
export interface LateEntered {
  ink_signed_at: string;
  second_person: string;
  reason: string;
}
export interface MarkedInError {
  at: string;
  by: string;
  reason: string;
}
export type KnownRecord = Refined<
  Schemas['ReportingRecordOut'],
  { late_entry: LateEntered | null; entered_in_error: MarkedInError | null }
>;
export type DifferenceCause = Schemas['CauseOut'];
export type Difference = Refined<
  Schemas['ReportingDifferenceOut'],
  { a: KnownCell | null; b: KnownCell | null; records_gained: KnownRecord[]; records_lost: KnownRecord[] }
>;
export type Differences = Refined<Schemas['ReportingDifferences'], { items: Difference[] }>;

export type SigningIntent = Schemas['IntentOut'];
export type SignatureReceipt = Schemas['GatewaySignatureOut'];

/** `reasons`: severity -> reason code -> rows. */
export type ImportFile = Schemas['FileCounts'];
export type ImportJob = Schemas['GatewayImportOut'];
export type ImportRow = Schemas['FindingOut'];

/** `signing_blocked`: somebody else set the password; signing waits until an administrator has proved who holds it. */
export type Account = Schemas['AccountOut'];
/** Of a reset the password is there; an account made with a password has none. */
export type OneTimePassword = Schemas['OneTimePassword'] | Schemas['AccountMade'];
export type Role = Schemas['Role'];
export type MachineToken = Schemas['TokenOut'];

export type ServiceHealth = Schemas['ServiceHealth'];
export type Health = Schemas['Health'];
export type About = Schemas['About'];
