/** A text as it stands on paper, in the two languages that every page here speaks. */
export interface Bilingual {
  zh: string;
  en: string;
}

export const both = ({ zh, en }: Bilingual): string => `${zh} ${en}`;
