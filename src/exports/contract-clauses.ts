import { CAPABILITIES, type GrantDocument, isUnderAge } from '../consent/index.ts';
import { formatMinor } from '../kernel/money.ts';
import type { Bilingual } from '../platform/pdf/index.ts';
import {
  ageWords, audienceWords, CAPABILITY_WORDS, instantWords, languagesWords, languageWords, mediaWords, percent, placesWords, placeWords, quoted,
  roleWords, yesNo,
} from './contract-terms.ts';

/** A clause in both languages; `verbatim` are the person's own words, shown once and never translated. */
export interface Clause extends Bilingual {
  verbatim?: readonly string[];
}

export interface Section {
  title: Bilingual;
  clauses: readonly Clause[];
}

type Grant = GrantDocument;

function capabilities({ capabilities: granted, media }: Grant): Section {
  const one = (yes: boolean): Clause[] => CAPABILITIES.filter((name) => granted[name] === yes).map((name) => ({
    zh: `${yes ? '可以' : '不可以'}：${CAPABILITY_WORDS[name].zh}。`, en: `${yes ? 'May' : 'May not'}: ${CAPABILITY_WORDS[name].en}.`,
  }));
  const forms = mediaWords(media);
  return {
    title: { zh: '分身可以做什么', en: 'What the clone may do' },
    clauses: [...one(true), ...one(false), { zh: `产出形式仅限：${forms.zh}。`, en: `Outputs come in these forms only: ${forms.en}.` }],
  };
}

function listeners(grant: Grant): Section {
  const [audiences, ages, tiers] = [audienceWords(grant.audiences), ageWords(grant.ageBands), quoted(grant.tiers)];
  const [places, tongues] = [placesWords(grant.territories), languagesWords(grant.languages)];
  return {
    title: { zh: '对谁、在哪里、用什么语言', en: 'For whom, where, in which languages' },
    clauses: [
      { zh: `受众仅限：${audiences.zh}。本人随时可以试听、试看。`, en: `Audience: ${audiences.en} only. The person may preview everything at any time.` },
      { zh: `年龄范围：${ages.zh}。`, en: `Ages: ${ages.en}.` },
      { zh: `会员档位：${tiers.zh}。`, en: `Tiers: ${tiers.en}.` },
      { zh: `国家或地区仅限：${places.zh}。受众自报的所在地与付款地都须在其中。`, en: `Territories: ${places.en} only. Both where a listener says they are and where they are billed must be among them.` },
      { zh: `语言仅限：${tongues.zh}。`, en: `Languages: ${tongues.en} only.` },
    ],
  };
}

function purposes(grant: Grant): Section {
  return {
    title: { zh: '用途', en: 'Purposes' },
    clauses: grant.purposes.map(({ name, intendedUses, works }) => {
      const named = quoted(works);
      return {
        zh: `用途「${name}」。涉及的作品、活动或产品：${named.zh}。具体用途以下列本人的文字为准：`,
        en: `Purpose "${name}". Works, campaigns or products: ${named.en}. The intended uses, in the words agreed:`, verbatim: [intendedUses],
      };
    }),
  };
}

function forbidden(grant: Grant): Section {
  const phrases = quoted(grant.forbiddenPhrases);
  const endorsed = quoted(grant.endorsementCategories);
  const topics = grant.forbiddenTopics.map(({ name, words }): Clause => {
    const all = quoted([...words.zh, ...words.en]);
    return { zh: `禁止话题「${name}」：凡含有${all.zh}的内容一律不生成，不论字形、全半角与大小写。`, en: `Forbidden topic "${name}": nothing that says ${all.en} is made, in whatever script, width or case.` };
  });
  return {
    title: { zh: '禁止的内容', en: 'What is forbidden' },
    clauses: [
      ...topics,
      { zh: `禁止语句：${phrases.zh}。`, en: `Forbidden phrases: ${phrases.en}.` },
      grant.adultContent && !isUnderAge(grant) ? { zh: '允许成人内容。', en: 'Adult content is allowed.' } : { zh: '禁止成人内容。', en: 'Adult content is forbidden.' },
      grant.politicalContent ? { zh: '允许政治内容。', en: 'Political content is allowed.' } : { zh: '禁止政治内容。', en: 'Political content is forbidden.' },
      { zh: `代言与广告仅限以下类别：${endorsed.zh}。`, en: `Endorsement and advertising are limited to these categories: ${endorsed.en}.` },
    ],
  };
}

