import type { QuotaSource } from '../billing/model.ts';
import type { AgeBand, ContentLabels, GateKind, GateStateName, Medium, Sale } from '../consent/model.ts';
import { Refusal } from '../kernel/refusals.ts';

/** Nouns and decisions of the gateway: pure. */

/** The way of one output, in its order (docs/promises.md). */
export const STEPS = [
  'entitlement', 'content', 'decide', 'hold', 'render', 'disclose', 'watermark', 'encode', 'label', 'sign', 'keep', 'release',
] as const;
export type Step = (typeof STEPS)[number] | 'deliver';

export type Language = 'en' | 'zh-CN';
export type Audience = 'fan' | 'owner';
export type Capability = 'chat' | 'voice' | 'video' | 'sing' | 'story' | 'work' | 'moments';
/** In which form each capability comes here. */
export const MEDIUM_OF: Readonly<Record<Capability, Medium>> = {
  chat: 'text', voice: 'voice', video: 'video', sing: 'singing', story: 'voice', work: 'voice', moments: 'video',
};
/** `cut`: a stream of which something was sent, and which did not come through. */
export type OutputState = 'queued' | 'streaming' | 'rendering' | 'signing' | 'released' | 'cut' | 'voided' | 'failed' | 'denied';
/** How it reaches the fan: as a file when it is done, or live in segments while it is made. */
export type DeliveryKind = 'file' | 'stream';
export type EndReason =
  | 'stopped' | 'paused' | 'gate_changed' | 'consent_ended' | 'text_unspeakable' | 'too_long' | 'render_failed'
  | 'disconnected' | 'interrupted' | 'not_fetched' | 'payment_lost';

export const ENDED: readonly OutputState[] = ['released', 'cut', 'voided', 'failed', 'denied'];

/** What is asked, as it arrives. Whoever asks cannot say anything about disclosure, label or watermark: there is no member. */
export interface OutputRequest {
  cloneId: string;
  accountId: string;
  /** Under which an organisation asks; a fan names none. */
  licenceId?: string;
  audience: Audience;
  capability: Capability;
  language: Language;
  purpose: string;
  /** Which of the purpose's works it is for. */
  work?: string;
  /** What whoever asks says of the content; the content check may say more, never less. */
  labels?: Partial<ContentLabels>;
  script: string;
  delivery: DeliveryKind;
  /** So many coins the fan would pay for it where no quota is left, as a decimal string. */
  maxCoins?: string;
  /** Which probe sentence of which version; null for what a fan asks. */
  probe: { versionId: string; name: string } | null;
}

/** Who would hear it, and what they have paid for. */
export interface Listener {
  subscription: QuotaSource | null;
  /** What of it is left before this one; null without a limit, or where nothing is counted. */
  left: number | null;
  /** What they are entitled by instead of a subscription. */
  licenceId: string | null;
  tierName: string | null;
  /** Where they say they are, and where their payment says so. */
  declaredCountry: string | null;
  billingCountry: string | null;
  ageBand: AgeBand;
  /** What they pay for the period that this is taken from. */
  sale: Sale | null;
  /** Whether it is worked before those of who was not promised that (`instantReplies`). */
  instant: boolean;
}

/** A gate of the decision, as documents hold it: the epoch is a decimal string. */
export interface DecidedGate {
  gateId: string;
  kind: GateKind;
  epoch: string;
}

export const SCRIPT_CHARACTERS_MAX = 5_000;
export const SAMPLE_RATE_HZ = 24_000;
/** What a released file may weigh; a check of files takes as much. */
export const FILE_BYTES_MAX = 32 * 1024 * 1024;
/** Room in it for header, label and manifest. */
const MARKS_BYTES = 64 * 1024;
/** About eleven minutes. */
export const SAMPLES_MAX = (FILE_BYTES_MAX - MARKS_BYTES) / 2;

export function tooLong(): Refusal {
  return new Refusal('request_too_large', 'Said at this pace the text is longer than one file may be.');
}

/** What the voice has sounds for: letters, digits, hanzi and a few signs. Accents and widths are folded away first. */
const SPEAKABLE = /[A-Za-z0-9\p{Script=Han}&+=@%]/u;
/** Letters and digits of other scripts: the voice would leave them out, and nobody pays for half a text. */
const UNSAYABLE = /(?![A-Za-z0-9\p{Script=Han}])[\p{L}\p{N}]/u;
/** Line breaks and tabs may stand in a script; other control characters have no sound and hide things from readers. */
const CONTROL = /(?![\t\n\r])\p{Cc}/u;

/** Whether there is anything in a text that has a sound. */
export function speakable(text: string): boolean {
  return SPEAKABLE.test(text.normalize('NFKD'));
}

/** A script as it is decided on and said: NFC. Refuses `request_invalid` and `text_unspeakable`. */
export function readScript(text: string): string {
  if (!text.isWellFormed() || CONTROL.test(text)) throw new Refusal('request_invalid', 'The script holds characters that are no text.');
  const script = text.normalize('NFC').trim();
  const characters = Array.from(script).length;
  if (characters > SCRIPT_CHARACTERS_MAX) {
    throw new Refusal('request_invalid', `A script has at most ${SCRIPT_CHARACTERS_MAX} characters; this one has ${characters}.`);
  }
  const folded = script.normalize('NFKD');
  if (!SPEAKABLE.test(folded)) throw new Refusal('text_unspeakable', 'There is nothing in this text that can be spoken.');
  const [unsayable] = UNSAYABLE.exec(folded) ?? [];
  if (unsayable !== undefined) {
    throw new Refusal('text_unspeakable', `The voice has no sound for “${unsayable}”; write it in Latin letters or in Chinese.`);
  }
  return script;
}

