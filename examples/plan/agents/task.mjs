// Does one task of the plan: writes shop/TASK.mjs into the worktree, which holds what the tasks before it wrote. The task that is
// named by the second argument is done wrongly, each time.
import { mkdirSync, writeFileSync } from 'node:fs';

const [name, wrong] = process.argv.slice(2);
const MODULES = {
  money: 'export const money = (cents) => (cents / 100).toFixed(2);\n',
  tax: 'export const tax = (cents) => Math.round(cents * 0.19);\n',
  discount: 'export const discount = (cents) => (cents >= 10_000 ? cents * 0.9 : cents);\n',
  invoice: `import { discount } from './discount.mjs';
import { money } from './money.mjs';
import { tax } from './tax.mjs';
export const invoice = (cents) => money(discount(cents) + tax(discount(cents)));
`,
  report: `import { money } from './money.mjs';
export const report = (sales) => money(sales.reduce((sum, cents) => sum + cents, 0));
`,
};
const text = name === wrong ? `export const ${name} = () => 'to be done';\n` : MODULES[name];
mkdirSync('shop', { recursive: true });
writeFileSync(`shop/${name}.mjs`, text);
console.log(`Wrote shop/${name}.mjs.`);
