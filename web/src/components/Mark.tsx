import { useTranslation } from 'react-i18next';
import { type Shape, statusOf, type Tone, VERDICT } from '../lib/status.ts';

/** One glyph; 16 px, drawn with the text colour of its tone. */
export function Glyph({ shape, tone }: { shape: Shape; tone: Tone }) {
  return (
    <svg className="glyph" data-tone={tone} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {SHAPES[shape]}
    </svg>
  );
}

const CROSS = <path d="M4.2 4.2l7.6 7.6M11.8 4.2l-7.6 7.6" className="glyph-line" />;
const RING = <circle cx="8" cy="8" r="6" className="glyph-ring" />;
const HANDS = <path d="M8 4.6V8l2.4 1.6" className="glyph-line" />;

const SHAPES: Record<Shape, React.ReactNode> = {
  dot: <circle cx="8" cy="8" r="5.4" />,
  'dot-clock': (
    <>
      <circle cx="6" cy="6.4" r="4.6" />
      <circle cx="11.4" cy="11.2" r="4.4" className="glyph-gap" />
      <circle cx="11.4" cy="11.2" r="3.2" className="glyph-thin" />
      <path d="M11.4 9.4v1.9l1.2.7" className="glyph-thin" />
    </>
  ),
  clock: (
    <>
      {RING}
      {HANDS}
    </>
  ),
  'dot-arrow': (
    <>
      <circle cx="5.4" cy="8" r="4.2" />
      <path d="M10 8h4.6M12.6 5.6L15 8l-2.4 2.4" className="glyph-line" />
    </>
  ),
  half: (
    <>
      {RING}
      <path d="M8 2a6 6 0 010 12z" />
    </>
  ),
  cross: CROSS,
  'ring-cross': (
    <>
      <circle cx="8" cy="8" r="6.4" className="glyph-thin" />
      <path d="M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8" className="glyph-line" />
    </>
  ),
  ring: RING,
  pause: <path d="M5.2 3.6v8.8M10.8 3.6v8.8" className="glyph-bar" />,
  dash: <path d="M3.6 8h8.8" className="glyph-line" />,
};

/** Shape, word and colour of a status. `compact` keeps the word for screen readers and the tooltip only. */
export function StatusMark({ status, compact = false }: { status: string; compact?: boolean }) {
  const { t, i18n } = useTranslation();
  const look = statusOf(status);
  const key = `status.${status}`;
  const word = i18n.exists(key) ? t(key as 'status.QUALIFIED') : status;
  return <Mark shape={look.shape} tone={look.tone} word={word} compact={compact} />;
}

export function VerdictMark({ verdict, compact = false }: { verdict: string; compact?: boolean }) {
  const { t, i18n } = useTranslation();
  const look = VERDICT[verdict as 'ALLOW'] ?? VERDICT.DENY;
  const key = `verdict.${verdict}`;
  return <Mark {...look} word={i18n.exists(key) ? t(key as 'verdict.ALLOW') : verdict} compact={compact} />;
}

export function Mark(props: { shape: Shape; tone: Tone; word: string; compact?: boolean }) {
  return (
    <span className="mark" data-tone={props.tone} title={props.compact ? props.word : undefined}>
      <Glyph shape={props.shape} tone={props.tone} />
      <span className={props.compact ? 'visually-hidden' : undefined}>{props.word}</span>
    </span>
  );
}