/** How long a script may take to say, its disclosure included: slower than any voice here speaks. Measured at the release. */
export function expectedSeconds(script: string): number {
  const spoken = Array.from(script).reduce((sum, character) => sum + (/\p{Script=Han}/u.test(character) ? 0.5 : 0.15), 0);
  return Math.ceil(12 + spoken);
}

/** Whose rules the disclosure follows. Two countries are no territory: the strictest form then. */
export function territoryOf(listener: Pick<Listener, 'declaredCountry' | 'billingCountry'>): string | null {
  return listener.declaredCountry === listener.billingCountry ? listener.declaredCountry : null;
}

export interface SeenGate {
  gateId: string;
  state: GateStateName;
  epoch: bigint;
}

/** Why nothing may be released any more under these gates; null when each is open at the epoch of the decision. */
export function refusedByGates(decided: readonly DecidedGate[], seen: readonly SeenGate[]): Refusal | null {
  for (const state of ['stopped', 'paused'] as const) {
    if (seen.some((gate) => gate.state === state)) {
      return new Refusal('stopped', 'The owner stopped this before it was released.', { extra: { clauses: [`stop.${state}`] } });
    }
  }
  const same = decided.length > 0
    && decided.every((gate) => seen.some(({ gateId, epoch }) => gateId === gate.gateId && epoch.toString() === gate.epoch));
  return same ? null : new Refusal('gate_changed', 'What was allowed changed before the release; ask again.');
}

/** The decision's own end, compared with a clock that was read after the locks. */
export function refusedByTime(expiresAt: Date, now: Date): Refusal | null {
  if (now.getTime() < expiresAt.getTime()) return null;
  return new Refusal('gate_changed', 'The consent ended before the release.', { extra: { clauses: ['grant.expired'] } });
}

function clausesOf(refusal: Refusal): readonly unknown[] {
  return Array.isArray(refusal.extra['clauses']) ? refusal.extra['clauses'] : [];
}

/** How an output ends that did not come through. A stream of which something was sent is `cut` instead, with the same reason. */
export interface Ending {
  state: 'voided' | 'failed';
  reason: EndReason;
}

/** How an output ends because of what was thrown on its way; null when trying again may help. */
export function endingOf(error: unknown): Ending | null {
  if (!(error instanceof Refusal)) return null;
  switch (error.code) {
    case 'stopped':
      return { state: 'voided', reason: clausesOf(error).includes('stop.paused') ? 'paused' : 'stopped' };
    case 'gate_changed':
      return { state: 'voided', reason: clausesOf(error).includes('grant.expired') ? 'consent_ended' : 'gate_changed' };
    case 'denied':
      // Said, it is longer than the owner's cap leaves room for: her consent ends there, and trying again changes nothing.
      return { state: 'voided', reason: 'consent_ended' };
    case 'hold_state':
      // What was to pay for it is gone while it was made: a hold that has ended never comes back.
      return { state: 'voided', reason: 'payment_lost' };
    case 'text_unspeakable':
      return { state: 'failed', reason: 'text_unspeakable' };
    case 'request_too_large':
      return { state: 'failed', reason: 'too_long' };
    case 'render_failed':
      return { state: 'failed', reason: 'render_failed' };
    default:
      return null;
  }
}

/** A stream is not tried again: whatever ends it early ends it for good. `error` is null when the listener went away. */
export function streamEndingOf(error: unknown): Ending {
  if (error === null) return { state: 'voided', reason: 'disconnected' };
  const busy = error instanceof Refusal && ['unavailable', 'database_untrusted', 'overloaded'].includes(error.code);
  return endingOf(error) ?? (busy ? { state: 'voided', reason: 'interrupted' } : { state: 'failed', reason: 'render_failed' });
}

export type PublicStatus = 'unknown' | 'allowed_when_made' | 'allowed_when_made_since_withdrawn' | 'never_allowed';
export interface Texts { en: string; 'zh-CN': string }

export const STATUS_TEXTS: Readonly<Record<PublicStatus, Texts>> = {
  unknown: { en: 'not known here', 'zh-CN': '此处没有记录' },
  allowed_when_made: { en: 'allowed when made', 'zh-CN': '制作时已获许可' },
  allowed_when_made_since_withdrawn: { en: 'allowed when made, since withdrawn', 'zh-CN': '制作时已获许可，其后已撤回' },
  never_allowed: { en: 'never allowed', 'zh-CN': '从未获得许可' },
};

export const CHECK_LIMITS: Texts = {
  en: 'This reads the marks in the file and compares it with what was released. A re-encoded, cut or re-recorded copy is not '
    + 'recognised: no inaudible watermark is put in yet. "Not known here" does not mean that a human spoke.',
  'zh-CN': '本检查读取文件中的标识，并与已发布的内容比对。经重新编码、剪辑或翻录的副本无法识别：目前尚未加入不可听水印。“此处没有记录”并不表示由真人说出。',
};

export const PROBE_PURPOSE = 'probe';

/** What a version says to its owner before it may say anything to anybody else. */
export const PROBE_SENTENCES: Readonly<Record<Language, readonly string[]>> = {
  en: ['This is how I will sound when I speak to you.', 'Thank you for listening. Shall we begin?'],
  'zh-CN': ['这就是我以后对你说话的声音。', '谢谢你听我说话，我们开始好吗？'],
};

export interface Probe {
  name: string;
  language: Language;
  script: string;
}

export function probesOf(languages: readonly Language[]): Probe[] {
  return languages.flatMap((language) => PROBE_SENTENCES[language].map((script, place) => ({ name: `${language}.${place + 1}`, language, script })));
}
