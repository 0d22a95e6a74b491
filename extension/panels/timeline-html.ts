/** The page of the timeline webview. Without vscode, so that a test can load it in a plain browser. */

export interface TimelinePage {
  /** Address of the bundle, as the webview may load it. */
  script: string;
  /** The webview's own sources for style sheets and fonts. */
  cspSource: string;
  /** Random, new for every page. */
  nonce: string;
  language: string;
  title: string;
}

const escape = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

/** Nothing is loaded but the bundle, nothing is connected to, and no attribute carries code or style. */
export function renderTimelinePage({ script, cspSource, nonce, language, title }: TimelinePage): string {
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}' ${cspSource}; font-src ${cspSource}`;
  return `<!DOCTYPE html>
<html lang="${escape(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escape(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
</head>
<body>
<main id="app"></main>
<script nonce="${escape(nonce)}" src="${escape(script)}"></script>
</body>
</html>
`;
}
