// Whether a Mermaid diagram reads as one. No parser of Mermaid works without a browser, so this looks at its first line,
// its brackets and quotes, and whether anything is drawn: what a renderer stumbles over most.

const KINDS =
  /^(?:flowchart|graph)\s+(?:TB|TD|BT|RL|LR)\b|^(?:sequenceDiagram|classDiagram(?:-v2)?|stateDiagram(?:-v2)?|erDiagram|gantt|pie|journey|gitGraph|mindmap|timeline|quadrantChart|requirementDiagram|C4(?:Context|Container|Component|Dynamic|Deployment)|sankey-beta|xychart-beta|block-beta|architecture-beta|packet-beta)\b/;
const PAIRS: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** Why a Mermaid diagram does not read as one; empty when it does. */
export function findDiagramProblem(text: string): string {
  const lines = text
    .replaceAll(/^---\n[\s\S]*?\n---\n/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('%%'));
  const [first = '', ...rest] = lines;
  if (!KINDS.test(first)) return `\`${first.slice(0, 60)}\` begins no kind of diagram that is known.`;
  if (rest.length === 0) return 'The diagram is empty.';
  // Entity-relation diagrams write `||--o{`, which opens nothing.
  if (first.startsWith('erDiagram')) return '';
  for (const line of rest) {
    const problem = findOpenBracket(line);
    if (problem !== '' && !/^(?:class|state|namespace|block|subgraph|section|box)\b.*\{$|^\}$/.test(line)) return problem;
  }
  return '';
}

function findOpenBracket(line: string): string {
  const open: string[] = [];
  let quoted = false;
  for (const char of line) {
    if (char === '"') quoted = !quoted;
    else if (quoted) continue;
    else if ('([{'.includes(char)) open.push(char);
    else if (char in PAIRS && open.pop() !== PAIRS[char]) return `\`${line.slice(0, 80)}\` closes a bracket that is not open.`;
  }
  if (quoted) return `\`${line.slice(0, 80)}\` opens a quote and does not close it.`;
  return open.length > 0 ? `\`${line.slice(0, 80)}\` opens a bracket and does not close it.` : '';
}
