import { Refusal } from '../../kernel/refusals.ts';

/** What a video's container says of it. Nothing is decoded: whether a person is seen in it, people look. */
export interface VideoFacts {
  contentType: 'video/mp4' | 'video/webm';
  seconds: number;
}

export type VideoProblem = 'container_unknown' | 'truncated' | 'broken' | 'video_absent' | 'duration_absent' | 'too_short' | 'too_long';

const WORDS: Readonly<Record<VideoProblem, string>> = {
  container_unknown: 'A video is an MP4 or a WebM file.',
  truncated: 'The file ends before what it announces.',
  broken: 'The file is not built as its container asks.',
  video_absent: 'There is no picture in this file, only sound or nothing.',
  duration_absent: 'The file does not say how long it is. Save it as a whole file, not as a stream of fragments.',
  too_short: 'The video is too short.',
  too_long: 'The video is too long.',
};

/** @throws Refusal `video_refused`, always, with the problem as `reason` */
export function refuseVideo(reason: VideoProblem, extra: Record<string, unknown> = {}): never {
  throw new Refusal('video_refused', WORDS[reason], { extra: { reason, ...extra } });
}
