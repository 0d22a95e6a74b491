/** The bundle of the timeline webview. */
import '../../shared/webview/jitless.ts';
import { App } from './app.ts';
import css from './timeline.css';

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);
document.adoptedStyleSheets = [sheet];

const root = document.querySelector<HTMLElement>('#app');
if (!root) throw new Error('The page has no element #app.');
new App(root);
