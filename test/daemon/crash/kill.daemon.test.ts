import { describeKills } from './kills.ts';

// The moments at which most could be lost or doubled; `npm run test:long` has the others.
describeKills([
  { stage: 'scan', moment: 'attempt.running', goesOn: 'goes on: the scan is done again' },
  { stage: 'repair', moment: 'approval.granted', goesOn: 'goes on: what was granted stays granted' },
  { stage: 'repair', moment: 'attempt.committed', goesOn: 'goes on: after the last repair that was recorded' },
  { stage: 'test', moment: 'attempt.running', goesOn: 'goes on: the command runs again, without a new question' },
  { stage: 'merge', moment: 'workspace.merge_started', goesOn: 'goes on: the merge is finished, once' },
]);
