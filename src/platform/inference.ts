import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  CLOSE, SPEAKER_NUMBERS, WORKER_ENTRY, compareProfiles, findClip, findRhythm, joinPcm, makeRhythm, readWav, speakerFromProfile, writeWav,
} from '../../inference/protocol.ts';
import type {
  FailureCode, Job, JobMessage, ProfileComparison, Progress, Reply, SpeechLanguage, Synthesis, VoiceDescription, VoiceProfile, WorkerSettings,
} from '../../inference/protocol.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Log } from './telemetry/index.ts';

/**
 * The model house seen from the service: a small pool of worker threads that speak and measure, and a few pure functions over samples.
 * It is given text and sound and never learns whose they are.
 */
export { findClip, findRhythm, joinPcm, makeRhythm, readWav, writeWav };
export type { ProfileComparison, SpeechLanguage, Synthesis, VoiceProfile };
/** Sentences done and in all, and the seconds of speech so far. */
export type SynthesisProgress = Progress;

export interface SynthesisRequest {
  readonly text: string;
  readonly language: SpeechLanguage;
  /** Eight numbers, as `speakerFor` gives them. */
  readonly speaker: readonly number[];
  /** Pace, 0.3 to 3; 1 (the default) is the speaker's own. */
  readonly rate?: number;
  /** Told before the first sentence is rendered and after each. */
  readonly onProgress?: (progress: SynthesisProgress) => void;
}

export interface Inference {
  /**
   * Speaks a text: mono, 24 kHz. Equal requests give equal samples.
   * @throws Refusal `text_unspeakable`, `request_too_large`, `overloaded`, `render_failed`, `unavailable`; the signal's reason when aborted.
   */
  synthesise(request: SynthesisRequest, signal?: AbortSignal): Promise<Synthesis>;
  /**
   * Measures a WAV file.
   * @throws Refusal `recording_invalid` (extra `reason`: a code of inference/audio/wav-error.ts), `overloaded`, `unavailable`.
   */
  profile(wav: Uint8Array, signal?: AbortSignal): Promise<VoiceProfile>;
  /** Advice for a person who listens: it recognises no words and decides nothing. */
  compare(a: VoiceProfile, b: VoiceProfile): ProfileComparison;
  /** The speaker numbers that bring the voice near a profile. @throws Refusal `recording_too_short` when no pitch was found in it. */
  speakerFor(profile: VoiceProfile): Promise<number[]>;
  describe(): Promise<VoiceDescription>;
  /** Ends the workers; what they were doing fails with `unavailable`. */
  close(): Promise<void>;
}

export interface InferenceOptions {
  /** Models are kept under `<dataDir>/models`. */
  readonly dataDir: string;
  /** Worker threads, each with a session of its own (about 150 MB). */
  readonly workers: number;
  /** Jobs that may wait for a worker before new ones are refused; 16 a worker unless given. */
  readonly maxQueued?: number;
  readonly log?: Pick<Log, 'info' | 'warn' | 'error'>;
  /** What the worker threads run. */
  readonly entry?: URL;
}

interface Task {
  readonly job: Job;
  readonly cancelled: Int32Array | null;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

interface Slot {
  worker: Worker | null;
  running: { readonly id: number; readonly task: Task } | null;
}

const MIN_RATE = 0.3;
const MAX_RATE = 3;
/** Two octaves: nothing human lies outside. */
const MAX_SPEAKER_NUMBER = 2;
const MAX_PENDING_PER_WORKER = 16;

function crashed(job: Job): Refusal {
  return job.kind === 'synthesise'
    ? new Refusal('render_failed', 'The voice stopped while rendering. Nothing was delivered; ask again.')
    : new Refusal('unavailable', 'The recording could not be measured now; try again.');
}

function refusalOf(job: Job, code: FailureCode, message: string): Refusal {
  if (code === 'text_unspeakable') return new Refusal('text_unspeakable', message);
  if (code === 'text_too_long') return new Refusal('request_too_large', message);
  if (code.startsWith('wav_')) return new Refusal('recording_invalid', message, { extra: { reason: code } });
  const refusal = crashed(job);
  return new Refusal(refusal.code, refusal.message, { cause: new Error(message) });
}

function checkRequest({ speaker, rate = 1 }: SynthesisRequest): void {
  if (speaker.length !== SPEAKER_NUMBERS || !speaker.every((number) => Math.abs(number) <= MAX_SPEAKER_NUMBER)) {
    throw new RangeError(`a speaker is ${SPEAKER_NUMBERS} numbers within ±${MAX_SPEAKER_NUMBER}`);
  }
  if (!(rate >= MIN_RATE && rate <= MAX_RATE)) throw new RangeError(`a rate lies between ${MIN_RATE} and ${MAX_RATE}, not at ${rate}`);
}

/** Longer than any one sentence takes to render. */
const CLOSE_MS = 5_000;

/** Lets a worker finish its sentence and leave; one that does not leave is ended. */
async function ended(worker: Worker): Promise<void> {
  const gone = new Promise<void>((done) => worker.once('exit', () => done()));
  worker.ref();
  worker.postMessage(CLOSE);
  const late = setTimeout(() => void worker.terminate(), CLOSE_MS);
  await gone;
  clearTimeout(late);
}

/** Hands jobs to worker threads, one at a time each; starts them when needed and again when one has died. */
class Pool {
  readonly #slots: Slot[];
  readonly #waiting: Task[] = [];
  readonly #options: InferenceOptions;
  readonly #maxQueued: number;
  #lastId = 0;
  #closed = false;

