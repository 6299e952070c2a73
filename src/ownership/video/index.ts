import { refuseVideo, type VideoFacts } from './facts.ts';
import { isMp4, readMp4 } from './mp4.ts';
import { isWebm, readWebm } from './webm.ts';

export type { VideoFacts };

export const SHORTEST_SECONDS = 2;
export const LONGEST_SECONDS = 60;

/** What a video is, by its bytes; a name or a header says nothing. Refuses `video_refused` with the reason. */
export function readVideo(bytes: Uint8Array): VideoFacts {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const facts = isMp4(file) ? readMp4(file) : isWebm(file) ? readWebm(file) : refuseVideo('container_unknown');
  const { seconds } = facts;
  const limits = { seconds: Math.round(seconds * 100) / 100, leastSeconds: SHORTEST_SECONDS, mostSeconds: LONGEST_SECONDS };
  if (seconds < SHORTEST_SECONDS) refuseVideo('too_short', limits);
  if (seconds > LONGEST_SECONDS) refuseVideo('too_long', limits);
  return facts;
}
