import { Refusal } from '../kernel/refusals.ts';
import type { JobHandlers } from '../platform/jobs/index.ts';
import type { Notices } from './service.ts';

/** Deadlines come by themselves. */
export function makeNoticesJobs(service: Pick<Notices, 'keepDeadline'>): JobHandlers {
  return {
    async 'notices.deadline'(payload) {
      const noticeId = typeof payload === 'object' && payload !== null && 'noticeId' in payload ? payload['noticeId'] : undefined;
      if (typeof noticeId !== 'string') throw new Refusal('request_invalid', 'The job names no notice.');
      await service.keepDeadline(noticeId);
    },
  };
}
