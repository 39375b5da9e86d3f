/**
 * Cuts Markdown at its headings of level 1 and 2, the sections that a reader opens one by one. Headings inside fenced
 * code are text. What stands before the first heading belongs to the first section.
 */
export function cut(markdown: string): { title: string; body: string }[] {
  const sections: { title: string; lines: string[] }[] = [];
  const preamble: string[] = [];
  let fence: string | null = null;
  for (const line of markdown.split(/\r?\n/)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark) {
      if (fence === null) fence = mark;
      else if (mark[0] === fence[0] && mark.length >= fence.length) fence = null;
    }
    const heading =
      fence === null ? /^ {0,3}#{1,2}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/.exec(line)?.[1] : undefined;
    if (heading !== undefined) sections.push({ title: heading, lines: [line] });
    else (sections[sections.length - 1]?.lines ?? preamble).push(line);
  }
  const first = sections[0];
  if (!first) return [{ title: '', body: markdown }];
  if (preamble.some((line) => line.trim() !== '')) first.lines.unshift(...preamble);
  return sections.map(({ title, lines }) => ({ title, body: lines.join('\n').trim() }));
}

/**
 * The text of each section that the server names: by its lines where it tells them, else by the headings. When neither
 * fits, the first one shows the whole: text is never hidden from a reader who is about to sign it.
 */
export function textOf(markdown: string, sections: { line_from?: number; line_to?: number }[]): string[] {
  const lines = markdown.split(/\r?\n/);
  const [first] = sections;
  if (first?.line_from !== undefined && sections.every((each) => each.line_from && each.line_to))
    return sections.map(({ line_from = 1, line_to = 1 }, index) =>
      lines
        .slice(index === 0 ? 0 : line_from - 1, index === sections.length - 1 ? undefined : line_to - 1)
        .join('\n')
        .trim(),
    );
  const parts = cut(markdown);
  if (parts.length === sections.length) return parts.map((part) => part.body);
  return sections.map((_, index) => (index === 0 ? markdown : ''));
}
