import { describeRestarts } from './restarts.ts';

// The others are in `npm run test:long`.
describeRestarts([
  [
    { stage: 'review', event: 'handoff.returned' },
    { stage: 'deploy', event: 'approval.granted' },
  ],
]);
