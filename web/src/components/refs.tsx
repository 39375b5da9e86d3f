import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries.ts';
import { nameOf, useSites } from '../lib/context.ts';
import { clockName, showDay, showInstant } from '../lib/time.ts';

/** `16 Mar 2026 00:00 NL1`: the wall clock of the place, and which one it is. `zone` wins over the place's own. */
export function DateTime(props: {
  at: string | null | undefined;
  place?: string | null;
  zone?: string | null;
  seconds?: boolean;
}) {
  const { i18n } = useTranslation();
  const sites = useSites();
  if (!props.at) return <span className="dim">–</span>;
  const zone = props.zone ?? sites.zone(props.place);
  const known = sites.all.find((site) => site.code === props.place);
  const label = clockName(zone, known);
  return (
    <time dateTime={props.at} className="when">
      {showInstant(props.at, zone, i18n.language, props.seconds)} <span className="zone">{label}</span>
    </time>
  );
}

export function Day({ on, place }: { on: string | null | undefined; place?: string | null }) {
  const { i18n } = useTranslation();
  if (!on) return <span className="dim">–</span>;
  return (
    <time dateTime={on} className="when">
      {showDay(on, i18n.language)} {place ? <span className="zone">{place}</span> : null}
    </time>
  );
}

/** Document and version always together. */
export function DocumentRef(props: { document: string; version?: number | null; plain?: boolean }) {
  const text = (
    <>
      {props.document}
      {props.version ? <span className="version"> v{props.version}</span> : null}
    </>
  );
  if (props.plain) return <span className="ref">{text}</span>;
  return (
    <Link to="/documents/$document" params={{ document: props.document }} className="ref">
      {text}
    </Link>
  );
}

/** The name as far as the reader may know it, else the id. */
export function PersonRef({ person, plain = false }: { person: string; plain?: boolean }) {
  const { data } = useQuery({ ...queries.person(person), retry: false, staleTime: 300_000 });
  const text = data ? `${nameOf(data)} (${person})` : person;
  if (plain) return <span>{text}</span>;
  return (
    <Link to="/people/$person" params={{ person }} className="ref">
      {text}
    </Link>
  );
}

/** `person/ANA`, `system/assignment`, `machine/7c1d` */
export function ActorRef({ actor }: { actor: string }) {
  const { t } = useTranslation();
  const [kind, id] = actor.split('/');
  if (kind === 'person' && id) return <PersonRef person={id} />;
  if (kind === 'system' && id) return <span>{t('actor.system', { name: id })}</span>;
  return <span className="mono">{actor}</span>;
}
