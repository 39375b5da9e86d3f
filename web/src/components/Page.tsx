import { useEffect } from 'react';

/** The frame of a page: its title answers the page's question, and is the first thing a screen reader is led to. */
export function Page(props: {
  title: React.ReactNode;
  /** For the window's title, where `title` is not text. */
  name?: string;
  kicker?: React.ReactNode;
  lead?: React.ReactNode;
  actions?: React.ReactNode;
  width?: 'table' | 'form' | 'reading';
  children: React.ReactNode;
}) {
  const name = props.name ?? (typeof props.title === 'string' ? props.title : '');
  useEffect(() => {
    document.title = name ? `${name} · Attest` : 'Attest';
  }, [name]);
  return (
    <div className="page" data-width={props.width ?? 'table'}>
      <header className="page-head">
        <div>
          {props.kicker ? <p className="kicker">{props.kicker}</p> : null}
          <h1 tabIndex={-1}>{props.title}</h1>
          {props.lead ? <p className="lead">{props.lead}</p> : null}
        </div>
        {props.actions ? <div className="page-actions">{props.actions}</div> : null}
      </header>
      {props.children}
    </div>
  );
}

/** A list of what is known: term and value, two columns. */
export function Facts({ facts }: { facts: [string, React.ReactNode][] }) {
  return (
    <dl className="facts">
      {facts.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value ?? <span className="dim">–</span>}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Panel(props: { title: string; children: React.ReactNode; actions?: React.ReactNode }) {
  return (
    <section className="panel">
      <header className="panel-head">
        <h2>{props.title}</h2>
        {props.actions}
      </header>
      {props.children}
    </section>
  );
}
