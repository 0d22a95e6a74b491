// Verifies the tasks that it is given by running what they wrote; the first that does not hold makes it fail, with the reason.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const EXPECTED = {
  money: [1_999, '19.99'],
  tax: [10_000, 1_900],
  discount: [20_000, 18_000],
  invoice: [20_000, '214.20'],
  report: [[1_999, 1], '20.00'],
};

export async function verify(names) {
  for (const name of names) {
    const [given, expected] = EXPECTED[name];
    const found = (await import(pathToFileURL(resolve('shop', `${name}.mjs`)).href))[name](given);
    if (found !== expected) throw new Error(`${name}(${JSON.stringify(given)}) is ${found}, not ${expected}`);
  }
}

if (import.meta.filename === process.argv[1]) await verify(process.argv.slice(2));
