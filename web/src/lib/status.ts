import type { Status, Verdict } from '../api/types.ts';

export type Shape =
  | 'dot'
  | 'dot-clock'
  | 'clock'
  | 'dot-arrow'
  | 'half'
  | 'cross'
  | 'ring-cross'
  | 'ring'
  | 'pause'
  | 'dash';
export type Tone = 'allow' | 'condition' | 'deny' | 'none';

/** One look for each status everywhere: shape and colour here, the word in the catalogue. Colour never stands alone. */
export const STATUS: Record<Status, { shape: Shape; tone: Tone; verdict: Verdict }> = {
  NOT_REQUIRED: { shape: 'dash', tone: 'none', verdict: 'NONE' },
  SUSPENDED: { shape: 'pause', tone: 'deny', verdict: 'DENY' },
  IN_WINDOW: { shape: 'dot-clock', tone: 'allow', verdict: 'ALLOW' },
  EXPIRING: { shape: 'clock', tone: 'allow', verdict: 'ALLOW' },
  CARRIED_FORWARD: { shape: 'dot-arrow', tone: 'allow', verdict: 'ALLOW' },
  QUALIFIED: { shape: 'dot', tone: 'allow', verdict: 'ALLOW' },
  WAIVED: { shape: 'half', tone: 'condition', verdict: 'ALLOW_WITH_CONDITION' },
  SUPERVISED_ONLY: { shape: 'half', tone: 'condition', verdict: 'ALLOW_WITH_CONDITION' },
  LAPSED: { shape: 'cross', tone: 'deny', verdict: 'DENY' },
  SUPERSEDED: { shape: 'cross', tone: 'deny', verdict: 'DENY' },
  INCOMPLETE: { shape: 'ring-cross', tone: 'deny', verdict: 'DENY' },
  NEVER_TRAINED: { shape: 'ring-cross', tone: 'deny', verdict: 'DENY' },
};

export const VERDICT: Record<Verdict, { shape: Shape; tone: Tone }> = {
  ALLOW: { shape: 'dot', tone: 'allow' },
  ALLOW_WITH_CONDITION: { shape: 'half', tone: 'condition' },
  DENY: { shape: 'cross', tone: 'deny' },
  NONE: { shape: 'dash', tone: 'none' },
};

/** A status that this page does not know reads as a refusal. */
export function statusOf(status: string): { shape: Shape; tone: Tone; verdict: Verdict } {
  return STATUS[status as Status] ?? { shape: 'cross', tone: 'deny', verdict: 'DENY' };
}
