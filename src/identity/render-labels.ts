import type { DocumentType, Locale } from './model.ts';

/** The names under which people know what they sign. */
export const TITLES: Readonly<Record<DocumentType, Record<Locale, string>>> = {
  notice: { 'zh-CN': '侵权通知', en: 'Notice' },
  counter_notice: { 'zh-CN': '反通知', en: 'Counter-notice' },
  refusal: { 'zh-CN': '拒绝制作克隆体声明', en: 'Refusal of every clone' },
  refusal_withdrawal: { 'zh-CN': '撤回拒绝声明', en: 'Withdrawal of a refusal' },
  vouch: { 'zh-CN': '作保书', en: 'Word for another person\'s claim' },
  representation: { 'zh-CN': '代理身份声明', en: 'Statement of authority' },
  ownership_claim: { 'zh-CN': '权属声明', en: 'Ownership claim' },
  grant: { 'zh-CN': '授权书', en: 'Grant' },
  amendment: { 'zh-CN': '授权变更', en: 'Amendment of a grant' },
  revocation: { 'zh-CN': '撤回授权', en: 'Revocation of a grant' },
  split: { 'zh-CN': '分成协议', en: 'Split agreement' },
  advance: { 'zh-CN': '预付款协议', en: 'Advance' },
  derivative: { 'zh-CN': '衍生许可条款', en: 'Term of a derivative' },
  version_approval: { 'zh-CN': '版本确认书', en: 'Approval of a version' },
  stop_order: { 'zh-CN': '停止令', en: 'Stop order' },
  delegation: { 'zh-CN': '授权代理书', en: 'Delegation' },
  succession: { 'zh-CN': '继承安排', en: 'Succession' },
  licence: { 'zh-CN': '许可协议', en: 'Licence' },
  death_report: { 'zh-CN': '死亡报告', en: 'Death report' },
  life_declaration: { 'zh-CN': '在世声明', en: 'Declaration of life' },
};

export const WORDS: Readonly<Record<Locale, {
  colon: string; yes: string; no: string; none: string; empty: string; noItems: string; document: string; digest: string;
}>> = {
  'zh-CN': {
    colon: '：', yes: '是', no: '否', none: '（未填）', empty: '（空）', noItems: '（无）', document: '文件', digest: '文件指纹（SHA-256）',
  },
  en: {
    colon: ': ', yes: 'yes', no: 'no', none: '(not given)', empty: '(empty)', noItems: '(none)', document: 'Document',
    digest: 'Fingerprint of the document (SHA-256)',
  },
};

