import * as vscode from 'vscode';
import type { Services } from '../services.ts';
import { EMPTY_FOREST, findChanged, plantForest, type Node, type TooltipLine } from './nodes.ts';
import { createPace } from './pace.ts';
import { clip, quoteMarkdown } from './words.ts';

/** Most redraws of a view in a second. */
const REDRAWS_PER_SECOND = 4;
const MAX_TOOLTIP_LINE = 500;

/** A tree view whose rows are made anew at each change and drawn anew only where they differ. Its elements are the ids of the rows. */
export class StableTree implements vscode.TreeDataProvider<string>, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<string[] | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #describe: () => readonly Node[];
  readonly #pace: ReturnType<typeof createPace>;
  readonly #listening: vscode.Disposable;
  readonly #want: () => void;
  #forest = EMPTY_FOREST;

  constructor(services: Pick<Services, 'onChange' | 'want'>, describe: () => readonly Node[]) {
    this.#describe = describe;
    this.#want = () => services.want();
    this.#pace = createPace(1_000 / REDRAWS_PER_SECOND, () => this.#redraw());
    this.#listening = services.onChange(() => this.#pace.request());
    this.#forest = plantForest(describe());
  }

  #redraw(): void {
    const before = this.#forest;
    this.#forest = plantForest(this.#describe());
    const changed = findChanged(before, this.#forest);
    if (changed === undefined) this.#changed.fire(undefined);
    else if (changed.length > 0) this.#changed.fire(changed);
  }

  getChildren(id?: string): string[] {
    // VS Code asks once the view is shown.
    this.#want();
    if (id === undefined) return [...this.#forest.roots];
    return (this.#forest.nodes.get(id)?.children ?? []).map((child) => child.id);
  }

  getParent(id: string): string | undefined {
    return this.#forest.parents.get(id);
  }

  getTreeItem(id: string): vscode.TreeItem {
    const node = this.#forest.nodes.get(id);
    return node ? drawRow(node) : new vscode.TreeItem('');
  }

  dispose(): void {
    this.#pace.stop();
    this.#listening.dispose();
    this.#changed.dispose();
  }
}

const OPEN = {
  none: vscode.TreeItemCollapsibleState.None,
  collapsed: vscode.TreeItemCollapsibleState.Collapsed,
  expanded: vscode.TreeItemCollapsibleState.Expanded,
} as const;

function drawRow(node: Node): vscode.TreeItem {
  const item = new vscode.TreeItem(node.label, OPEN[node.open]);
  item.id = node.id;
  item.contextValue = node.context;
  item.iconPath = new vscode.ThemeIcon(node.icon.id, node.icon.color === undefined ? undefined : new vscode.ThemeColor(node.icon.color));
  item.accessibilityInformation = { label: node.spoken };
  if (node.description !== undefined) item.description = node.description;
  if (node.tooltip) item.tooltip = drawTooltip(node.tooltip);
  if (node.command) item.command = { command: node.command.id, title: node.command.title, arguments: [...node.command.args] };
  return item;
}

/** Foreign texts go in as text, never as markup. (`appendText` would make every space one that does not break.) */
function drawTooltip(lines: readonly TooltipLine[]): vscode.MarkdownString {
  const tooltip = new vscode.MarkdownString();
  for (const line of lines) {
    if ('heading' in line) tooltip.appendMarkdown(`**${quote(line.heading)}**\n\n`);
    else if ('text' in line) tooltip.appendMarkdown(`${quote(line.text)}\n\n`);
    else tooltip.appendMarkdown(`${quote(line.name)}: ${quote(line.value)}  \n`);
  }
  return tooltip;
}

const quote = (text: string): string => quoteMarkdown(clip(text, MAX_TOOLTIP_LINE));