function limits(grant: Grant): Section {
  const caps = grant.volumeCaps.map(({ capability, window, outputs, seconds }): Clause => {
    const what = capability === 'any' ? { zh: '全部能力合计', en: 'All capabilities together' } : CAPABILITY_WORDS[capability];
    if (outputs === null && seconds === null) return { zh: `${what.zh}：不限数量。`, en: `${what.en}: no limit.` };
    const zh = [outputs === null ? [] : `${outputs} 件`, seconds === null ? [] : `${seconds} 秒`].flat().join('、');
    const en = [outputs === null ? [] : `${outputs} outputs`, seconds === null ? [] : `${seconds} seconds`].flat().join(' and ');
    return {
      zh: `${what.zh}：${window === 'day' ? '每个自然日（亚洲/上海）' : '整个授权期内'}至多 ${zh}。`,
      en: `${what.en}: at most ${en} ${window === 'day' ? 'in a calendar day (Asia/Shanghai)' : 'in the whole term'}.`,
    };
  });
  const { mode, undoHours } = grant.outputApproval;
  const approval: Record<typeof mode, Clause> = {
    none: { zh: '无须逐件审批。', en: 'Outputs need no approval one by one.' },
    before: { zh: '每件产出须经本人事先批准，方可发布。', en: 'Each output waits for the person\'s approval before it is released.' },
    after: { zh: `发布后 ${undoHours} 小时内，本人可以收回任何一件产出。`, en: `For ${undoHours} hours after its release the person may take any output back.` },
  };
  return {
    title: { zh: '数量与逐件审批', en: 'Volume and approval' },
    clauses: [...(caps.length === 0 ? [{ zh: '数量不设上限。', en: 'There is no cap on volume.' }] : caps), approval[mode]],
  };
}

function training(grant: Grant): Section {
  const { allowed, sources, derivedModels, deleteOnEnd } = grant.training;
  const material = quoted(sources);
  return {
    title: { zh: '模型训练与转授权', en: 'Training of models, and sublicences' },
    clauses: [
      allowed
        ? { zh: `可以用以下素材训练模型：${material.zh}。`, en: `Models may be trained on this material: ${material.en}.` }
        : { zh: '不得用本人的素材训练任何模型。', en: 'No model may be trained on the person\'s material.' },
      derivedModels ? { zh: '可以由该模型再派生其他模型。', en: 'Other models may be derived from the trained one.' } : { zh: '不得派生其他模型。', en: 'No other model may be derived.' },
      deleteOnEnd ? { zh: '授权终止时删除模型。', en: 'Models are deleted when the grant ends.' } : { zh: '授权终止后可以保留模型，但不得再用于产出。', en: 'Models may be kept when the grant ends, and make nothing any more.' },
      grant.sublicence
        ? { zh: '平台可以在本授权范围之内向机构转授权，每份转授权须另行签署。', en: 'The platform may license organisations inside this grant; each licence is signed by itself.' }
        : { zh: '平台不得转授权。', en: 'The platform may not sublicense.' },
    ],
  };
}

function money(grant: Grant): Section {
  const { model, rateBasisPoints, floorMinor, currency, auditRight } = grant.compensation;
  const amount = `${formatMinor(BigInt(floorMinor), currency)} ${currency}`;
  const share: Clause = {
    zh: `有偿：本人所得不低于分成基数的 ${percent(rateBasisPoints)}；${floorMinor === '0' ? '不设单笔保底' : `每笔付款本人所得不低于 ${amount}`}。`,
    en: `Paid: the person's share is at least ${percent(rateBasisPoints)} of what is divided; ${floorMinor === '0' ? 'there is no least amount' : `of each payment it is at least ${amount}`}.`,
  };
  return {
    title: { zh: '报酬', en: 'Compensation' },
    clauses: [
      model === 'share' ? share : { zh: '无偿：平台不得就分身的产出向任何人收费。', en: 'Free: nothing may be charged to anybody for what the clone does.' },
      auditRight ? { zh: '本人有权查阅账目，也可以委托审计。', en: 'The person, or an auditor of theirs, may see the books.' } : { zh: '不含查账权。', en: 'There is no right to audit.' },
    ],
  };
}

