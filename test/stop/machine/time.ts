/** Time that a test makes pass: processes with clocks of their own, and everything that will happen, in order. */

/** Small and fast; a seed always gives the same numbers. For simulations only. */
export interface Dice {
  below(bound: number): number;
  /** True once in `sides`. */
  one(sides: number): boolean;
}

export function makeDice(seed: number): Dice {
  let state = seed >>> 0;
  const next = (): number => {
    // Mulberry32.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return { below: (bound) => next() % bound, one: (sides) => next() % sides === 0 };
}

interface Happening {
  at: number;
  order: number;
  process: Process;
  run: (() => void) | null;
}

/** A process: what it does may be held up (SIGSTOP) or never happen any more (SIGKILL). Its clock may go wrong. */
export class Process {
  frozen = false;
  dead = false;
  /** What would have happened while it was frozen. */
  readonly waiting: Happening[] = [];
  private readonly started: number;
  private still = 0;
  private stillSince: number | null = null;

  constructor(readonly name: string, private readonly time: Time, readonly rate: number) {
    this.started = time.now;
  }

  /** Nanoseconds on this process's monotonic clock. */
  monotonic(): bigint {
    const stillNow = this.still + (this.stillSince === null ? 0 : this.time.now - this.stillSince);
    return BigInt(Math.round((this.time.now - stillNow) * this.rate * 1_000));
  }

  /** Milliseconds: wall clock and uptime are the machine's and are right. */
  wall(): number {
    return 1_000_000 + this.time.now / 1_000;
  }

  uptime(): number {
    return (this.time.now - this.started) / 1_000;
  }

  /** The monotonic clock alone stands still until told otherwise: a machine that sleeps. */
  stand(standing: boolean): void {
    if (standing) this.stillSince ??= this.time.now;
    else if (this.stillSince !== null) {
      this.still += this.time.now - this.stillSince;
      this.stillSince = null;
    }
  }

  freeze(): void {
    this.frozen = true;
  }

  thaw(): void {
    this.frozen = false;
    for (const late of this.waiting.splice(0)) if (late.run !== null) this.time.push({ ...late, at: this.time.now });
  }

  kill(): void {
    this.dead = true;
    this.waiting.length = 0;
  }

  /** `milliseconds` on this process's clock from now. Answers how to call it off. */
  after(milliseconds: number, run: () => void): () => void {
    return this.time.at(this, this.time.now + Math.round((milliseconds * 1_000) / this.rate), run);
  }
}

/** True time, in whole microseconds, and a heap of what is to happen. */
export class Time {
  now = 0;
  /** Whose code runs just now. */
  current: Process | null = null;
  private order = 0;
  private readonly heap: Happening[] = [];

  /** At a true time, in the context of a process. */
  at(process: Process, when: number, run: () => void): () => void {
    const happening: Happening = { at: Math.max(when, this.now), order: this.order++, process, run };
    this.push(happening);
    return () => {
      happening.run = null;
    };
  }

  push(happening: Happening): void {
    const { heap } = this;
    let index = heap.length;
    heap.push(happening);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(happening, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = happening;
  }

  private pop(): Happening | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }

  /** Lets the next thing happen; false when nothing is left before `until`. */
  step(until: number): boolean {
    for (;;) {
      const next = this.heap[0];
      if (next === undefined || next.at > until) {
        this.now = until;
        return false;
      }
      this.pop();
      if (next.run === null || next.process.dead) continue;
      this.now = next.at;
      if (next.process.frozen) {
        next.process.waiting.push(next);
        continue;
      }
      this.current = next.process;
      next.run();
      return true;
    }
  }
}

function before(one: Happening, other: Happening): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
