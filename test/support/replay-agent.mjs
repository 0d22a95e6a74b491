#!/usr/bin/env node
// Plays the agent's side of recorded traffic, strictly: what the client sends must be what it sent then, in that order.
// REPLAY is { file, places }: a recording, and what stands now for the places that it names, such as {worktree}.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';

const { file, places } = JSON.parse(process.env.REPLAY ?? '{}');
const place = (text) => Object.entries(places).reduce((all, [name, value]) => all.replaceAll(`{${name}}`, value), text);
const lines = place(readFileSync(file, 'utf8'))
  .split('\n')
  .filter((line) => line !== '');
const sent = [];
let at = 0;

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(42);
}

function play() {
  for (; at < lines.length; at += 1) {
    const line = lines[at];
    if (line.startsWith('< ')) {
      process.stdout.write(`${line.slice(2)}\n`);
      continue;
    }
    if (sent.length === 0) return;
    const got = sent.shift();
    const wanted = JSON.parse(line.slice(2));
    if (!isDeepStrictEqual(JSON.parse(got), wanted)) fail(`line ${at + 1}: recorded ${line.slice(2, 600)} but got ${got.slice(0, 600)}`);
  }
  if (sent.length > 0) fail(`not recorded: ${sent[0].slice(0, 600)}`);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  sent.push(line);
  play();
});
process.stdin.on('end', () => process.exit(0));
play();
