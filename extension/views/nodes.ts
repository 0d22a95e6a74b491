// What a tree shows, as data: made anew from the state at each change, then compared, so that only what differs is drawn. Pure.

/** One row. `id` is stable for as long as the thing exists. */
export interface Node {
  readonly id: string;
  readonly label: string;
  readonly description?: string;
  readonly tooltip?: readonly TooltipLine[];
  readonly icon: { readonly id: string; readonly color?: string };
  /** Words that the manifest's `when` clauses look for. */
  readonly context: string;
  readonly open: 'none' | 'collapsed' | 'expanded';
  /** What a screen reader says. */
  readonly spoken: string;
  readonly command?: { readonly id: string; readonly title: string; readonly args: readonly unknown[] };
  readonly children: readonly Node[];
}

/** A line of a tooltip: a heading, plain text, or a name with a value. Nothing of it is read as markup. */
export type TooltipLine = { readonly heading: string } | { readonly text: string } | { readonly name: string; readonly value: string };

/** A forest by id, with the order of its roots. */
export interface Forest {
  readonly roots: readonly string[];
  readonly nodes: ReadonlyMap<string, Node>;
  readonly parents: ReadonlyMap<string, string>;
}

export const EMPTY_FOREST: Forest = { roots: [], nodes: new Map(), parents: new Map() };

/** Indexes the rows by id. */
export function plantForest(roots: readonly Node[]): Forest {
  const nodes = new Map<string, Node>();
  const parents = new Map<string, string>();
  const visit = (node: Node): void => {
    nodes.set(node.id, node);
    for (const child of node.children) {
      parents.set(child.id, node.id);
      visit(child);
    }
  };
  roots.forEach(visit);
  return { roots: roots.map((node) => node.id), nodes, parents };
}

/** The ids of the rows to draw anew, the highest ones only; `undefined` when rows at the top came, went or moved. */
export function findChanged(before: Forest, after: Forest): string[] | undefined {
  if (before.roots.join('\n') !== after.roots.join('\n')) return undefined;
  const changed = new Set<string>();
  for (const [id, node] of after.nodes) {
    const old = before.nodes.get(id);
    if (old && printOf(old) !== printOf(node)) changed.add(id);
  }
  return [...changed].filter((id) => !hasAncestorIn(after, id, changed));
}

function hasAncestorIn(forest: Forest, id: string, ids: ReadonlySet<string>): boolean {
  for (let up = forest.parents.get(id); up !== undefined; up = forest.parents.get(up)) if (ids.has(up)) return true;
  return false;
}

/** All that is drawn of a row itself, and which rows lie below it. */
function printOf({ children, ...own }: Node): string {
  return JSON.stringify([own, children.map((child) => child.id)]);
}