function ending(grant: Grant): Section {
  const { noticeDays, effect, method } = grant.withdrawal;
  const [from, until] = [instantWords(grant.validFrom), instantWords(grant.validUntil)];
  return {
    title: { zh: '期限、撤回与停止', en: 'Term, withdrawal and the stop' },
    clauses: [
      { zh: `自${from.zh}起（含），至${until.zh}止（不含），期满自动终止，不自动续期。`, en: `From ${from.en}, inclusive, until ${until.en}, exclusive. It then ends by itself and is not renewed by itself.` },
      {
        zh: '本人可以随时暂停、恢复分身；可以随时撤回本授权；也可以下达永久停止令，立即生效，不可委托他人，也不得以任何约定排除。',
        en: 'The person may pause and resume the clone at any time, withdraw this grant at any time, and order its existence to stop: at once, by nobody else, and no agreement takes this away.',
      },
      { zh: `逐步停用（约定通知期）：${noticeDays} 天。`, en: `Notice period of a wind-down: ${noticeDays} days.` },
      effect === 'takedown_all'
        ? { zh: '撤回后：不再产出新内容，并下架已有的全部内容。', en: 'After a withdrawal nothing new is made and everything that was made is taken down.' }
        : { zh: '撤回后：不再产出新内容；已有内容依下条处理。', en: 'After a withdrawal nothing new is made; what was made follows the next clause.' },
      grant.survivalOfExistingWorks
        ? { zh: '授权期满后，已经发布的内容可以继续保留。', en: 'When the term is over, what was released may stay available.' }
        : { zh: '授权期满后，已经发布的内容不再提供。', en: 'When the term is over, what was released is no longer given out.' },
      method === null
        ? { zh: '撤回方式：与作出同意同样便捷。', en: 'Withdrawing is as easy as consenting.' }
        : { zh: '撤回方式（应与作出同意同样便捷）：', en: 'How to withdraw, which must be as easy as consenting:', verbatim: [method] },
    ],
  };
}

function afterDeath({ postMortem }: Grant): Section {
  const { allowed, until, holder, registerNotice } = postMortem;
  const title = { zh: '身后', en: 'After death' };
  if (!allowed) return { title, clauses: [{ zh: '本人去世后，本授权不得再使用，分身即停止。', en: 'When the person dies nothing is made under this grant any more; the clone stops.' }] };
  const end = until === null ? { zh: '未定', en: 'not set' } : instantWords(until);
  return {
    title,
    clauses: [
      { zh: `本人去世后，本授权在${end.zh}之前继续有效，由「${holder ?? '—'}」作出决定。`, en: `After the person's death this grant goes on until ${end.en}; "${holder ?? '—'}" decides then.` },
      ...(registerNotice === null ? [] : [{ zh: `登记通知编号：${registerNotice}。`, en: `Reference of the registered notice: ${registerNotice}.` }]),
    ],
  };
}

function disclosure(grant: Grant): Section {
  const { disclosureText, explicitLabelWaiver } = grant;
  const waiver = explicitLabelWaiver === null ? null : { ref: explicitLabelWaiver.agreementRef, until: instantWords(explicitLabelWaiver.retainUntil) };
  return {
    title: { zh: '人工智能标识', en: 'Disclosure that it is AI' },
    clauses: [
      disclosureText === null
        ? { zh: '未约定提示语；依法须有提示之处，不得提供。', en: 'No disclosure text is agreed; where the law asks for one the clone is not offered.' }
        : { zh: '向受众展示或播放以下提示：', en: 'Listeners are told:', verbatim: [disclosureText] },
      waiver === null
        ? { zh: '每件产出均须带有显式标识。', en: 'Every output carries its explicit label.' }
        : { zh: `依协议「${waiver.ref}」可应用户要求提供不带显式标识的文件，日志保存至${waiver.until.zh}。`, en: `By the agreement "${waiver.ref}" a user may ask for a file without the explicit label; logs are kept until ${waiver.until.en}.` },
    ],
  };
}