/** Chinese names of members. English ones follow from the member's own name, except where that would mislead. */
export const CHINESE: Readonly<Record<string, string>> = {
  contact: '联系方式', represented: '所代表的人', target: '对象', value: '编号或地址', identification: '本人识别说明', goodFaith: '善意声明',
  authorityUnderPenaltyOfPerjury: '有权声明（如有虚假愿承担法律责任）', noticeId: '通知编号', noticeSha256: '通知指纹',
  mistakeUnderPenaltyOfPerjury: '误判声明（如有虚假愿承担法律责任）', acceptsJurisdiction: '接受司法管辖',
  names: '姓名与艺名', handles: '账号名', place: '所在平台', evidenceId: '证据编号', recordingSha256: '录音指纹', refusalId: '拒绝声明编号',
  refusalSha256: '拒绝声明指纹',
  type: '文件类型', schemaVersion: '格式版本', version: '版本', supersedes: '取代', language: '语言', languages: '语言',
  locale: '语言', name: '名称', text: '内容', reason: '理由', note: '备注', at: '时间', issuedAt: '签发时间', signedAt: '签署时间',
  createdAt: '创建时间', accountId: '账户编号', ownerAccountId: '本人账户编号', account: '账户', owner: '本人', subjectName: '本人姓名',
  legalName: '法定姓名', stageName: '艺名', statement: '声明', ownershipProofId: '权属证明编号', proofId: '权属证明编号',
  cloneId: '分身编号', cloneName: '分身名称', versionId: '版本编号', versionNumber: '版本号', number: '序号', handle: '主页名',
  grantId: '授权编号', grantDigest: '授权书指纹', grantVersion: '授权版本', licensee: '被授权方', grantor: '授权方',
  capabilities: '可用能力', voice: '声音', video: '视频', chat: '文字对话', singing: '歌唱', image: '图像',
  sing: '歌唱', story: '讲故事', work: '工作任务', moments: '动态', intendedUses: '具体用途说明', face: '人脸', speaker: '音色参数',
  reviewer: '审核者', fan: '粉丝', rendering: '所展示的合同', mediaType: '文件格式', locales: '语言',
  territories: '地区', territory: '地区', audiences: '受众', tiers: '会员档位', tier: '会员档位', tierName: '会员档位',
  subject: '本人信息', stageNames: '艺名', dateOfBirth: '出生日期', isMinor: '未成年人', domicile: '住所地', signer: '签署人', role: '身份',
  authorityDocumentSha256: '授权文件指纹', courtApproval: '法院许可', representation: '律师或工会', reference: '编号', termsInitialled: '条款已逐项签名',
  languageRead: '阅读语言', media: '媒介', works: '作品、活动或产品', forbiddenPhrases: '禁止语句', endorsementCategories: '可代言类别',
  volumeCaps: '数量上限', capability: '能力', window: '周期', outputs: '条数', seconds: '秒数', outputApproval: '逐条审批', mode: '方式',
  undoHours: '可撤回小时数', sources: '素材来源', derivedModels: '允许衍生模型', deleteOnEnd: '到期删除模型', sublicence: '允许转授权',
  persona: '人格（以本人口吻）', compensation: '报酬', rateBasisPoints: '最低分成（万分之一）', floorMinor: '最低金额（最小单位）', auditRight: '查账权',
  noticeDays: '通知期（天）', survivalOfExistingWorks: '已有作品继续存在', postMortem: '身后', until: '至', holder: '决定人',
  registerNotice: '登记通知编号', explicitLabelWaiver: '免显式标识', agreementRef: '协议编号', retainUntil: '日志保存至',
  purposes: '用途', purpose: '用途', intendedUsesText: '具体用途说明', forbiddenTopics: '禁止话题', topic: '话题', words: '词表',
  zh: '中文', en: '英文', adultContent: '成人内容', politicalContent: '政治内容', ageBands: '年龄段', ageBand: '年龄段',
  validFrom: '生效时间', validUntil: '失效时间', effectiveFrom: '生效日', effectiveDate: '生效日',
  separateConsent: '单独同意', faceVoice: '人脸与声音', sensitivePersonalInformation: '敏感个人信息', training: '训练', crossBorder: '跨境',
  disclosureText: '标识文字', noticePeriodDays: '通知期（天）', modelTraining: '模型训练', trainingAllowed: '允许训练', allowed: '允许',
  withdrawal: '撤回方式', method: '方式', effect: '效果', changes: '变更内容', removed: '移除', added: '增加',
  legs: '分成明细', payeeAccountId: '收款账户编号', payee: '收款人', weight: '份额', weightBasisPoints: '份额（万分之一）',
  payeeName: '收款人名称', reserve: '退款准备金', days: '天数', derivativeId: '衍生许可编号', advanceId: '预付款编号', payer: '付款方',
  crossCollateral: '多个分身共同扣回', endsOn: '截止日', originalCloneId: '原作分身编号', originalName: '原作名称',
  originalOwnerId: '原作权利人', originalOwnerName: '原作权利人名称', derivativeOwnerId: '衍生作品权利人', derivativeOwnerName: '衍生作品权利人名称',
  upstreamBasisPoints: '上缴份额（万分之一）', ceilingBasisPoints: '各级合计上限（万分之一）', rounding: '尾差处理', refundFeeBearer: '退款手续费承担方', basisPoints: '万分之一', base: '分成基数', splitId: '分成协议编号', currency: '币种', amountMinor: '金额（最小单位）',
  materialDigest: '素材指纹', materialDigests: '素材指纹', personaDigest: '人设指纹', policyDigest: '策略指纹', lineage: '模型来源',
  models: '模型', model: '模型', digest: '指纹', sha256: '指纹', stopId: '停止编号', quoteId: '停止报价编号', quoteDigest: '停止报价指纹',
  kind: '种类', scope: '范围', endsAt: '结束时间', subjectKind: '主体类型', claimantName: '申请人姓名', renews: '续期的权属证明',
  voucherAccountId: '作证人账户编号', voucherProofId: '作证人权属证明编号', evidence: '证据', materials: '素材', description: '说明', governingLaw: '适用法律',
  probeOutputIds: '试听编号', probes: '试听', acknowledgement: '确认', acknowledgements: '确认', delegationId: '代理编号', agent: '代理人', verbs: '可代办事项', never: '永不代办', cloneIds: '分身编号',
  actsPerDay: '每日次数上限', successionId: '继承安排编号', successionDigest: '继承安排指纹', heirs: '继承人（按顺序）', licenceId: '许可编号', exclusive: '独占', terms: '条款', waitingDays: '等待天数',
  sunset: '终止之日', diedOn: '死亡日期', papers: '证明文件指纹', reporterAccountId: '报告人账户编号', caseId: '死亡报告编号', country: '国家或地区', platform: '平台',
};

export const ENGLISH: Readonly<Record<string, string>> = {
  zh: 'Chinese', en: 'English', at: 'Time', faceVoice: 'Face and voice', supersedes: 'Replaces', sing: 'Singing', work: 'Work tasks',
  rendering: 'The contract as shown', sha256: 'Fingerprint (SHA-256)', weightBasisPoints: 'Share (basis points)', basisPoints: 'Basis points', amountMinor: 'Amount (minor units)',
};
