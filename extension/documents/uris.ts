// The addresses of the read-only documents. All that a document needs is in its address, so that it comes back after a reload. Pure.

/** Scheme of every document of ours. */
export const SCHEME = 'signalbox';

/** What a document shows. */
export type DocumentRef =
  | { readonly kind: 'artifact'; readonly digest: string; readonly name: string }
  | { readonly kind: 'file'; readonly run: string; readonly revision: string; readonly path: string }
  | { readonly kind: 'log'; readonly attempt: string; readonly name: string }
  | { readonly kind: 'approval'; readonly approval: string; readonly name: string }
  /** A file of policies as it is, or as a rule would make it. */
  | { readonly kind: 'rule'; readonly approval: string; readonly side: 'before' | 'after'; readonly digest: string; readonly name: string };

/** The parts of a URI, as `vscode.Uri.from` takes and `Uri` has them. */
export interface UriParts {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly query: string;
}

/** The address of a document. Its path ends like the file that it shows, so that the editor knows the language. */
export function formatUri(ref: DocumentRef): UriParts {
  const at = (path: string, query: Record<string, string>): UriParts => ({
    scheme: SCHEME,
    authority: ref.kind,
    path: `/${path}`,
    query: new URLSearchParams(query).toString(),
  });
  switch (ref.kind) {
    case 'artifact':
      return at(ref.name, { digest: ref.digest });
    case 'file':
      return at(ref.path, { run: ref.run, revision: ref.revision });
    case 'log':
      return at(ref.name, { attempt: ref.attempt });
    case 'approval':
      return at(ref.name, { approval: ref.approval });
    case 'rule':
      return at(ref.name, { approval: ref.approval, side: ref.side, digest: ref.digest });
    default:
      return ref satisfies never;
  }
}

/** Reads an address; undefined when it is not one of ours. */
export function parseUri({ scheme, authority, path, query }: UriParts): DocumentRef | undefined {
  if (scheme !== SCHEME) return undefined;
  const name = path.replace(/^\//, '');
  const values = new URLSearchParams(query);
  const get = (key: string): string => values.get(key) ?? '';
  if (authority === 'artifact') return { kind: 'artifact', digest: get('digest'), name };
  if (authority === 'file') return { kind: 'file', run: get('run'), revision: get('revision'), path: name };
  if (authority === 'log') return { kind: 'log', attempt: get('attempt'), name };
  if (authority === 'rule') {
    const side = get('side') === 'before' ? 'before' : 'after';
    return { kind: 'rule', approval: get('approval'), side, digest: get('digest'), name };
  }
  return authority === 'approval' ? { kind: 'approval', approval: get('approval'), name } : undefined;
}
