import Markdown from 'react-markdown';
import remarkGfm from 'remark-gfm';

const plugins = [remarkGfm];
// Controlled content loads nothing from elsewhere; a raw HTML tag in it is shown as text or dropped, never run.
const unwanted = ['img', 'iframe', 'script', 'style'];

/** Markdown of a controlled document. No raw HTML, no pictures from elsewhere, links only by http(s) or mailto. */
export function Prose({ text, lang }: { text: string; lang?: string }) {
  return (
    <div className="prose" lang={lang}>
      <Markdown
        skipHtml
        remarkPlugins={plugins}
        disallowedElements={unwanted}
        components={{
          a: ({ children, href }) => (
            <a href={href} rel="noreferrer noopener" target="_blank">
              {children}
            </a>
          ),
          // The page has its own h1: headings of the text begin one level lower.
          h1: ({ children }) => <h2>{children}</h2>,
          h2: ({ children }) => <h2>{children}</h2>,
          table: ({ children }) => (
            <div className="prose-table">
              <table>{children}</table>
            </div>
          ),
        }}
      >
        {text}
      </Markdown>
    </div>
  );
}
