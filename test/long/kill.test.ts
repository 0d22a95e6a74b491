import { describeKills } from '../daemon/crash/kills.ts';

// The moments that `npm test` leaves out for the time they take.
describeKills([
  { stage: 'scan', moment: 'task.assigned', goesOn: 'goes on: the scan is done again' },
  { stage: 'plan', moment: 'attempt.running', goesOn: 'goes on: the plan is made again, the same' },
  { stage: 'repair', moment: 'stage.started', goesOn: 'goes on: the repairs are put to the policy' },
  { stage: 'repair', moment: 'approval.requested', goesOn: 'goes on: the questions are still there' },
  { stage: 'repair', moment: 'workspace.created', goesOn: 'goes on: in a worktree of its own' },
  { stage: 'verify', moment: 'attempt.running', goesOn: 'goes on: the second scan is done again' },
  { stage: 'merge', moment: 'approval.requested', goesOn: 'goes on: the question is still there' },
  { stage: 'report', moment: 'attempt.running', goesOn: 'goes on: the report is written again' },
]);
