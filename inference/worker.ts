import { parentPort, workerData } from 'node:worker_threads';
import { joinPcm, toPcm16 } from './audio/pcm.ts';
import { readWav } from './audio/wav.ts';
import { WavError } from './audio/wav-error.ts';
import { SpeechError } from './phonemes/speech-error.ts';
import { SPEECH_LIMITS, countPhonemes, phonemise } from './phonemes/text.ts';
import { measureProfile } from './profile/profile.ts';
import type {
  FailureCode, Job, JobMessage, Progress, Reply, Synthesis, SynthesisJob, VoiceDescription, WorkerSettings,
} from './protocol.ts';
import { CLOSE } from './protocol.ts';
import { NEUTRAL_SPEAKER, RATE_NUMBER, REFERENCE_VOICE_NAME, ensureReferenceVoice } from './voice/reference.ts';
import { openVoice } from './voice/session.ts';
import type { Voice } from './voice/session.ts';

/** A worker thread: one voice session, one job after the other. It knows text, samples and profiles; never whose they are. */
class Cancelled extends Error {}

/** All the vowels once; the reference voice says it to be measured as recordings are. */
const REFERENCE_SENTENCE = 'We saw the early bird fly high above the old town, and all of us knew that she would be home by noon.';

const port = parentPort;
if (port === null) throw new Error('inference/worker.ts runs in a worker thread');
const settings = workerData as WorkerSettings;

let opened: Promise<Voice> | undefined;
/** The session is made when the first job needs it. */
function voice(): Promise<Voice> {
  opened ??= ensureReferenceVoice(settings.modelFolder).then(openVoice);
  return opened;
}

async function synthesise(job: SynthesisJob, report: (progress: Progress) => void): Promise<Synthesis> {
  const began = performance.now();
  const cancelled = new Int32Array(job.cancelled);
  const chunks = phonemise(job.text, job.language, { ...SPEECH_LIMITS, pace: job.rate * Math.exp(job.speaker[RATE_NUMBER] ?? 0) });
  const session = await voice();
  const parts: Int16Array[] = [];
  let samples = 0;
  for (const [index, chunk] of chunks.entries()) {
    report({ done: index, chunks: chunks.length, seconds: samples / session.sampleRateHz });
    if (Atomics.load(cancelled, 0) !== 0) throw new Cancelled('the job was cancelled');
    const rendering = await session.render(chunk.symbols, { speaker: job.speaker, rate: job.rate });
    const part = toPcm16(rendering.samples);
    parts.push(part);
    samples += part.length;
  }
  if (Atomics.load(cancelled, 0) !== 0) throw new Cancelled('the job was cancelled');
  report({ done: chunks.length, chunks: chunks.length, seconds: samples / session.sampleRateHz });
  return {
    pcm: joinPcm(parts),
    sampleRateHz: session.sampleRateHz,
    renderMilliseconds: performance.now() - began,
    phonemes: chunks.reduce((sum, chunk) => sum + countPhonemes(chunk.symbols), 0),
    lineage: session.lineage,
  };
}

async function describe(): Promise<VoiceDescription> {
  const session = await voice();
  const parts: Float32Array[] = [];
  for (const chunk of phonemise(REFERENCE_SENTENCE, 'en')) {
    parts.push((await session.render(chunk.symbols, { speaker: NEUTRAL_SPEAKER, rate: 1 })).samples);
  }
  const samples = Float32Array.from(parts.flatMap((part) => Array.from(part)));
  return {
    name: REFERENCE_VOICE_NAME, lineage: session.lineage, sampleRateHz: session.sampleRateHz,
    profile: measureProfile(samples, session.sampleRateHz),
  };
}

async function work(id: number, job: Job): Promise<Reply> {
  switch (job.kind) {
    case 'synthesise':
      return { id, kind: 'synthesised', result: await synthesise(job, (progress) => port?.postMessage({ id, kind: 'progress', progress })) };
    case 'profile': {
      const recording = readWav(job.wav);
      return { id, kind: 'profiled', result: measureProfile(recording.samples, recording.sampleRateHz) };
    }
    case 'describe':
      return { id, kind: 'described', result: await describe() };
  }
}

function codeOf(error: unknown): FailureCode {
  if (error instanceof SpeechError || error instanceof WavError) return error.code;
  return error instanceof Cancelled ? 'cancelled' : 'failed';
}

async function answer({ id, ...job }: JobMessage): Promise<void> {
  const reply = await work(id, job).catch((error: unknown): Reply => ({
    id, kind: 'failed', code: codeOf(error), message: error instanceof Error ? error.message : String(error),
  }));
  // Ten minutes of samples are moved, not copied.
  port?.postMessage(reply, reply.kind === 'synthesised' ? [reply.result.pcm.buffer as ArrayBuffer] : []);
}

let last: Promise<void> = Promise.resolve();

port.on('message', (message: JobMessage | typeof CLOSE) => {
  if (message === CLOSE) {
    // A thread that is ended inside the model takes the whole process down with it: finish the sentence, then leave.
    void last.finally(() => port.close());
    return;
  }
  last = answer(message);
});
