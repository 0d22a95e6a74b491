// The built timeline in a plain browser page, with the page, the policy and the theme variables that it has in VS Code.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import * as z from 'zod';
import { renderTimelinePage } from '../../extension/panels/timeline-html.ts';
import { FromTimeline, type ToTimeline } from '../../shared/webview/timeline.ts';
import type { Workbench } from '../vscode-host/workbench.d.mts';
import themes from './themes.json' with { type: 'json' };

type Context = Workbench['context'];
export type Page = Workbench['page'];
export type ThemeName = keyof typeof themes;

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const ORIGIN = 'http://timeline.test';

/** The bundle, made as esbuild.mjs makes it for production. */
export async function bundleTimeline(): Promise<string> {
  const made = await build({
    entryPoints: [path.join(root, 'webview-ui/timeline/main.ts')],
    bundle: true,
    write: false,
    minify: true,
    platform: 'browser',
    target: 'es2022',
    format: 'iife',
    loader: { '.css': 'text' },
  });
  return made.outputFiles[0]!.text;
}

/** Waits until an expression holds in the page. Playwright's own waitForFunction needs the eval that the policy forbids. */
export async function until(page: Page, expression: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await page.evaluate(`Boolean(${expression})`))) {
    if (Date.now() > deadline) throw new Error(`It did not come to ${expression}.`);
    await page.waitForTimeout(20);
  }
}

export interface TimelinePage {
  page: Page;
  /** What the page has posted since it was loaded, parsed. */
  posted(): Promise<FromTimeline[]>;
  /** Sends a message as the extension does. */
  send(message: ToTimeline): Promise<void>;
  /** Changes the variables and classes of the page as VS Code does. */
  useTheme(name: ThemeName): Promise<void>;
  /** What the policy blocked and what went wrong, in words. */
  faults(): Promise<string[]>;
}

// VS Code's own API of a webview; what it keeps survives a reload of the page.
const API = `
  window.posted = [];
  window.violations = [];
  document.addEventListener('securitypolicyviolation', (event) => window.violations.push(event.violatedDirective + ' ' + event.blockedURI));
  window.acquireVsCodeApi = () => ({
    postMessage: (message) => window.posted.push(message),
    getState: () => JSON.parse(sessionStorage.getItem('state') ?? 'null') ?? undefined,
    setState: (state) => sessionStorage.setItem('state', JSON.stringify(state)),
  });
`;

const setTheme = (name: ThemeName): string => `
  document.body.className = ${JSON.stringify(themes[name].class)};
  const style = document.documentElement.style;
  for (const property of [...style]) style.removeProperty(property);
  for (const [property, value] of Object.entries(${JSON.stringify(themes[name].variables)})) style.setProperty(property, value);
`;

export class TimelineBrowser {
  readonly #context: Context;
  readonly #profile: string;
  readonly #script: string;

  private constructor(context: Context, profile: string, script: string) {
    this.#context = context;
    this.#profile = profile;
    this.#script = script;
  }

  static async open(): Promise<TimelineBrowser> {
    const module: unknown = await import(new URL('../vscode-host/browser.mjs', import.meta.url).href);
    const { openBrowser } = module as { openBrowser(profile: string, viewport: { width: number; height: number }): Promise<Context> };
    const profile = await mkdtemp(path.join(os.tmpdir(), 'signalbox-timeline-'));
    return new TimelineBrowser(await openBrowser(profile, { width: 1000, height: 520 }), profile, await bundleTimeline());
  }

  async close(): Promise<void> {
    await this.#context.close();
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Loads the page in a theme and waits until it asks for its timeline. */
  async load(theme: ThemeName = 'dark-modern'): Promise<TimelinePage> {
    const page = await this.#context.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error: Error) => errors.push(error.message));
    page.on('console', (message: { type(): string; text(): string }) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    const html = renderTimelinePage({
      script: `${ORIGIN}/timeline.js`,
      cspSource: ORIGIN,
      nonce: 'bm9uY2U=',
      language: 'en',
      title: 'Timeline',
    });
    await page.route(`${ORIGIN}/**`, (route: { request(): { url(): string }; fulfill(answer: object): Promise<void> }) =>
      route.request().url().endsWith('.js')
        ? route.fulfill({ contentType: 'text/javascript', body: this.#script })
        : route.fulfill({ contentType: 'text/html', body: html }),
    );
    await page.addInitScript(`${API} document.addEventListener('DOMContentLoaded', () => { ${setTheme(theme)} });`);
    await page.goto(`${ORIGIN}/`);
    await until(page, 'window.posted.length > 0');
    return {
      page,
      posted: async () => z.array(FromTimeline).parse(await page.evaluate('window.posted')),
      send: (message) => page.evaluate<void>(`window.postMessage(${JSON.stringify(message)})`),
      useTheme: (name) => page.evaluate<void>(`(() => { ${setTheme(name)} })()`),
      faults: async () => [...errors, ...z.array(z.string()).parse(await page.evaluate('window.violations'))],
    };
  }
}
