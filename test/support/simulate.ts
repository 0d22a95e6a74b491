/** A workflow of stages that a test writes down, and its run by agents that the tests of the engine share. */
import assert from 'node:assert/strict';
import type { Command } from '../../daemon/commands.ts';
import { loadDefinition, Simulation, type Scripts } from './engine.ts';

/** Registers an agent; `about` is what sets it apart. */
export const agent = (id: string, about: { role?: string; capabilities?: string[]; tags?: string[]; slots?: number } = {}): Command => ({
  type: 'agent/register',
  agent: id,
  role: '',
  capabilities: [],
  tags: [],
  adapter: 'command',
  slots: 4,
  ...about,
});

export const AGENTS = [
  agent('worker'),
  agent('command'),
  agent('rust', { role: 'coder', tags: ['rust'] }),
  agent('go', { role: 'coder', tags: ['go'] }),
];

export const start = (inputs: Record<string, unknown> = {}): Command => ({
  type: 'run/start',
  run: 'run-1',
  workflow: { name: 'test', version: 1, digest: 'd' },
  inputs,
  again: false,
});

export const load = (stages: string) => loadDefinition(`workflow: test\nversion: 1\nstages:\n${stages}`);

export function simulate(definition: ReturnType<typeof load>, scripts: Scripts = {}, inputs: Record<string, unknown> = {}): Simulation {
  const simulation = new Simulation(scripts);
  simulation.drive(definition, [...AGENTS, start(inputs)]);
  return simulation;
}

export const runOf = (s: Simulation) => {
  const found = s.state.runs.get('run-1');
  assert.ok(found);
  return found;
};
