/** The colours and fonts that VS Code gives its webviews, read anew when the theme changes. */
import type { Tone } from '../../shared/webview/timeline.ts';

export interface Theme {
  /** Outlines and patterns instead of tints. */
  contrast: boolean;
  background: string;
  foreground: string;
  muted: string;
  line: string;
  focus: string;
  selected: string;
  thumb: string;
  tones: Record<Tone, string>;
  font: string;
  mono: string;
}

/** Reads the theme from the document. */
export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const read = (fallback: string, ...names: string[]): string => {
    for (const name of names) {
      const value = style.getPropertyValue(`--vscode-${name}`).trim();
      if (value !== '') return value;
    }
    return fallback;
  };
  const contrast =
    document.body.classList.contains('vscode-high-contrast') || document.body.classList.contains('vscode-high-contrast-light');
  const foreground = read('#cccccc', 'editor-foreground', 'foreground');
  const muted = read(foreground, 'descriptionForeground');
  const size = read('13px', 'font-size');
  return {
    contrast,
    background: read('#1f1f1f', 'editor-background'),
    foreground,
    muted,
    line: read(muted, ...(contrast ? ['contrastBorder'] : []), 'editorIndentGuide-background1', 'panel-border'),
    focus: read('#0078d4', ...(contrast ? ['contrastActiveBorder'] : []), 'focusBorder'),
    selected: read('transparent', 'list-inactiveSelectionBackground'),
    thumb: read(muted, 'scrollbarSlider-background'),
    tones: {
      idle: muted,
      skipped: muted,
      canceled: muted,
      running: read('#59a4f9', 'charts-blue'),
      waiting: read('#cca700', 'charts-yellow'),
      success: read('#89d185', 'charts-green'),
      failure: read('#f14c4c', 'charts-red'),
    },
    font: `${size} ${read('sans-serif', 'font-family')}`,
    mono: `11px ${read('monospace', 'editor-font-family')}`,
  };
}

/** Calls `listener` after the theme changed; VS Code then changes the attributes of html and body. */
export function watchTheme(listener: () => void): void {
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style', 'class'] });
  observer.observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id'] });
}
