// What a Markdown text holds, as far as checks ask for it. Linear in the length of the text.

/** A heading and the lines below it, down to the next heading of the same or a higher level. */
interface Section {
  title: string;
  level: number;
  lines: string[];
  /** Headings one level or more below. */
  below: string[];
}

/** `User Stories`, `user_stories` and `user-stories` are one name. */
export function plainName(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[`*_#:-]+/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** The text without fenced blocks, and the blocks with their languages. */
export function splitFences(text: string): { lines: string[]; blocks: { language: string; text: string }[] } {
  const lines: string[] = [];
  const blocks: { language: string; text: string }[] = [];
  let open: { language: string; lines: string[]; fence: string } | undefined;
  for (const line of text.split('\n')) {
    const fence = /^ {0,3}(```+|~~~+)\s*([A-Za-z0-9_-]*)/.exec(line);
    if (open && fence?.[1]?.startsWith(open.fence)) {
      blocks.push({ language: open.language, text: open.lines.join('\n') });
      open = undefined;
    } else if (open) open.lines.push(line);
    else if (fence) {
      open = { language: (fence[2] ?? '').toLowerCase(), lines: [], fence: fence[1] ?? '```' };
      // So that a section with nothing but a block is not taken for an empty one.
      lines.push(line);
    } else lines.push(line);
  }
  // A block that nobody closed goes on to the end.
  if (open) blocks.push({ language: open.language, text: open.lines.join('\n') });
  return { lines, blocks };
}

/** The sections of a text, outermost first. */
export function listSections(text: string): Section[] {
  const sections: Section[] = [];
  const open: Section[] = [];
  for (const line of splitFences(text).lines) {
    const heading = /^(#{1,6})\s+(.+)$/.exec(line);
    if (!heading) {
      for (const section of open) section.lines.push(line);
      continue;
    }
    const level = heading[1]?.length ?? 1;
    while ((open.at(-1)?.level ?? 0) >= level) open.pop();
    const title = plainName(heading[2] ?? '');
    for (const section of open) section.below.push(title);
    const section = { title, level, lines: [], below: [] };
    sections.push(section);
    open.push(section);
  }
  return sections;
}

/** The section with that heading; its name may be a part of the heading. */
export function findSection(sections: readonly Section[], name: string): Section | undefined {
  const wanted = plainName(name);
  return sections.find(({ title }) => title === wanted) ?? sections.find(({ title }) => ` ${title} `.includes(` ${wanted} `));
}

/** Entries of a section: the headings below it, else its list items, else its rows. */
export function countEntries(section: Section): number {
  if (section.below.length > 0) return section.below.length;
  const items = section.lines.filter((line) => /^(?:[-*+]|\d{1,9}[.)])\s+\S/.test(line)).length;
  if (items > 0) return items;
  const rows = section.lines.filter((line) => /^\s*\|.*\S.*\|\s*$/.test(line)).length;
  return Math.max(0, rows - 2);
}

/** How often something is said of the entries of a section: once in each entry, as a word or a heading. */
export function countMentions(section: Section, name: string): number {
  const wanted = plainName(name);
  const said = section.lines.filter((line) => plainName(line).includes(wanted)).length;
  return said + section.below.filter((title) => title.includes(wanted)).length;
}
