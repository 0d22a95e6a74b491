import { describeRestarts, type Moment } from '../daemon/crash/restarts.ts';

const moment = (stage: string, event: Moment['event']): Moment[] => [{ stage, event }];

// The moments that `npm test` leaves out for the time they take.
describeRestarts([
  moment('draft', 'stage.started'),
  moment('draft', 'approval.requested'),
  moment('draft', 'approval.granted'),
  moment('draft', 'task.assigned'),
  moment('draft', 'workspace.created'),
  moment('draft', 'artifact.recorded'),
  moment('draft', 'attempt.ended'),
  moment('draft', 'stage.checking'),
  moment('draft', 'stage.judged'),
  moment('draft', 'stage.completed'),
  moment('one', 'attempt.running'),
  moment('two', 'attempt.committed'),
  moment('one', 'stage.completed'),
  moment('build', 'stage.completed'),
  moment('review', 'run.returned'),
  moment('review', 'handoff.accepted'),
  moment('deploy', 'stage.admitted'),
  moment('tell', 'attempt.ended'),
]);