function validity(grant: Grant): Section {
  const { representation, subject, signer, courtApproval, termsInitialled } = grant;
  const law = placeWords(grant.governingLaw);
  const read = languageWords(grant.languageRead);
  const advised = { none: { zh: '本人未委托律师或工会', en: 'The person had neither counsel nor a union' }, counsel: { zh: '本人由律师代理', en: 'The person was advised by counsel' }, union: { zh: '本人受工会集体协议保护', en: 'The person is covered by a union\'s agreement' } }[representation.kind];
  const who = quoted([representation.name, representation.reference].filter((text) => text !== null));
  const role = roleWords(signer.role);
  return {
    title: { zh: '签署与法律', en: 'Signing and the law' },
    clauses: [
      { zh: `${role.zh}${signer.authorityDocumentSha256 === null ? '' : `，授权文件指纹（SHA-256）${signer.authorityDocumentSha256}`}。`, en: `${role.en}${signer.authorityDocumentSha256 === null ? '' : `; fingerprint of the authority paper (SHA-256) ${signer.authorityDocumentSha256}`}.` },
      subject.isMinor
        ? { zh: `本人未满 18 岁，出生于 ${subject.dateOfBirth ?? '（未填）'}；法院批准：${courtApproval ?? '无'}。`, en: `The person is under 18, born on ${subject.dateOfBirth ?? '(not given)'}; court approval: ${courtApproval ?? 'none'}.` }
        : { zh: `本人已满 18 岁${subject.dateOfBirth === null ? '' : `，出生于 ${subject.dateOfBirth}`}${courtApproval === null ? '' : `；法院批准：${courtApproval}`}。`, en: `The person is 18 or older${subject.dateOfBirth === null ? '' : `, born on ${subject.dateOfBirth}`}${courtApproval === null ? '' : `; court approval: ${courtApproval}`}.` },
      { zh: `${advised.zh}${representation.kind === 'none' ? '' : `：${who.zh}`}。`, en: `${advised.en}${representation.kind === 'none' ? '' : `: ${who.en}`}.` },
      termsInitialled
        ? { zh: '关于数字分身的条款已单独、醒目列出，并经本人逐项确认。', en: 'The terms on the replica stood apart, were conspicuous, and were initialled.' }
        : { zh: '关于数字分身的条款未经逐项确认。', en: 'The terms on the replica were not initialled.' },
      { zh: `本人阅读所用语言：${read.zh}。适用法律：${law.zh}。`, en: `Read in: ${read.en}. Governing law: ${law.en}.` },
      {
        zh: '凡本授权未写明的，一律不许可。两种文本或条款之间有歧义的，作有利于本人的解释（《民法典》第 1021 条）。',
        en: 'Whatever is not named here is not permitted. Where the two texts or any clauses are ambiguous they are read for the person (Civil Code of China, art. 1021).',
      },
    ],
  };
}

/** Every term of a grant, in words, in the order in which it is read. */
export function sectionsOf(grant: Grant): Section[] {
  return [capabilities, listeners, purposes, forbidden, limits, training, money, ending, afterDeath, disclosure, validity].map((section) => section(grant));
}

/** The distinct acts of consent, each a line of the page of its own. */
export function separateConsents({ separateConsent }: Grant): { what: Bilingual; given: boolean; answer: Bilingual }[] {
  const rows: [Bilingual, boolean][] = [
    [{ zh: '合成与使用我的声音（《民法典》第 1023 条；深度合成管理规定第 14 条）', en: 'Synthesising and using my voice' }, separateConsent.voice],
    [{ zh: '合成与使用我的人脸与形象（深度合成管理规定第 14 条）', en: 'Synthesising and using my face and likeness' }, separateConsent.face],
    [{ zh: '以我的人格与口吻说话', en: 'Speaking as me, in text' }, separateConsent.persona],
    [{ zh: '用我的素材训练模型', en: 'Training models on my material' }, separateConsent.training],
    [{ zh: '处理我的敏感个人信息（《个人信息保护法》第 29 条）', en: 'Processing my sensitive personal information (PIPL art. 29)' }, separateConsent.sensitivePersonalInformation],
    [{ zh: '将我的个人信息提供至境外（《个人信息保护法》第 39 条）', en: 'Use outside the country of my home (PIPL art. 39)' }, separateConsent.crossBorder],
  ];
  return rows.map(([what, given]) => ({ what, given, answer: yesNo(given) }));
}