  constructor(options: InferenceOptions) {
    if (!Number.isInteger(options.workers) || options.workers < 1) throw new RangeError(`${options.workers} inference workers`);
    this.#options = options;
    this.#maxQueued = options.maxQueued ?? MAX_PENDING_PER_WORKER * options.workers;
    this.#slots = Array.from({ length: options.workers }, () => ({ worker: null, running: null }));
  }

  run(job: Job, signal?: AbortSignal, onProgress?: (progress: Progress) => void): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#closed) throw new Refusal('unavailable', 'The service is shutting down.');
      const idle = this.#slots.some((slot) => slot.running === null);
      if (!idle && this.#waiting.length >= this.#maxQueued) {
        throw new Refusal('overloaded', 'Too many recordings and renderings are waiting; try again in a moment.');
      }
      const abort = (): void => this.#abort(task, signal?.reason);
      const settle = (): void => signal?.removeEventListener('abort', abort);
      const task: Task = {
        job, onProgress,
        cancelled: job.kind === 'synthesise' ? new Int32Array(job.cancelled) : null,
        resolve: (reply) => { settle(); resolve(reply); },
        reject: (error) => { settle(); reject(error instanceof Error ? error : new Error(String(error))); },
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.push(task);
      this.#drain();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const refusal = new Refusal('unavailable', 'The service is shutting down.');
    for (const task of this.#waiting.splice(0)) task.reject(refusal);
    await Promise.all(this.#slots.map(async (slot) => {
      const { running, worker } = slot;
      slot.running = null;
      slot.worker = null;
      if (running?.task.cancelled != null) Atomics.store(running.task.cancelled, 0, 1);
      running?.task.reject(refusal);
      if (worker !== null) await ended(worker);
    }));
  }

  /** A waiting job goes; a running one is told to stop at its next sentence, and its worker is busy until it has. */
  #abort(task: Task, reason: unknown): void {
    const at = this.#waiting.indexOf(task);
    if (at >= 0) this.#waiting.splice(at, 1);
    else if (task.cancelled !== null) Atomics.store(task.cancelled, 0, 1);
    task.reject(reason);
  }

  #drain(): void {
    for (const slot of this.#slots) {
      if (slot.running !== null) continue;
      const task = this.#waiting.shift();
      if (task === undefined) return;
      this.#lastId += 1;
      slot.running = { id: this.#lastId, task };
      slot.worker ??= this.#start(slot);
      slot.worker.ref();
      slot.worker.postMessage({ ...task.job, id: this.#lastId } satisfies JobMessage);
    }
  }

  #start(slot: Slot): Worker {
    const settings: WorkerSettings = { modelFolder: join(this.#options.dataDir, 'models') };
    // No flags and no environment of ours: a worker needs neither our loader nor our secrets.
    const worker = new Worker(this.#options.entry ?? WORKER_ENTRY, { workerData: settings, execArgv: [], env: {}, name: 'inference' });
    let cause: unknown = null;
    worker.on('message', (reply: Reply) => this.#receive(slot, reply));
    worker.on('error', (error) => { cause = error; });
    worker.on('exit', (code) => {
      if (slot.worker !== worker) return;
      this.#options.log?.error({ err: cause, code }, 'an inference worker ended and will be replaced');
      slot.worker = null;
      const { running } = slot;
      slot.running = null;
      running?.task.reject(crashed(running.task.job));
      this.#drain();
    });
    return worker;
  }

  #receive(slot: Slot, reply: Reply): void {
    const { running } = slot;
    if (running?.id !== reply.id) return;
    if (reply.kind === 'progress') {
      running.task.onProgress?.(reply.progress);
      return;
    }
    slot.running = null;
    // An idle worker does not keep the process alive.
    slot.worker?.unref();
    if (reply.kind === 'failed') {
      if (reply.code === 'failed') this.#options.log?.warn({ reason: reply.message, job: running.task.job.kind }, 'an inference job failed');
      running.task.reject(refusalOf(running.task.job, reply.code, reply.message));
    } else {
      running.task.resolve(reply);
    }
    this.#drain();
  }
}

/** Starts nothing by itself: the first job starts the first worker. */
export function makeInference(options: InferenceOptions): Inference {
  const pool = new Pool(options);
  let described: Promise<VoiceDescription> | undefined;

  function describe(): Promise<VoiceDescription> {
    described ??= pool.run({ kind: 'describe' }).then((reply) => {
      if (reply.kind !== 'described') throw new Error(`the worker answered '${reply.kind}' to 'describe'`);
      return reply.result;
    }).catch((error: unknown) => {
      described = undefined;
      throw error;
    });
    return described;
  }

  return {
    async synthesise(request, signal) {
      checkRequest(request);
      const { text, language, speaker, rate = 1 } = request;
      const reply = await pool.run(
        { kind: 'synthesise', text, language, speaker, rate, cancelled: new SharedArrayBuffer(4) }, signal, request.onProgress,
      );
      if (reply.kind !== 'synthesised') throw new Error(`the worker answered '${reply.kind}' to 'synthesise'`);
      return reply.result;
    },
    async profile(wav, signal) {
      const reply = await pool.run({ kind: 'profile', wav: Uint8Array.from(wav) }, signal);
      if (reply.kind !== 'profiled') throw new Error(`the worker answered '${reply.kind}' to 'profile'`);
      return reply.result;
    },
    compare: compareProfiles,
    async speakerFor(profile) {
      const { profile: reference } = await describe();
      const speaker = speakerFromProfile(profile, reference);
      if (speaker === null) throw new Refusal('recording_too_short', 'No voice with a measurable pitch was found in the recording.');
      return speaker;
    },
    describe,
    close: () => pool.close(),
  };
}
