// What a tree row, a command's argument or a link is about, as a text: it survives reloads and crosses to commands as it is. Pure.

export type Ref =
  | { readonly kind: 'run'; readonly run: string }
  | { readonly kind: 'stage'; readonly run: string; readonly stage: string }
  | { readonly kind: 'attempt'; readonly attempt: string }
  | { readonly kind: 'approval'; readonly approval: string }
  | { readonly kind: 'agent'; readonly agent: string };

/** The text of a reference; also the stable id of its row. */
export function formatRef(ref: Ref): string {
  switch (ref.kind) {
    case 'run':
      return `run:${ref.run}`;
    case 'stage':
      return `stage:${ref.run}/${ref.stage}`;
    case 'attempt':
      return `attempt:${ref.attempt}`;
    case 'approval':
      return `approval:${ref.approval}`;
    case 'agent':
      return `agent:${ref.agent}`;
    default:
      return ref satisfies never;
  }
}

const REF = /^(run|stage|attempt|approval|agent):([A-Za-z0-9][A-Za-z0-9_.-]{0,99})(?:\/([a-z][a-z0-9_-]{0,63}))?$/;

/** Reads a reference; undefined for anything else. */
export function parseRef(text: unknown): Ref | undefined {
  const [, kind, id = '', stage] = (typeof text === 'string' && REF.exec(text)) || [];
  if (kind === 'stage') return stage === undefined ? undefined : { kind, run: id, stage };
  if (stage !== undefined) return undefined;
  if (kind === 'run') return { kind, run: id };
  if (kind === 'attempt') return { kind, attempt: id };
  if (kind === 'approval') return { kind, approval: id };
  return kind === 'agent' ? { kind, agent: id } : undefined;
}
