import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

/** Sentences for people in refusals and in what a replay reports are not judged: a caller decides by the code, which is. */
const SENTENCE_AT = { Refusal: 1, RangeError: 0, Error: 0, invalid: 0, tooLarge: 0, report: 2 };

function isSentence(path) {
  const { parent, key, listKey } = path;
  if (listKey !== 'arguments' || (parent.type !== 'NewExpression' && parent.type !== 'CallExpression')) return false;
  const callee = parent.callee.type === 'MemberExpression' ? parent.callee.property : parent.callee;
  return callee.type === 'Identifier' && SENTENCE_AT[callee.name] === key;
}

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'sentences', {
    shouldIgnore(path) {
      return (path.isStringLiteral() || path.isTemplateLiteral()) && isSentence(path) ? 'a sentence for people' : undefined;
    },
  }),
];
